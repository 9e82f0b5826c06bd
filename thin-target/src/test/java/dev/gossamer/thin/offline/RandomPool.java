package dev.gossamer.thin.offline;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** A pool that there never was: devices with runs of their own and runs that several of them share. */
final class RandomPool implements OutputDevice.Source {
    private record Run(long virtualBlock, long dataBlock, long length, long time) {}

    private record Piece(long sharedName, List<Run> runs) {}

    private record Volume(PoolSink.Device device, List<Piece> pieces) {}

    private static final long OWN = -1;

    private final List<List<Run>> shared = new ArrayList<>();
    private final List<Volume> volumes = new ArrayList<>();
    private final PoolSink.Pool pool;

    RandomPool(SplittableRandom random) {
        long time = random.nextLong(1, 100);
        pool = new PoolSink.Pool(time, random.nextLong(1000), false, 2, 128, 200_000);
        long[] key = {0};
        for (int i = random.nextInt(6); i > 0; i--) {
            shared.add(runs(random, key, random.nextInt(1, 40)));
        }
        int id = 0;
        for (int i = random.nextInt(8); i > 0; i--) {
            id += random.nextInt(1, 500);
            volumes.add(volume(random, id));
        }
    }

    private Volume volume(SplittableRandom random, long id) {
        List<Piece> pieces = new ArrayList<>();
        long[] key = {0};
        long mapped = 0;
        for (int name = 0; name <= shared.size(); name++) {
            if (random.nextInt(3) > 0) {
                long end = name < shared.size() ? shared.get(name).getFirst().virtualBlock() : Long.MAX_VALUE;
                List<Run> own = runs(random, key, random.nextInt(1, 20)).stream()
                        .filter(run -> run.virtualBlock + run.length <= end)
                        .toList();
                pieces.add(new Piece(OWN, own));
                mapped += own.stream().mapToLong(Run::length).sum();
            }
            if (name < shared.size()) {
                Run last = shared.get(name).getLast();
                if (random.nextBoolean()) {
                    pieces.add(new Piece(name, shared.get(name)));
                    mapped += shared.get(name).stream().mapToLong(Run::length).sum();
                }
                key[0] = last.virtualBlock + last.length;
            }
        }
        PoolSink.Device device =
                new PoolSink.Device(id, mapped, Math.min(random.nextLong(50), pool.transactionId()), 0, pool.time());
        return new Volume(device, pieces);
    }

    private List<Run> runs(SplittableRandom random, long[] key, int count) {
        List<Run> runs = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            key[0] += random.nextInt(1, 3);
            long length = random.nextInt(4) == 0 ? random.nextLong(1, 400) : random.nextLong(1, 5);
            runs.add(new Run(key[0], random.nextLong(199_000), length, random.nextLong(pool.time())));
            key[0] += length;
        }
        return runs;
    }

    @Override
    public void tell(PoolSink sink) throws IOException {
        tell(sink, true);
    }

    private void tell(PoolSink sink, boolean sharing) throws IOException {
        sink.beginPool(pool);
        for (int name = 0; sharing && name < shared.size(); name++) {
            sink.beginShared(name);
            tell(shared.get(name), sink);
            sink.endShared();
        }
        for (Volume volume : volumes) {
            sink.beginDevice(volume.device);
            for (Piece piece : volume.pieces) {
                if (sharing && piece.sharedName != OWN) {
                    sink.shared(piece.sharedName);
                } else {
                    tell(piece.runs, sink);
                }
            }
            sink.endDevice();
        }
        sink.endPool();
    }

    private static void tell(List<Run> runs, PoolSink sink) throws IOException {
        for (Run run : runs) {
            sink.mapping(run.virtualBlock, run.dataBlock, run.length, run.time);
        }
    }

    /** What a dump of it is, without sharing. */
    String flatXml() throws IOException {
        ByteArrayOutputStream xml = new ByteArrayOutputStream();
        XmlSink sink = new XmlSink(xml, Compat.NONE);
        tell(new MergingSink(sink), false);
        return xml.toString(StandardCharsets.US_ASCII);
    }

    /** Joins runs that follow each other, as a dump does. */
    private static final class MergingSink implements PoolSink {
        private final PoolSink sink;
        private final RunMerger runs;

        MergingSink(PoolSink sink) {
            this.sink = sink;
            runs = new RunMerger(sink);
        }

        @Override
        public void beginPool(Pool pool) throws IOException {
            sink.beginPool(pool);
        }

        @Override
        public void beginShared(long name) {}

        @Override
        public void endShared() {}

        @Override
        public void beginDevice(Device device) throws IOException {
            sink.beginDevice(device);
        }

        @Override
        public void endDevice() throws IOException {
            runs.flush();
            sink.endDevice();
        }

        @Override
        public void mapping(long virtualBlock, long dataBlock, long length, long time) throws IOException {
            for (long i = 0; i < length; i++) {
                runs.add(virtualBlock + i, ((dataBlock + i) << 24) | time);
            }
        }

        @Override
        public void shared(long name) {}

        @Override
        public void endPool() throws IOException {
            sink.endPool();
        }
    }
}
