package dev.gossamer.daemon.cli.tools;

import java.util.LinkedHashMap;
import java.util.Map;

/** The offline tools that there are by their names, in the order of the help. */
public final class ToolCommands {
    private ToolCommands() {}

    /**
     * All of them. The names are the annotations', written down again: to read the annotations of every command would
     * cost a start more than the work on a small pool does.
     */
    public static Map<String, Class<?>> all() {
        Map<String, Class<?>> all = new LinkedHashMap<>();
        all.put("check", CheckCommand.class);
        all.put("dump", DumpCommand.class);
        all.put("restore", RestoreCommand.class);
        all.put("repair", RepairCommand.class);
        all.put("metadata-size", MetadataSizeCommand.class);
        all.put("ls", LsCommand.class);
        all.put("delta", DeltaCommand.class);
        all.put("rmap", RmapCommand.class);
        all.put("trim", TrimCommand.class);
        all.put("shrink", ShrinkCommand.class);
        all.put("pack", PackCommand.class);
        all.put("unpack", UnpackCommand.class);
        all.put("generate", GenerateCommand.class);
        all.put("extract", ExtractCommand.class);
        return all;
    }
}
