# What the kernel's classic snapshots move for the first write to a chunk of their origin.
# Disks:     vda origin, vdb room for eight stores of 4 MiB
# Variables: WRITES  4 KiB writes, one behind the other, each to a chunk of its own
# It prints, for one and for eight snapshots, "cost: SNAPSHOTS BYTES_READ BYTES_WRITTEN", of both disks together.

export DM_DISABLE_UDEV=1
STORE_SECTORS=8192

fail() {
    echo "FAIL: $*"
    dmsetup status
    dmesg | tail -n 15
    exit 1
}

map() { # NAME SECTORS TARGET...
    name=$1 length=$2
    shift 2
    dmsetup create "$name" --table "0 $length $*" || fail "$name: the kernel does not take: $*"
}

moved() { # FIELD of both disks' statistics, in sectors
    first=$(awk "{print \$$1}" /sys/block/vda/stat)
    second=$(awk "{print \$$1}" /sys/block/vdb/stat)
    echo $((first + second))
}

cost() { # SNAPSHOTS
    length=$(blockdev --getsz /dev/vda)
    dd if=/dev/zero of=/dev/vdb bs=1M count=32 oflag=direct 2>/dev/null || fail "clear the stores"
    map base "$length" linear /dev/vda 0
    number=0
    while [ $number -lt "$1" ]; do
        map store$number $STORE_SECTORS linear /dev/vdb $((number * STORE_SECTORS))
        map snap$number "$length" snapshot /dev/mapper/base /dev/mapper/store$number P 8
        number=$((number + 1))
    done
    map org "$length" snapshot-origin /dev/mapper/base
    read_before=$(moved 3)
    written_before=$(moved 7)
    dd if=/dev/zero of=/dev/mapper/org bs=4096 count="$WRITES" oflag=direct 2>/dev/null || fail "write"
    sync
    echo "cost: $1 $((($(moved 3) - read_before) * 512)) $((($(moved 7) - written_before) * 512))"
    dmsetup remove org || fail "remove org"
    number=0
    while [ $number -lt "$1" ]; do
        dmsetup remove snap$number || fail "remove snap$number"
        dmsetup remove store$number || fail "remove store$number"
        number=$((number + 1))
    done
    dmsetup remove base || fail "remove base"
}

modprobe -a dm-mod dm-snapshot || fail "no dm-snapshot"
cost 1
cost 8
echo "guest: all steps passed"
