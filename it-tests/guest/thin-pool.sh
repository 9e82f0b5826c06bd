# The kernel's own thin pool: /dev/vda is its metadata, /dev/vdb its data. It checks what others have written to the pool,
# writes more, and reports what the devices hold then. With more disks there are more pools of the same contents, one after
# the other, which are changed and not reported.
# Variables: BLOCK_SECTORS   the pool's block size
#            STEP            make    new pool with devices 0 (32 MiB), 1 (16 MiB), snapshots 2 (of 0) and 3 (of 2); 4 made and deleted
#                            change  overwrites, trims and snapshots VOLUME (32 MiB) as 500, writes SPARSE, deletes GONE
#                            read    writes nothing
# Files:     /host/expected  lines "ID SECTORS SHA256": what the devices must hold at first
#            /host/noise     8 MiB to write from
# For each device it prints at the end "contents: ID SECTORS SHA256".

export DM_DISABLE_UDEV=1

fail() {
    echo "FAIL: $*"
    dmsetup status
    dmesg | tail -n 15
    exit 1
}

activate_pool() {
    dmsetup create pool --table "0 $(blockdev --getsz "$data") thin-pool $metadata $data $BLOCK_SECTORS 0" \
        || fail "the kernel does not take the pool"
    dmsetup status pool | grep -q ' rw ' || fail "the pool is not writable"
}

activate() { # ID SECTORS
    dmsetup create "thin-$1" --table "0 $2 thin /dev/mapper/pool $1" || fail "no device $1"
    echo "$1 $2" >>/tmp/devices
}

message() { dmsetup message pool 0 "$*" || fail "$*"; }

new_thin() { # ID SECTORS
    message create_thin "$1"
    activate "$1" "$2"
}

snapshot() { # ORIGIN ID SECTORS
    dmsetup suspend "thin-$1" || fail "suspend $1"
    message create_snap "$2" "$1"
    dmsetup resume "thin-$1" || fail "resume $1"
    activate "$2" "$3"
}

delete() { # ID
    dmsetup remove "thin-$1" || fail "remove $1"
    message delete "$1"
    grep -v "^$1 " /tmp/devices >/tmp/left
    mv /tmp/left /tmp/devices
}

# Numbers are pages of 4 KiB: into the device, how many, and from where in the noise.
put() { # ID AT COUNT FROM
    dd if=/host/noise of="/dev/mapper/thin-$1" bs=4096 seek="$2" count="$3" skip="$4" conv=notrunc,fsync 2>/tmp/dd.log \
        || { cat /tmp/dd.log; fail "write $*"; }
}

trim() { # ID AT COUNT
    /bin/blkdiscard -o $(($2 * 4096)) -l $(($3 * 4096)) "/dev/mapper/thin-$1" || fail "trim $*"
}

# Single pages here and there, each the first or a later one of its block.
scatter() { # ID FIRST STRIDE END
    at=$2
    while [ "$at" -lt "$4" ]; do
        put "$1" "$at" 1 $((at % 2048))
        at=$((at + $3))
    done
}

# Everything goes, so that what is read next comes from the disks.
deactivate() {
    while read -r id _; do
        dmsetup remove "thin-$id" || fail "remove $id"
    done </tmp/devices
    dmsetup remove pool || fail "remove the pool"
    echo 3 >/proc/sys/vm/drop_caches
}

make() {
    new_thin 0 65536
    put 0 0 2048 0
    put 0 2048 2048 0
    put 0 4096 1024 700
    new_thin 1 32768
    scatter 1 5 211 4096
    snapshot 0 2 65536
    put 0 0 256 3
    put 0 1000 777 1
    trim 0 3000 1500
    trim 1 0 300
    snapshot 2 3 65536
    scatter 3 77 499 8192
    new_thin 4 8192
    put 4 0 1024 9
    delete 4
}

change() {
    scatter "$VOLUME" 33 301 8192
    put "$VOLUME" 2048 512 100
    trim "$VOLUME" 4096 512
    snapshot "$VOLUME" "${SNAPSHOT:-500}" 65536
    put "$VOLUME" 4000 300 17
    put "${SNAPSHOT:-500}" 6000 333 40
    trim "${SNAPSHOT:-500}" 100 1000
    scatter "$SPARSE" 9 157 4096
    delete "$GONE"
}

use() { # METADATA DATA STEP REPORT
    metadata=$1 data=$2
    : >/tmp/devices # lines "ID SECTORS"
    activate_pool
    while read -r id sectors expected; do
        activate "$id" "$sectors"
        found=$(sha256sum <"/dev/mapper/thin-$id" | cut -d ' ' -f 1)
        [ "$found" = "$expected" ] || fail "$metadata, device $id: SHA-256 $found, not $expected"
        echo "ok: $metadata, device $id"
    done </host/expected
    [ "$3" = read ] || "$3"
    deactivate
    cp /tmp/devices /tmp/all
    : >/tmp/devices
    activate_pool
    while read -r id sectors; do
        activate "$id" "$sectors"
        [ "$4" = no ] || echo "contents: $id $sectors $(sha256sum <"/dev/mapper/thin-$id" | cut -d ' ' -f 1)"
    done </tmp/all
    deactivate
}

modprobe -a dm-thin-pool || fail "no dm-thin-pool"
report=yes
[ "$STEP" != read ] || report=no
use /dev/vda /dev/vdb "$STEP" "$report"
for metadata in /dev/vdc /dev/vde /dev/vdg; do
    [ -b "$metadata" ] || continue
    use "$metadata" "/dev/vd$(echo "${metadata#/dev/vd}" | tr ceg dfh)" change no
done
echo "guest: all steps passed"
