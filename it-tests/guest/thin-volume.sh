# A volume and its snapshot, used by a real kernel: nbd-client, ext4, fio, fstrim, blkdiscard.
# Variables: PORT    the server's port on the host
#            VOLUME  an empty volume of VOLUME_BYTES; SNAPSHOT is the name that its snapshot will get
#            RAW     a second volume, at least 64 MiB, which fio overwrites
# When it prints "guest: take the snapshot now", the host creates SNAPSHOT; the script waits until the server lists it.

host=10.0.2.2

fail() {
    echo "FAIL: $*"
    dmesg | tail -n 15
    exit 1
}

# step WHAT COMMAND...: runs the command; its output is shown only when it fails.
step() {
    what=$1
    shift
    "$@" >/tmp/step.log 2>&1 || { status=$?; cat /tmp/step.log; fail "$what (status $status: $*)"; }
    echo "ok: $what"
}

attach() { # EXPORT DEVICE [OPTION...]
    export_name=$1 device=$2
    shift 2
    step "attach $export_name" nbd-client -N "$export_name" -t 60 "$@" "$host" "$PORT" "$device"
}

expect_bytes() { # DEVICE BYTES
    found=$(blockdev --getsize64 "$1")
    [ "$found" = "$2" ] || fail "$1 has $found bytes, not $2"
}

# Files of many sizes, so that they begin and end anywhere within the pool's blocks. $1 tells one generation from another.
write_files() { # LABEL FOLDER
    mkdir -p "$2" || return 1
    index=0
    while [ $index -lt 40 ]; do
        kilobytes=$((index * index % 97 * 13 + 1))
        dd if=/dev/urandom of="$2/file-$index" bs=1000 count=$kilobytes conv=fsync 2>/dev/null || return 1
        index=$((index + 1))
    done
    echo "$1" >"$2/label"
}

checksums() { # FOLDER FILE
    (cd "$1" && find . -type f | sort | xargs md5sum) >"$2"
    [ "$(wc -l <"$2")" -gt 40 ]
}

verify() { (cd "$1" && md5sum -c -s "$2"); }

# Has the server an export of this name? nbd-client prints "NAME" or "NAME: DESCRIPTION" lines, after some chatter.
listed() { nbd-client -l "$host" "$PORT" 2>/dev/null | sed 's/: .*//' | grep -qxF "$1"; }

step "load modules" modprobe -a nbd ext4
mkdir -p /mnt/volume /mnt/snapshot

# ---- a file system on the volume
attach "$VOLUME" /dev/nbd0
expect_bytes /dev/nbd0 "$VOLUME_BYTES"
[ "$(cat /sys/block/nbd0/queue/discard_max_bytes)" -gt 0 ] || fail "the kernel sees no discard on the volume"
step "mkfs.ext4" mkfs.ext4 -q -F /dev/nbd0
step "mount" mount -t ext4 /dev/nbd0 /mnt/volume
step "write files" write_files first /mnt/volume/files
step "checksums" checksums /mnt/volume /tmp/old.md5
step "umount" umount /mnt/volume

# ---- its snapshot, made by the host
listed "$SNAPSHOT" && fail "$SNAPSHOT exists before it was made"
echo "guest: take the snapshot now"
tries=0
until listed "$SNAPSHOT"; do
    tries=$((tries + 1))
    [ $tries -lt 120 ] || fail "no export $SNAPSHOT after 60 s"
    sleep 0.5
done
echo "ok: snapshot appeared"

# ---- the volume goes on, the snapshot stays
step "mount again" mount -t ext4 /dev/nbd0 /mnt/volume
step "old files on the volume" verify /mnt/volume /tmp/old.md5
step "overwrite files" write_files second /mnt/volume/files
step "add files" write_files third /mnt/volume/more
step "delete files" rm /mnt/volume/files/file-7 /mnt/volume/files/file-31
step "new checksums" checksums /mnt/volume /tmp/new.md5
step "sync" sync
attach "$SNAPSHOT" /dev/nbd1
expect_bytes /dev/nbd1 "$VOLUME_BYTES"
step "mount the snapshot" mount -t ext4 -o ro,noload /dev/nbd1 /mnt/snapshot
step "old files on the snapshot" verify /mnt/snapshot /tmp/old.md5
[ ! -e /mnt/snapshot/more ] || fail "the snapshot has files that were written after it"
[ "$(cat /mnt/snapshot/files/label)" = first ] || fail "the snapshot has the new label"

# ---- trim what the file system does not use
step "delete a folder" rm -r /mnt/volume/more
step "sync" sync
fstrim -v /mnt/volume >/tmp/fstrim.log 2>&1 || { cat /tmp/fstrim.log; fail "fstrim"; }
echo "ok: fstrim: $(cat /tmp/fstrim.log)"
grep -v ' \./more/' /tmp/new.md5 >/tmp/kept.md5

# ---- once more through a new connection, so that nothing comes from this kernel's cache
step "umount" umount /mnt/volume
step "detach" nbd-client -d /dev/nbd0
attach "$VOLUME" /dev/nbd0
step "e2fsck of the volume" e2fsck -fn /dev/nbd0
step "mount after reattach" mount -t ext4 -o ro /dev/nbd0 /mnt/volume
step "new files on the volume" verify /mnt/volume /tmp/kept.md5
step "umount" umount /mnt/volume /mnt/snapshot
step "detach the snapshot" nbd-client -d /dev/nbd1
attach "$SNAPSHOT" /dev/nbd1
step "e2fsck of the snapshot" e2fsck -fn /dev/nbd1
step "mount the snapshot again" mount -t ext4 -o ro,noload /dev/nbd1 /mnt/snapshot
step "old files on the snapshot" verify /mnt/snapshot /tmp/old.md5
step "umount" umount /mnt/snapshot

# ---- raw I/O with two connections
attach "$RAW" /dev/nbd2 -C 2
step "fio with verify" fio --name=raw --filename=/dev/nbd2 --ioengine=libaio --direct=1 --iodepth=16 --rw=randwrite \
    --bsrange=512-64k --blockalign=512 --size=48m --io_size=24m --fsync=64 \
    --verify=crc32c --verify_fatal=1 --randseed=11
step "blkdiscard" /bin/blkdiscard -o 0 -l 50331648 /dev/nbd2
step "zeros after blkdiscard" sh -c 'dd if=/dev/nbd2 bs=1M count=48 iflag=direct 2>/dev/null | cmp -n 50331648 - /dev/zero'
step "write zeroes" /bin/blkdiscard -z -o 4096 -l 1048576 /dev/nbd2

for device in /dev/nbd0 /dev/nbd1 /dev/nbd2; do
    step "detach $device" nbd-client -d "$device"
done
echo "guest: all steps passed"
