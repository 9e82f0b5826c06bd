package dev.gossamer.io.lvm.format;

import dev.gossamer.io.StorageException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A section of LVM's text. Values are {@link Long}, {@link String}, {@link List} of both, or sections. */
public final class TextSection {
    private final Map<String, Object> entries = new LinkedHashMap<>();

    /** False if the name is there already. */
    public boolean put(String name, Object value) {
        return entries.putIfAbsent(name, value) == null;
    }

    public Set<String> names() {
        return entries.keySet();
    }

    public boolean has(String name) {
        return entries.containsKey(name);
    }

    /** The section of this name; null if there is none. */
    public TextSection section(String name) {
        return entries.get(name) instanceof TextSection section ? section : null;
    }

    /** Sections in here, in the text's order, by name. */
    public Map<String, TextSection> sections() {
        Map<String, TextSection> sections = new LinkedHashMap<>();
        entries.forEach((name, value) -> {
            if (value instanceof TextSection section) {
                sections.put(name, section);
            }
        });
        return sections;
    }

    /** A number that must be there and in the range. */
    public long number(String name, long min, long max) throws StorageException {
        if (!(entries.get(name) instanceof Long value)) {
            throw LvmError.damaged("'" + name + "' is not there, or no number");
        }
        if (value < min || value > max) {
            throw LvmError.damaged("'" + name + "' is " + value + ", not from " + min + " to " + max);
        }
        return value;
    }

    /** A string; empty if it is not there. */
    public String string(String name) throws StorageException {
        Object value = entries.getOrDefault(name, "");
        if (value instanceof String text) {
            return text;
        }
        throw LvmError.damaged("'" + name + "' is no string");
    }

    /** An identifier, which must be there; without its dashes. */
    public String id(String name) throws StorageException {
        String id = string(name).replace("-", "");
        if (!LvmId.isId(id)) {
            throw LvmError.damaged("'" + name + "' is no identifier");
        }
        return id;
    }

    /** A list, or the one value there is instead; empty if there is none. */
    public List<Object> list(String name) throws StorageException {
        Object value = entries.get(name);
        if (value instanceof TextSection) {
            throw LvmError.damaged("'" + name + "' is a section, not a list");
        }
        List<Object> values = new ArrayList<>();
        if (value instanceof List<?> several) {
            values.addAll(several);
        } else if (value != null) {
            values.add(value);
        }
        return values;
    }

    /** A list of strings. */
    public List<String> words(String name) throws StorageException {
        List<String> words = new ArrayList<>();
        for (Object value : list(name)) {
            if (!(value instanceof String word)) {
                throw LvmError.damaged("'" + name + "' holds what is no string");
            }
            words.add(word);
        }
        return words;
    }
}
