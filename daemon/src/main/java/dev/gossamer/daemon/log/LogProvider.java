package dev.gossamer.daemon.log;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.slf4j.ILoggerFactory;
import org.slf4j.IMarkerFactory;
import org.slf4j.Logger;
import org.slf4j.helpers.BasicMarkerFactory;
import org.slf4j.helpers.NOPMDCAdapter;
import org.slf4j.spi.MDCAdapter;
import org.slf4j.spi.SLF4JServiceProvider;

/**
 * What SLF4J finds. Levels stand in {@code log.properties} on the class path, a line each: the beginning of loggers'
 * names and {@code off}, {@code error}, {@code warn}, {@code info} or {@code debug}; the longest that fits decides, and
 * {@code info} if none does.
 */
public final class LogProvider implements SLF4JServiceProvider, ILoggerFactory {
    /** Of the API that this is compiled with. */
    private static final String REQUESTED_API_VERSION = "2.0.99";

    private final ConcurrentMap<String, Logger> loggers = new ConcurrentHashMap<>();
    private final IMarkerFactory markers = new BasicMarkerFactory();
    private final MDCAdapter context = new NOPMDCAdapter();
    private final Properties levels = new Properties();

    @Override
    public void initialize() {
        try (InputStream file = LogProvider.class.getResourceAsStream("/log.properties")) {
            if (file != null) {
                levels.load(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public Logger getLogger(String name) {
        return loggers.computeIfAbsent(name, this::newLogger);
    }

    private Logger newLogger(String name) {
        return new LineLogger(name, LineLogger.threshold(level(name)), LogOutput.ofProcess());
    }

    private String level(String name) {
        for (String prefix = name;
                !prefix.isEmpty();
                prefix = prefix.substring(0, Math.max(0, prefix.lastIndexOf('.')))) {
            if (levels.containsKey(prefix)) {
                return levels.getProperty(prefix).strip();
            }
        }
        return "info";
    }

    @Override
    public ILoggerFactory getLoggerFactory() {
        return this;
    }

    @Override
    public IMarkerFactory getMarkerFactory() {
        return markers;
    }

    @Override
    public MDCAdapter getMDCAdapter() {
        return context;
    }

    @Override
    public String getRequestedApiVersion() {
        return REQUESTED_API_VERSION;
    }
}
