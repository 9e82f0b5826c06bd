# ext4 on a volume over an external origin, rolled back while it is mounted.
# Variables: PORT      the server's port on the host
#            VOLUME    a volume over an image of an ext4 file system with a folder "golden"; larger than that
#            SNAPSHOT  the name that its snapshot will get
#            REPLACED  the name that what the rollback replaces will get
# Files:     /host/golden.md5  checksums of what is in the image
#            /host/noise       8 MiB to write from
# When it prints "guest: take the snapshot now" and "guest: roll back now", the host does so; the script waits until the server
# lists SNAPSHOT and REPLACED.

host=10.0.2.2

fail() {
    echo "FAIL: $*"
    dmesg | tail -n 15
    exit 1
}

attach() { nbd-client -N "$1" -t 60 "$host" "$PORT" "$2" >/dev/null 2>&1 || fail "attach $1"; }

wait_for() { # EXPORT
    tries=0
    until nbd-client -l "$host" "$PORT" 2>/dev/null | sed 's/: .*//' | grep -qxF "$1"; do
        tries=$((tries + 1))
        [ $tries -lt 120 ] || fail "no export $1 after 60 s"
        sleep 0.5
    done
    echo "ok: $1 is there"
}

verify() { # FOLDER CHECKSUMS
    (cd "$1" && md5sum -c -s "$2") || fail "contents of $1 are not those of $2"
    echo "ok: $1 as in $2"
}

# Repairs what a file system needs that was in use: the journal is replayed, nothing else may be wrong.
mount_after_crash() { # DEVICE FOLDER
    e2fsck -E journal_only -y "$1" >/tmp/fsck.log 2>&1
    [ $? -le 1 ] || { cat /tmp/fsck.log; fail "journal of $1"; }
    e2fsck -fn "$1" >/tmp/fsck.log 2>&1 || { cat /tmp/fsck.log; fail "e2fsck of $1"; }
    mount -t ext4 "$1" "$2" || fail "mount $1"
}

modprobe -a nbd ext4 || fail "modules"
mkdir -p /mnt/volume /mnt/replaced

# ---- what the origin shows, and what is written over it
attach "$VOLUME" /dev/nbd0
e2fsck -fn /dev/nbd0 >/tmp/fsck.log 2>&1 || { cat /tmp/fsck.log; fail "e2fsck of the untouched volume"; }
mount -t ext4 /dev/nbd0 /mnt/volume || fail "mount"
verify /mnt/volume /host/golden.md5
dd if=/host/noise of=/mnt/volume/golden/3 bs=1000 seek=7 count=100 conv=notrunc 2>/dev/null
rm /mnt/volume/golden/5
cp /host/noise /mnt/volume/new
fstrim /mnt/volume || fail "fstrim" # where the origin lies below, trimmed blocks show it again
sync
(cd /mnt/volume && find . -type f | sort | xargs md5sum) >/tmp/before.md5
[ "$(wc -l </tmp/before.md5)" -eq 12 ] || fail "not 12 files before the snapshot"
echo "guest: take the snapshot now"
wait_for "$SNAPSHOT"

# ---- more is written, then taken back under the mounted file system
dd if=/host/noise of=/mnt/volume/golden/8 bs=1000 count=500 conv=notrunc 2>/dev/null
rm /mnt/volume/golden/9 /mnt/volume/new
dd if=/host/noise of=/mnt/volume/later bs=64k count=40 skip=3 2>/dev/null
sync
(cd /mnt/volume && find . -type f | sort | xargs md5sum) >/tmp/after.md5
echo "guest: roll back now"
wait_for "$REPLACED"
dd if=/dev/nbd0 of=/dev/null bs=4096 count=1 iflag=direct 2>/dev/null && fail "the old connection still works"
umount /mnt/volume 2>/dev/null || umount -l /mnt/volume
nbd-client -d /dev/nbd0 >/dev/null

# ---- the snapshot's state is back, the replaced one is kept
attach "$VOLUME" /dev/nbd0
mount_after_crash /dev/nbd0 /mnt/volume
verify /mnt/volume /tmp/before.md5
[ ! -e /mnt/volume/later ] || fail "a file of the future"
attach "$REPLACED" /dev/nbd1
mount_after_crash /dev/nbd1 /mnt/replaced
verify /mnt/replaced /tmp/after.md5
[ ! -e /mnt/replaced/new ] || fail "a deleted file is back"
cp /host/noise /mnt/volume/again || fail "the volume takes no writes"
umount /mnt/volume /mnt/replaced || fail "umount"
for device in /dev/nbd0 /dev/nbd1; do
    e2fsck -fn $device >/tmp/fsck.log 2>&1 || { cat /tmp/fsck.log; fail "e2fsck of $device at the end"; }
    nbd-client -d $device >/dev/null
done
echo "guest: all steps passed"
