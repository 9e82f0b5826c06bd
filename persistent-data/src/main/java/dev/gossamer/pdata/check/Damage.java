package dev.gossamer.pdata.check;

/** One thing that is wrong with the metadata. */
public sealed interface Damage {

    /** How bad it is, in ascending order. */
    enum Severity {
        /** A number is wrong that only speeds things up, or that nothing depends on. */
        HINT,
        /** Space is lost, nothing else. Of data blocks this is ordinary after a crash. */
        LEAK,
        /** Mappings are lost, or would be by the next change. */
        CORRUPTION
    }

    /** One line for the user. */
    String text();

    default Severity severity() {
        return Severity.CORRUPTION;
    }

    /** A metadata block that cannot be read, or is not what it is referred to as. */
    record UnreadableBlock(long metadataBlock, String reason) implements Damage {
        @Override
        public String text() {
            return reason;
        }
    }

    /** A field of the superblock that cannot be right. */
    record BadSuperblock(String reason) implements Damage {
        @Override
        public String text() {
            return "superblock: " + reason;
        }
    }

    /** A node of a tree that breaks a rule of its shape or place. */
    record BadNode(String tree, long metadataBlock, String reason) implements Damage {
        @Override
        public String text() {
            return tree + ", node at metadata block " + metadataBlock + ": " + reason;
        }
    }

    /** A block is counted more often than it is referred to. */
    record Leak(SpaceMapName spaceMap, long block, long counted, long references) implements Damage {
        @Override
        public Severity severity() {
            return Severity.LEAK;
        }

        @Override
        public String text() {
            return spaceMap + " block " + block + " is counted " + counted + " times and referred to " + references
                    + " times";
        }
    }

    /** A block is counted less often than it is referred to: it would be freed and reused while in use. */
    record CountTooLow(SpaceMapName spaceMap, long block, long counted, long references) implements Damage {
        @Override
        public String text() {
            return spaceMap + " block " + block + " is counted " + counted + " times but referred to " + references
                    + " times";
        }
    }

    /** The overflow tree and a bitmap disagree on whether a count is above 2. */
    record BadOverflow(SpaceMapName spaceMap, long block, String reason) implements Damage {
        @Override
        public String text() {
            return "overflow count of " + spaceMap + " block " + block + ": " + reason;
        }
    }

    /** There is more than was listed. */
    record TooMuch(int listed) implements Damage {
        @Override
        public String text() {
            return "there is more than these " + listed;
        }
    }

    /** A mapping to a data block that does not exist. */
    record MappingBeyondDevice(long metadataBlock, long virtualBlock, long dataBlock) implements Damage {
        @Override
        public String text() {
            return "leaf at metadata block " + metadataBlock + " maps virtual block " + virtualBlock + " to data block "
                    + dataBlock + ", beyond the data device";
        }
    }

    /** A device's details and its mappings do not fit together. */
    record BadDevice(long deviceId, Kind kind, String reason) implements Damage {
        /** What is wrong: the first three can be set right without losing anything. */
        public enum Kind {
            MAPPED_BLOCKS,
            NO_DETAILS,
            NO_MAPPINGS,
            RECORD
        }

        @Override
        public String text() {
            return "device " + deviceId + " " + reason;
        }
    }

    /** A number in a device's details cannot be right, and nothing depends on it. */
    record WrongRecord(long deviceId, String reason) implements Damage {
        @Override
        public Severity severity() {
            return Severity.HINT;
        }

        @Override
        public String text() {
            return "device " + deviceId + " " + reason;
        }
    }

    /**
     * A space map's total or an index entry's free count or search hint is wrong.
     *
     * @param bitmap which entry; -1: the total
     */
    record WrongHint(SpaceMapName spaceMap, long bitmap, String reason) implements Damage {
        @Override
        public Severity severity() {
            return Severity.HINT;
        }

        @Override
        public String text() {
            return spaceMap + " space map: " + reason;
        }
    }
}
