package dev.gossamer.daemon.server.export;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import dev.gossamer.io.rate.IoRates;
import dev.gossamer.io.rate.RateWaits;
import dev.gossamer.nbd.handshake.ExportDirectory;
import dev.gossamer.nbd.handshake.ExportInfo;
import dev.gossamer.nbd.wire.NbdFlags;
import dev.gossamer.thin.VolumeInfo;
import dev.gossamer.thin.VolumeLimits;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class VolumeExportsTest {
    private static VolumeInfo volume(int id, String name, boolean readOnly, int originId) {
        return new VolumeInfo(
                id,
                null,
                name,
                1 << 20,
                0,
                0,
                0,
                readOnly,
                originId,
                null,
                0,
                VolumeLimits.NONE,
                IoRates.NONE,
                RateWaits.NONE,
                null,
                null,
                null);
    }

    @Test
    void theEmptyNameMeansTheOnlyVolume() {
        ExportInfo a = VolumeExports.describe(volume(1, "a", false, -1), false, true, 65536);
        ExportInfo b = VolumeExports.describe(volume(2, "b", false, -1), false, true, 65536);
        assertEquals(a, ExportDirectory.onlyOne(List.of(a)));
        assertEquals(a, ExportDirectory.onlyOne(Arrays.asList(null, a, null)));
        assertNull(ExportDirectory.onlyOne(List.of(a, b)));
        assertNull(ExportDirectory.onlyOne(List.of()));
    }

    @Test
    void aReadOnlySnapshotSaysSoAndOffersNoTrim() {
        ExportInfo info = VolumeExports.describe(volume(12, "snap", true, 7), false, true, 65536);
        assertEquals("thin volume 12, snapshot of 7", info.description());
        assertEquals(
                NbdFlags.HAS_FLAGS
                        | NbdFlags.READ_ONLY
                        | NbdFlags.SEND_FLUSH
                        | NbdFlags.CAN_MULTI_CONN
                        | NbdFlags.SEND_CACHE,
                info.transmissionFlags());
    }

    @Test
    void aPoolThatIgnoresDiscardsOffersNoTrim() {
        int offered = VolumeExports.describe(volume(1, "v", false, -1), false, true, 65536)
                .transmissionFlags();
        int ignoring = VolumeExports.describe(volume(1, "v", false, -1), false, false, 65536)
                .transmissionFlags();
        assertEquals(NbdFlags.SEND_TRIM, offered & ~ignoring);
    }

    @Test
    void thePreferredSizeIsThePowerOfTwoInTheBlockSizeUpToOneMebibyte() {
        assertEquals(65536, VolumeExports.preferredBlockBytes(65536));
        assertEquals(65536, VolumeExports.preferredBlockBytes(3 * 65536));
        assertEquals(1 << 20, VolumeExports.preferredBlockBytes(1 << 30));
    }
}
