package dev.gossamer.daemon.cli.tools;

import dev.gossamer.daemon.lvm.LvmPool;
import dev.gossamer.io.Errno;
import dev.gossamer.io.Reason;
import dev.gossamer.io.StorageException;
import dev.gossamer.nbd.wire.NbdText;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.thin.offline.Compat;
import dev.gossamer.thin.offline.NoPool;
import dev.gossamer.thin.offline.PoolSuperblock;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/**
 * What all offline tools share: the result on standard output, everything else on standard error (OT-5); exit codes
 * (OT-4); whose bytes are written (OT-3).
 */
abstract class OfflineTool implements Callable<Integer> {
    /** The name of the peer that this program was called by, through a link; else unset. */
    private static final String LINK = "gossamer.link";

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--compat",
            paramLabel = "0.9|1",
            converter = CompatName.class,
            description = "Write the bytes that this version of thin-provisioning-tools writes.")
    private Compat compat;

    @Option(
            names = {"-q", "--quiet"},
            description = "Say nothing but errors.")
    private boolean quiet;

    /** LVM knows of another state of the pool than its superblock is. */
    private boolean otherTransaction;

    /** Does the work. @return an exit code of {@link ToolExit} */
    abstract int run() throws IOException, ToolFailed;

    @Override
    public final Integer call() {
        int exit = attempt();
        // What was asked for is done all the same: it may be what tells which of the two is right.
        exit = otherTransaction && (exit == ToolExit.DONE || exit == ToolExit.LEAKS) ? ToolExit.DAMAGE : exit;
        return isLink() && exit > ToolExit.USAGE ? ToolExit.FAILED : exit;
    }

    private int attempt() {
        try {
            return run();
        } catch (ToolFailed e) {
            return failed(e.exitCode(), e.getMessage());
        } catch (NoPool e) {
            return failed(ToolExit.NO_POOL, e.getMessage());
        } catch (MetadataCorrupt e) {
            return failed(ToolExit.DAMAGE, e.getMessage());
        } catch (StorageException e) {
            return failed(exitCode(e.errno()), e.getMessage());
        } catch (IOException e) {
            // Whoever read our output has enough of it.
            return isClosedPipe(e) ? ToolExit.DONE : failed(ToolExit.FAILED, Reason.of(e));
        } catch (OutOfMemoryError e) {
            return failed(
                    ToolExit.FAILED,
                    "this takes more memory than the " + (Runtime.getRuntime().maxMemory() >> 20)
                            + " MiB that Java may have; GOSSAMER_JAVA_OPTS=-Xmx4g, say, allows more");
        }
    }

    private static int exitCode(int errno) {
        return switch (errno) {
            case Errno.EBUSY -> ToolExit.IN_USE;
            case Errno.EOPNOTSUPP -> ToolExit.NO_POOL;
            default -> ToolExit.FAILED;
        };
    }

    private static boolean isClosedPipe(IOException e) {
        return String.valueOf(e.getMessage()).contains("Broken pipe");
    }

    private int failed(int exitCode, String message) {
        err().println((isLink() ? System.getProperty(LINK) : "gossamer") + ": " + printable(message));
        err().flush();
        return exitCode;
    }

    static boolean isLink() {
        return System.getProperty(LINK) != null;
    }

    final Compat compat() {
        return compat == null ? isLink() ? Compat.V1 : Compat.NONE : compat;
    }

    final boolean isQuiet() {
        return quiet;
    }

    /** What is on a device may be anything, and a terminal obeys some of it. */
    static String printable(String text) {
        return NbdText.shown(String.valueOf(text), Integer.MAX_VALUE);
    }

    /** A line about the work, for people. */
    final void say(String line) {
        if (!quiet) {
            err().println(printable(line));
            err().flush();
        }
    }

    /** What is only read may be of a later version: then something may be missing here. */
    final void warnOfUnknown(String name, PoolSuperblock superblock) {
        if (superblock.unknown() != null) {
            say("warning: " + name + " " + superblock.unknown() + ", of which this version knows nothing");
        }
    }

    /**
     * Of a pool of LVM's: a superblock whose transaction id is not the one that LVM has written down (OT-56). What is
     * only read is read then, and if LVM is not just about to tell the pool, the exit code is that of damage.
     *
     * @return the line that was said; null: nothing is wrong
     */
    final String warnOfLvm(ToolInput input, PoolSuperblock superblock) throws StorageException {
        LvmPool lvm = input.poolOfLvm();
        LvmPool.Transaction transaction = lvm == null ? LvmPool.Transaction.SAME : lvm.transaction(superblock);
        if (transaction == LvmPool.Transaction.SAME) {
            return null;
        }
        otherTransaction = transaction == LvmPool.Transaction.OTHER;
        String difference = lvm.difference(superblock);
        say("warning: " + difference);
        return difference;
    }

    /** As {@link #warnOfLvm}, for what would change the pool or make another of it: refuses. */
    static void checkLvm(ToolInput input, PoolSuperblock superblock) throws StorageException, ToolFailed {
        LvmPool lvm = input.poolOfLvm();
        if (lvm != null && lvm.transaction(superblock) == LvmPool.Transaction.OTHER) {
            throw new ToolFailed(ToolExit.DAMAGE, "nothing was written: " + lvm.difference(superblock));
        }
        if (lvm != null) {
            lvm.checkNothingQueued();
        }
    }

    /** Damage that ends a tool: where it is, and what tells more. */
    static MetadataCorrupt damageOf(String name, MetadataCorrupt damage) {
        return new MetadataCorrupt(name + ": " + damage.getMessage() + "; see: gossamer check " + name);
    }

    final PrintWriter out() {
        return spec.commandLine().getOut();
    }

    final PrintWriter err() {
        return spec.commandLine().getErr();
    }

    /** To be thrown; ends the command with exit code 2. */
    final ParameterException wrongUsage(String message) {
        return new ParameterException(spec.commandLine(), message);
    }

    /** {@code 0.9} or {@code 1}. */
    static final class CompatName implements ITypeConverter<Compat> {
        @Override
        public Compat convert(String text) {
            return switch (text) {
                case "0.9" -> Compat.V0_9;
                case "1" -> Compat.V1;
                default -> throw new TypeConversionException("'" + text + "' is neither 0.9 nor 1");
            };
        }
    }
}
