package dev.gossamer.io.sim;

import java.nio.file.Path;
import java.util.Properties;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.TestWatcher;

/**
 * Prints, when a random test fails, the one command that replays it. Registered for all tests of all modules by
 * {@code META-INF/services}; a test is random if its class has drawn from {@link Seeds}.
 */
public final class ReplayCommand implements BeforeAllCallback, TestWatcher {
    /** Properties that make a random test longer, or have it begin elsewhere: without them it tells another story. */
    private static final Pattern SIZES =
            Pattern.compile("(storm|cow|jobs|gossamer\\.(fuzz|memory|owner|test))\\.[\\w.]+");

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
                            Seeds.run(),
                            System.getProperties()));
        }
    }

    /** Runs one method of one class with one seed and the sizes that it was given, from the root of the sources. */
    static String command(String module, String type, String method, long seed, Properties given) {
        StringBuilder sizes = new StringBuilder();
        for (String name : new TreeSet<>(given.stringPropertyNames())) {
            if (SIZES.matcher(name).matches() && !name.equals(Seeds.PROPERTY)) {
                sizes.append(" -D").append(name).append('=').append(given.getProperty(name));
            }
        }
        // the tests of the distribution need it packaged
        String phase = module.equals("it-tests") ? "package" : "test";
        return "mvn -q -pl " + module + " -am -Dtest='" + type + "#" + method + "' -D" + Seeds.PROPERTY + "=" + seed
                + sizes + " -Dsurefire.failIfNoSpecifiedTests=false " + phase;
    }
}
