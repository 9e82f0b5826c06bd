# The kernel's own classic snapshots, on what this project's daemon left.
# Disks:     vda origin, vdb its store: activated as they are, written to, then a merge begins and is left in the middle
#            vdc origin, vdd its store: a merge that was left in the middle is brought to its end
# Files:     /host/expected  lines "NAME SHA256": what origin, snapshot and merged must hold
# It prints "changed: origin SHA256" and "changed: snapshot SHA256": what vda's origin and snapshot held at the end.

export DM_DISABLE_UDEV=1

fail() {
    echo "FAIL: $*"
    dmsetup status
    dmesg | tail -n 15
    exit 1
}

sectors() { blockdev --getsz "$1"; }

map() { # NAME SECTORS TARGET...
    name=$1 length=$2
    shift 2
    dmsetup create "$name" --table "0 $length $*" || fail "$name: the kernel does not take: $*"
}

sum() { sha256sum <"/dev/mapper/$1" | cut -d ' ' -f 1; }

holds() { # MAPPED NAME
    found=$(sum "$1")
    grep -qx "$2 $found" /host/expected || fail "$2 reads otherwise here: $found"
    echo "ok: $2 reads the same"
}

put() { # MAPPED BLOCK: 4 KiB of text there
    yes "kernel $1 $2" | dd of="/dev/mapper/$1" bs=4096 count=1 seek="$2" conv=notrunc oflag=direct iflag=fullblock \
        2>/dev/null || fail "write $1 $2"
}

merged() { # MAPPED: has its store nothing but tables left?
    set -- $(dmsetup status "$1")
    [ "$4" != Merge ] || fail "the kernel's merge failed"
    [ "${4%/*}" = "$5" ]
}

modprobe -a dm-mod dm-snapshot || fail "no dm-snapshot"

# ---- what we wrote activates, with the same contents
length=$(sectors /dev/vda)
map base "$length" linear /dev/vda 0
map snap "$length" snapshot /dev/mapper/base /dev/vdb P 16
map org "$length" snapshot-origin /dev/mapper/base
holds org origin
holds snap snapshot
for block in 0 3 77 300 1023; do put org $block; done
for block in 1 77 301 900; do put snap $block; done
echo "changed: origin $(sum org)"
echo "changed: snapshot $(sum snap)"
dmsetup status snap

# ---- a merge begins here; it is ended at once, wherever it is
dmsetup remove org || fail "remove org"
dmsetup remove snap || fail "remove snap"
map merging "$length" snapshot-merge /dev/mapper/base /dev/vdb P 16
dmsetup status merging
dmsetup remove merging || fail "remove merging"
dmsetup remove base || fail "remove base"

# ---- a merge that began elsewhere comes to its end
length=$(sectors /dev/vdc)
map base2 "$length" linear /dev/vdc 0
map merging2 "$length" snapshot-merge /dev/mapper/base2 /dev/vdd P 16
dmsetup status merging2
holds merging2 merged
tries=0
until merged merging2; do
    tries=$((tries + 1))
    [ $tries -lt 600 ] || fail "the merge does not end"
    sleep 0.1
done
dmsetup remove merging2 || fail "remove merging2"
holds base2 merged
dmsetup remove base2 || fail "remove base2"
echo "guest: all steps passed"
