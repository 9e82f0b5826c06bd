package dev.gossamer.daemon.cli.tools;

import java.util.List;

/** The offline tools that there are, in the order of the help. */
public final class ToolCommands {
    public static final List<Class<?>> ALL = List.of(
            CheckCommand.class,
            DumpCommand.class,
            RestoreCommand.class,
            RepairCommand.class,
            MetadataSizeCommand.class,
            LsCommand.class,
            DeltaCommand.class,
            RmapCommand.class,
            TrimCommand.class,
            ShrinkCommand.class,
            PackCommand.class,
            UnpackCommand.class,
            GenerateCommand.class,
            ExtractCommand.class);

    private ToolCommands() {}
}
