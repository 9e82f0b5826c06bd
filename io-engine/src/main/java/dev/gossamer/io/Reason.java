package dev.gossamer.io;

import java.io.FileNotFoundException;
import java.net.ConnectException;
import java.net.UnknownHostException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.UnresolvedAddressException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.Locale;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;

/**
 * What an exception says, as the end of a line for people: the system's own words, never "null", a class name or the
 * name of a C function. Messages of {@link StorageException} are such lines already and pass unchanged.
 */
public final class Reason {
    /** Netty tells the call before the system's words: {@code connect(..) failed with error(-2): No such file}. */
    private static final Pattern CALL =
            Pattern.compile("(?:io_uring )?\\w+\\(\\.*\\) failed(?: with error\\(-?\\d+\\))?: ");

    /** Where one exception quotes another: {@code java.security.SomeException: text}. */
    private static final Pattern CLASS_NAME =
            Pattern.compile("(?:[a-z]\\w*\\.)+[A-Z][\\w$]*(?:Exception|Error)\\b(?:: )?");

    private static final Pattern WORD_START = Pattern.compile("(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])");

    private Reason() {}

    /** One line, not empty; of the first cause that has something to say. */
    public static String of(Throwable failure) {
        Throwable cause = failure;
        while (cause != null) {
            String text = text(cause);
            if (!text.isEmpty()) {
                return text;
            }
            cause = cause.getCause();
        }
        return words(failure);
    }

    private static String text(Throwable cause) {
        String message = cause.getMessage();
        boolean onlyWraps = (cause instanceof CompletionException || cause instanceof ExecutionException)
                && cause.getCause() != null;
        if (cause instanceof StorageException && message != null) {
            return message;
        }
        if (onlyWraps) {
            return "";
        }
        return cause instanceof FileSystemException failed ? ofFile(failed) : ofConnection(cause);
    }

    private static String ofFile(FileSystemException failure) {
        String what = failure.getReason() == null ? words(failure) : failure.getReason();
        if (failure instanceof NoSuchFileException) {
            what = "No such file or directory";
        } else if (failure instanceof AccessDeniedException) {
            what = "Permission denied";
        } else if (failure instanceof FileAlreadyExistsException) {
            what = "File exists";
        }
        return failure.getFile() == null ? what : failure.getFile() + ": " + what;
    }

    private static String ofConnection(Throwable cause) {
        String message = cause.getMessage();
        if (cause instanceof UnresolvedAddressException || cause instanceof UnknownHostException) {
            return message == null ? "the host is not known" : "the host " + message.split(":", 2)[0] + " is not known";
        }
        if (cause instanceof FileNotFoundException && message == null) {
            return "No such file or directory";
        }
        if (cause instanceof ClosedChannelException) {
            return "the connection was closed";
        }
        if (cause instanceof TimeoutException && message == null) {
            return "no answer in time";
        }
        return cause instanceof ConnectException && message == null ? "nobody can be reached there" : clean(message);
    }

    private static String clean(String message) {
        if (message == null) {
            return "";
        }
        String line = message.lines().findFirst().orElse("");
        line = CALL.matcher(line).replaceAll("");
        return CLASS_NAME.matcher(line).replaceAll("").strip();
    }

    /**
     * The name of its class as words, for want of anything better: ClosedWatchServiceException, "closed watch service".
     */
    private static String words(Throwable failure) {
        String name = failure.getClass().getSimpleName().replaceAll("(Exception|Error)$", "");
        String words = WORD_START.matcher(name).replaceAll(" ").toLowerCase(Locale.ROOT);
        return words.isEmpty() ? "it failed" : words;
    }
}
