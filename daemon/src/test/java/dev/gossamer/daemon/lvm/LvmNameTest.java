package dev.gossamer.daemon.lvm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.StorageException;
import java.util.List;
import org.junit.jupiter.api.Test;

final class LvmNameTest {
    @Test
    void aNameIsReadAsItIsWritten() throws StorageException {
        for (String name : List.of(
                "lvm:vg/pool",
                "lvm:vg-0.1+x/pool_tmeta",
                "lvm:vg/pool?pv=/dev/sda&pv=/a b/c",
                "lvm:vg/pool?pv=/x&foreign&assume-inactive")) {
            assertEquals(name, LvmName.parse(name).toString());
        }
        assertEquals(
                "lvm:vg/other?pv=/x&foreign",
                LvmName.parse("lvm:vg/pool?pv=/x&foreign").sibling("other").toString());
    }

    @Test
    void whatIsNoNameIsRefused() {
        for (String name : List.of(
                "lvm:", "lvm:vg", "lvm:vg/", "lvm:/lv", "lvm:vg/lv/x", "lvm:-vg/lv", "lvm:vg/l v", "lvm:../lv?x")) {
            StorageException refused = assertThrows(StorageException.class, () -> LvmName.parse(name), name);
            assertTrue(refused.getMessage().contains("name it VG/LV")
                    || refused.getMessage().contains("none of pv="));
        }
        String relative = assertThrows(StorageException.class, () -> LvmName.parse("lvm:vg/lv?pv=x"))
                .getMessage();
        assertTrue(relative.contains("'pv=x' is none of pv=PATH with an absolute path"), relative);
    }
}
