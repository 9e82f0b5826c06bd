package dev.gossamer.daemon.server.connection;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.gossamer.daemon.server.stream.ClientStream;
import dev.gossamer.daemon.server.stream.ReplyData;
import dev.gossamer.daemon.server.stream.SlabView;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.nbd.handshake.ExportInfo;
import dev.gossamer.nbd.handshake.NegotiatedExport;
import dev.gossamer.nbd.wire.NbdFlags;
import dev.gossamer.thin.ReadLayout;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Memory that is given to a reply comes back, though the reply finds none for its header. */
class ReplyWriterTest {
    private static final int BYTES = 2 << 20;

    private final IoBufferPool pool = new IoBufferPool(4 << 20);
    private final SlabView slab = new SlabView(pool);
    private int headersLeft;

    @AfterEach
    void close() {
        pool.close();
    }

    private ClientStream stream() {
        return (ClientStream) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {ClientStream.class}, (proxy, method, arguments) -> {
                    if (method.getName().equals("header") && headersLeft-- > 0) {
                        return Unpooled.buffer();
                    }
                    if (method.getName().equals("data") && headersLeft >= 0) {
                        ((ByteBuf) arguments[0]).release();
                        return null;
                    }
                    throw new OutOfMemoryError("a test");
                });
    }

    private void assertNothingIsKept(int headers, BiConsumer<ReplyWriter, ReplyData> reply) {
        headersLeft = headers;
        ExportInfo export = new ExportInfo("x", "", 1 << 20, NbdFlags.HAS_FLAGS, 1, 4096, 1 << 20);
        ReplyWriter writer = new ReplyWriter(stream(), new NegotiatedExport(export, true, false, false, List.of()));
        ReplyData data = slab.replyData(bytes -> {}, pool.tryAcquire(BYTES), BYTES);
        assertThrows(OutOfMemoryError.class, () -> reply.accept(writer, data));
        assertEquals(0, pool.usedBytes(), "memory is lost");
    }

    @Test
    void ofARead() {
        assertNothingIsKept(0, (writer, data) -> writer.dataRead(1, 0, data));
        assertNothingIsKept(1, (writer, data) -> writer.dataRead(1, 0, data));
    }

    @Test
    void ofAReadWithHoles() {
        ReadLayout layout = new ReadLayout();
        layout.begin(0);
        layout.add(BYTES, false);
        layout.finish();
        assertNothingIsKept(0, (writer, data) -> writer.sparseRead(1, 0, data, layout));
        assertNothingIsKept(1, (writer, data) -> writer.sparseRead(1, 0, data, layout));
    }
}
