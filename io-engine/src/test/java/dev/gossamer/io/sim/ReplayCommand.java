package dev.gossamer.io.sim;

import java.nio.file.Path;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.TestWatcher;

/**
 * Prints, when a random test fails, the one command that replays it. Registered for all tests of all modules by
 * {@code META-INF/services}; a test is random if its class has drawn from {@link Seeds}.
 */
public final class ReplayCommand implements BeforeAllCallback, TestWatcher {
    @Override
    public void beforeAll(ExtensionContext context) {
        Seeds.forget();
    }

    @Override
    public void testFailed(ExtensionContext context, Throwable cause) {
        if (Seeds.wereDrawn()) {
            // tests run in their module's directory
            String module = Path.of("").toAbsolutePath().getFileName().toString();
            String type = context.getRequiredTestClass().getName();
            System.err.println("replay: "
                    + command(
                            module,
                            type.substring(type.lastIndexOf('.') + 1),
                            context.getRequiredTestMethod().getName(),
                            Seeds.run()));
        }
    }

    /** Runs one method of one class with one seed, from the root of the sources. */
    static String command(String module, String type, String method, long seed) {
        // the tests of the distribution need it packaged
        String phase = module.equals("it-tests") ? "package" : "test";
        return "mvn -q -pl " + module + " -am -Dtest='" + type + "#" + method + "' -D" + Seeds.PROPERTY + "=" + seed
                + " -Dsurefire.failIfNoSpecifiedTests=false " + phase;
    }
}
