package dev.gossamer.daemon.cli.tools;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.lvm.LvmDisks;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Tools at a pool of LVM's whose superblock is not of the transaction that LVM has written down (OT-56): readers read,
 * and tell; what would make another pool of it refuses.
 */
final class LvmTransactionTest {
    private static final String QUEUED =
            "group/pool has changes that LVM has written down and the pool has not been told; run lvchange -ay";
    private static final String OTHER = "group/pool has transaction id 5 in its superblock and %d in LVM's text";

    @TempDir
    private Path scratch;

    private LvmDisks disks;

    @BeforeEach
    void unpack() throws IOException {
        disks = new LvmDisks(scratch);
    }

    /** Every tool that reads, on a pool's name; the last word is where it writes to. */
    private List<String[]> readers(String pool) {
        String output = scratch.resolve("read").toString();
        return List.of(
                new String[] {"check", pool},
                new String[] {"check", "--json", pool},
                new String[] {"ls", pool},
                new String[] {"delta", "--thin1", "1", "--thin2", "2", pool},
                new String[] {"rmap", "--region", "0..10", pool},
                new String[] {"metadata-size", pool},
                new String[] {"repair", "--list", "-i", pool},
                new String[] {"shrink", "--plan", "--nr-blocks", "384", "-i", pool},
                new String[] {"trim", "--dry-run", pool},
                new String[] {"extract", "--thin", "1", pool, "-o", output},
                new String[] {"dump", pool, "-o", output});
    }

    private ToolRun run(String... command) throws IOException {
        Files.deleteIfExists(scratch.resolve("read"));
        return ToolRun.gossamer(command);
    }

    private void eachReader(int exitCode, String warning) throws IOException {
        for (String[] command : readers(disks.name("pool"))) {
            ToolRun ran = run(command);
            assertEquals(exitCode, ran.exitCode(), Arrays.toString(command) + ran.err());
            List<String> warned = ran.err()
                    .lines()
                    .filter(line -> line.startsWith("warning: "))
                    .toList();
            if (warning == null) {
                assertEquals(List.of(), warned, Arrays.toString(command));
            } else {
                assertEquals(1, warned.size(), Arrays.toString(command) + ran.err());
                assertTrue(warned.getFirst().startsWith("warning: " + warning), ran.err());
            }
            boolean writes = command[command.length - 1].endsWith("read");
            assertTrue(!writes || Files.size(scratch.resolve("read")) > 0, Arrays.toString(command));
            assertEquals(
                    warning != null && command[1].equals("--json"), ran.out().contains("\"warning\""), ran.out());
        }
    }

    @Test
    void readersOfAPoolThatIsAsLvmKnowsItSayNothing() throws IOException {
        eachReader(ToolExit.DONE, null);
    }

    @Test
    void readersTellOfChangesThatThePoolHasNotBeenTold() throws IOException {
        for (long inText : new long[] {5, 6}) {
            disks.changeTransaction(inText, true);
            eachReader(ToolExit.DONE, QUEUED);
        }
    }

    @Test
    void readersEndWithTheCodeOfDamageIfLvmKnowsAnotherState() throws IOException {
        for (long inText : new long[] {4, 6, 1000}) {
            disks.changeTransaction(inText, false);
            eachReader(ToolExit.DAMAGE, OTHER.formatted(inText));
        }
        disks.changeTransaction(7, true);
        eachReader(ToolExit.DAMAGE, OTHER.formatted(7));
    }

    private void eachWriter(int exitCode, String reason) throws IOException {
        Path output = Files.write(scratch.resolve("out"), new byte[4 << 20]);
        Path read = scratch.resolve("read");
        String pool = disks.name("pool");
        byte[] before = Files.readAllBytes(disks.first());
        for (String[] command : new String[][] {
            {"repair", "--yes", "-i", pool, "-o", output.toString()},
            {"repair", "--in-place", "-i", pool},
            {"shrink", "--nr-blocks", "384", "--data", pool, "-i", pool, "-o", output.toString()},
            {"trim", pool}
        }) {
            Files.deleteIfExists(read);
            ToolRun ran = ToolRun.gossamer(command);
            assertEquals(exitCode, ran.exitCode(), Arrays.toString(command) + ran.err());
            assertTrue(ran.err().contains(reason), Arrays.toString(command) + ran.err());
            assertArrayEquals(new byte[4 << 20], Files.readAllBytes(output), Arrays.toString(command));
            assertArrayEquals(before, Files.readAllBytes(disks.first()), Arrays.toString(command));
        }
    }

    @Test
    void writersRefuse() throws IOException {
        disks.changeTransaction(6, true);
        eachWriter(ToolExit.FAILED, QUEUED);
        disks.changeTransaction(6, false);
        eachWriter(ToolExit.DAMAGE, OTHER.formatted(6));
    }

    /** Who says which transaction it is has decided; LVM's text is never changed. */
    @Test
    void aRepairGoesOnWithTheTransactionThatIsGiven() throws IOException {
        disks.changeTransaction(6, false);
        Path output = Files.write(scratch.resolve("out"), new byte[4 << 20]);
        String[] repair = {"repair", "--transaction-id", "6", "-i", disks.name("pool"), "-o", output.toString()};
        ToolRun ran = ToolRun.gossamer(repair);
        assertEquals(ToolExit.DONE, ran.exitCode(), ran.err());
        assertTrue(ToolRun.gossamer("check", output.toString()).out().startsWith("TRANSACTION_ID=6"));
    }

    /** The copy that a repair by LVM leaves, say: of no pool, and may be looked at as any device. */
    @Test
    void aVolumeThatIsNoPoolsIsReadAsAnyDevice() throws IOException {
        assertEquals(
                ToolExit.NO_POOL,
                ToolRun.gossamer("repair", "--list", "-i", disks.name("lvol0_pmspare"))
                        .exitCode());
    }
}
