package dev.gossamer.daemon.cli.doctor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Looks at kernel and limits, through files of proc(5) and sysfs below a root that tests replace. */
public final class MachineCheck {
    /** Rings of io_uring carry sockets and disks well from here on. */
    private static final int[] GOOD_KERNEL = {5, 15};

    private static final Pattern RELEASE = Pattern.compile("(\\d+)\\.(\\d+).*");
    private static final Pattern LIMIT = Pattern.compile("(\\S+)\\s+\\S+\\s+\\S*\\s*");

    /** Each connection is a descriptor, and so is each device; 4000 connections are the default limit. */
    private static final long GOOD_FILES = 8192;

    /** About 30 MiB of registered memory for each of some loops. */
    private static final long GOOD_MEMLOCK_BYTES = 64L << 20;

    private final Path root;

    public MachineCheck(Path root) {
        this.root = root;
    }

    public List<Finding> look() {
        List<Finding> findings = new ArrayList<>();
        findings.add(kernel());
        findings.add(ring());
        findings.add(limit(
                "open files",
                "Max open files",
                GOOD_FILES,
                "every client needs one; raise it with LimitNOFILE=65536 in the unit, or ulimit -n 65536"));
        findings.add(limit(
                "locked memory",
                "Max locked memory",
                GOOD_MEMLOCK_BYTES,
                "io_uring may fall back to threads, which are slower; set LimitMEMLOCK=1G in the unit, or ulimit -l"));
        findings.add(client());
        return findings;
    }

    private String read(String file) {
        try {
            return Files.readString(root.resolve(file)).strip();
        } catch (IOException e) {
            return "";
        }
    }

    private Finding kernel() {
        String release = read("proc/sys/kernel/osrelease");
        Matcher matcher = RELEASE.matcher(release);
        if (!matcher.matches()) {
            return Finding.warning("kernel", "its version cannot be read", "this program is for Linux");
        }
        int major = Integer.parseInt(matcher.group(1));
        int minor = Integer.parseInt(matcher.group(2));
        boolean good = major > GOOD_KERNEL[0] || (major == GOOD_KERNEL[0] && minor >= GOOD_KERNEL[1]);
        return good
                ? Finding.fine("kernel", release)
                : Finding.warning(
                        "kernel",
                        release + " is older than " + GOOD_KERNEL[0] + "." + GOOD_KERNEL[1],
                        "serve uses threads instead of io_uring, or is asked to with --engine threads");
    }

    private Finding ring() {
        String disabled = read("proc/sys/kernel/io_uring_disabled");
        return switch (disabled) {
            case "1" -> Finding.warning(
                    "io_uring",
                    "is allowed to members of one group only",
                    "sysctl kernel.io_uring_group=GID of the daemon's group, or kernel.io_uring_disabled=0");
            case "2" -> Finding.warning(
                    "io_uring",
                    "is switched off, so threads serve the disks",
                    "sysctl kernel.io_uring_disabled=0; in a container, allow io_uring_setup in its seccomp profile");
            default -> Finding.fine("io_uring", "is not switched off");
        };
    }

    private Finding limit(String about, String name, long good, String advice) {
        for (String line : read("proc/self/limits").split("\n", -1)) {
            if (line.startsWith(name)) {
                Matcher matcher = LIMIT.matcher(line.substring(name.length()).strip());
                String soft = matcher.matches() ? matcher.group(1) : "unlimited";
                boolean enough = soft.equals("unlimited") || Long.parseLong(soft) >= good;
                return enough
                        ? Finding.fine(about, "limit " + soft)
                        : Finding.warning(about, "limit " + soft + ", less than " + good, advice);
            }
        }
        return Finding.fine(about, "limit not known");
    }

    /** Whether volumes can become block devices of this machine. */
    private Finding client() {
        if (Files.isDirectory(root.resolve("sys/module/nbd"))) {
            return Finding.fine("nbd client", "the kernel's module is loaded");
        }
        String release = read("proc/sys/kernel/osrelease");
        Path modules = root.resolve("lib/modules").resolve(release.isEmpty() ? "none" : release);
        if (read("lib/modules/" + release + "/modules.dep").contains("/nbd.ko")) {
            return Finding.fine("nbd client", "the kernel's module is there; modprobe nbd loads it");
        }
        return Finding.warning(
                "nbd client",
                "no kernel module nbd in " + modules,
                "attach does not work here; use nbdfuse, qemu or any other NBD client");
    }
}
