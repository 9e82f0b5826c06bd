package dev.gossamer.daemon.ui;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The files of the page, all of them in memory: what is not among them does not exist, whatever a path says. */
final class UiFiles {
    private static final List<String> NAMES = List.of(
            "index.html",
            "page.css",
            "icon.svg",
            "main.js",
            "api.js",
            "dom.js",
            "format.js",
            "facts.js",
            "plot.js",
            "volumes.js",
            "row.js",
            "space.js",
            "dialog.js",
            "actions.js",
            "lists.js");

    private final Map<String, UiAnswer> byPath = new HashMap<>();

    UiFiles() {
        for (String name : NAMES) {
            byPath.put("/" + name, new UiAnswer(200, type(name), read(name), null));
        }
        byPath.put("/", byPath.get("/index.html"));
    }

    private static String read(String name) {
        try (InputStream file = UiFiles.class.getResourceAsStream(name)) {
            if (file == null) {
                throw new IllegalStateException("the program lacks a file of its page: " + name);
            }
            return new String(file.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String type(String name) {
        return switch (name.substring(name.lastIndexOf('.'))) {
            case ".html" -> "text/html; charset=utf-8";
            case ".css" -> "text/css; charset=utf-8";
            case ".svg" -> "image/svg+xml";
            default -> "text/javascript; charset=utf-8";
        };
    }

    /** Null if there is no such file. */
    UiAnswer get(String path) {
        return byPath.get(path);
    }
}
