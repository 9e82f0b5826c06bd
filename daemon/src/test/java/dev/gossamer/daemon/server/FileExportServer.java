package dev.gossamer.daemon.server;

import dev.gossamer.daemon.server.access.TlsSettings;
import dev.gossamer.daemon.server.connection.ConnectionLimits;
import dev.gossamer.daemon.server.export.DeviceExport;
import dev.gossamer.daemon.server.export.Exports;
import dev.gossamer.daemon.server.export.OpenExport;
import dev.gossamer.daemon.server.export.VolumeExports;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockGeometry;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.posix.OpenOptions;
import dev.gossamer.io.posix.PosixDevice;
import dev.gossamer.io.ring.IoEngineChoice;
import dev.gossamer.io.ring.IoLoops;
import dev.gossamer.nbd.handshake.ExportInfo;
import dev.gossamer.nbd.handshake.MetaContext;
import dev.gossamer.nbd.handshake.Peer;
import dev.gossamer.nbd.wire.NbdFlags;
import java.nio.file.Path;
import java.util.List;

/**
 * Serves a plain file, without a pool: the server alone, to see in a benchmark what the thin layer costs. Ends with the
 * process. Arguments: the file, the Unix socket, the number of I/O loops.
 */
final class FileExportServer {
    /** As the daemon's. */
    private static final int LOOP_BUFFER_BYTES = 256 << 20;

    private FileExportServer() {}

    public static void main(String[] args) throws Exception {
        PosixDevice file = PosixDevice.open(Path.of(args[0]), new OpenOptions(false, false));
        IoLoops loops = IoLoops.start(Integer.parseInt(args[2]), IoEngineChoice.AUTO, LOOP_BUFFER_BYTES);
        NbdServer server =
                new NbdServer(loops, new OneFile(new Shared(file)), ConnectionLimits.DEFAULT, TlsSettings.OFF);
        server.listen(new ListenAddress.Unix(Path.of(args[1])));
        Thread.currentThread().join(); // for ever: the loops' threads keep no process alive
    }

    /** The file under every connection, which may not close it. */
    private record Shared(BlockDevice file) implements BlockDevice {
        @Override
        public BlockGeometry geometry() {
            return file.geometry();
        }

        @Override
        public void submit(BlockRequest request) {
            file.submit(request);
        }

        @Override
        public void close() {
            // the process has it until its end
        }
    }

    /** The file, whatever name a client asks for. */
    private record OneFile(BlockDevice file) implements Exports {
        private static final int FLAGS = NbdFlags.HAS_FLAGS
                | NbdFlags.SEND_FLUSH
                | NbdFlags.SEND_FUA
                | NbdFlags.SEND_TRIM
                | NbdFlags.SEND_WRITE_ZEROES
                | NbdFlags.CAN_MULTI_CONN;

        @Override
        public List<ExportInfo> list(Peer peer) {
            BlockGeometry geometry = file.geometry();
            return List.of(new ExportInfo(
                    "file",
                    "",
                    geometry.sizeBytes(),
                    FLAGS,
                    geometry.alignmentBytes(),
                    4096,
                    VolumeExports.MAXIMUM_PAYLOAD_BYTES));
        }

        @Override
        public ExportInfo find(Peer peer, String name) {
            return list(peer).getFirst();
        }

        @Override
        public OpenExport open(String name, List<MetaContext> contexts) {
            return new DeviceExport(name, file);
        }
    }
}
