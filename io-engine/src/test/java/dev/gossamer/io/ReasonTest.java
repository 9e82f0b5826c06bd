package dev.gossamer.io;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.UnknownHostException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ClosedSelectorException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.concurrent.CompletionException;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Every message is the system's words: what Java puts around them, or leaves out, does not reach people. */
class ReasonTest {
    @TestFactory
    Stream<DynamicTest> whatPeopleRead() {
        return Stream.of(
                reads("No space left on device", new IOException("No space left on device")),
                reads("the connection was closed", new ClosedChannelException()),
                reads("nobody can be reached there", new ConnectException()),
                reads("No such file or directory", new FileNotFoundException()),
                reads("no route to host", new NoRouteToHostException()),
                reads("closed selector", new ClosedSelectorException()),
                reads("/a/b: No such file or directory", new NoSuchFileException("/a/b")),
                reads("/a/b: Permission denied", new AccessDeniedException("/a/b")),
                reads("/a: No space left on device", new FileSystemException("/a", null, "No space left on device")),
                reads("the host nowhere.test is not known", new UnknownHostException("nowhere.test: Name or service")),
                reads(
                        "No such file or directory: /a.sock",
                        new ConnectException("connect(..) failed with error(-2): No such file or directory: /a.sock")),
                reads("Connection refused", new ConnectException("connect(..) failed: Connection refused")),
                reads(
                        "PKIX path building failed: unable to find valid certification path to requested target",
                        new IOException("PKIX path building failed: sun.security.provider.certpath."
                                + "SunCertPathBuilderException: unable to find valid certification path to requested"
                                + " target")),
                reads("the second says more", new IOException(null, new IOException("the second says more"))),
                reads("told", new CompletionException(new StorageException(Errno.EIO, "told"))),
                reads("java.util.List is a name", new StorageException(Errno.EIO, "java.util.List is a name")),
                reads("first line", new IOException("first line\n at [Source: (String)\"x\"; line: 1]")),
                reads("null pointer", new NullPointerException()));
    }

    private static DynamicTest reads(String text, Throwable failure) {
        return DynamicTest.dynamicTest(text, () -> assertEquals(text, Reason.of(failure)));
    }
}
