"""Processes that the benchmark starts: their life, their CPU time, their memory and their system calls."""
import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class Failure(Exception):
    """Something that ends the benchmark; its text is for the user."""


class Process:
    """A server, with everything it prints in a file. Whoever makes one stops it."""

    def __init__(self, command, log):
        self.log = log
        with open(log, "ab") as output:
            self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        self.pid = self.process.pid

    def cpu_seconds(self):
        """User and system time so far. A command's name may contain spaces, so fields count from its ')'."""
        stat = pathlib.Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii")
        fields = stat.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND

    def rss_mib(self):
        """Resident memory, pages of files included."""
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024

    def printed(self):
        return pathlib.Path(self.log).read_text(encoding="utf-8", errors="replace")

    def check_alive(self):
        if self.process.poll() is not None:
            raise Failure(f"{self.process.args[0]} ended with status {self.process.returncode}:\n{self.printed()}")

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def run(command, **options):
    """Runs a program to its end; returns what it printed, or fails with its errors."""
    words = [str(word) for word in command]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                          **options)
    if done.returncode != 0:
        raise Failure(f"{' '.join(words)}\nended with status {done.returncode}:\n{done.stderr}{done.stdout}")
    return done.stdout


class SystemCalls:
    """Counts a process's system calls while a program runs: with perf, which hardly slows it, else with strace, which does."""

    def __init__(self, scratch):
        self.report = scratch / "calls"
        self.tool = self._choose()

    def _choose(self):
        perf = ["perf", "stat", "-e", "raw_syscalls:sys_enter", "-o", str(self.report), "true"]
        if shutil.which("perf") and subprocess.run(perf, check=False, capture_output=True).returncode == 0:
            return "perf"
        return "strace" if shutil.which("strace") else None

    def count(self, process, work):
        """Calls `work` with a prefix for the command it runs; returns the number of system calls and what `work` returned."""
        self.report.unlink(missing_ok=True)
        if self.tool == "perf":
            result = work(["perf", "stat", "-x", ",", "-e", "raw_syscalls:sys_enter", "-p", str(process.pid), "-o", str(self.report)])
            counts = [line.split(",")[0] for line in self.report.read_text(encoding="utf-8").splitlines() if "sys_enter" in line]
            return int(counts[0]), result
        tracer = subprocess.Popen(["strace", "-f", "-c", "-o", str(self.report), "-p", str(process.pid)], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            tracer.stderr.readline()  # attached
            result = work([])
        finally:
            tracer.send_signal(signal.SIGINT)
            tracer.wait()
            tracer.stderr.close()
        return int(re.search(r"^100.00\s+\S+\s+\S+\s+(\d+)", self.report.read_text(encoding="utf-8"), re.MULTILINE)[1]), result


@contextlib.contextmanager
def stopping(servers):
    """Stops every server of the list, which may still grow, whatever happens."""
    try:
        yield servers
    finally:
        for server in servers:
            server.stop()
