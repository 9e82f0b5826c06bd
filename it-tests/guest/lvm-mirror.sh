# A thin pool that LVM makes of two mirrors, one for its data and one for its metadata: volume group "group" on two disks.
# Half-way each of them loses an image: the data its second, the metadata its first.
# Files:     /host/noise  8 MiB to write from
# For each volume it prints at the end "contents: NAME BYTES SHA256".

export DM_DISABLE_UDEV=1 LVM_SYSTEM_DIR=/tmp/lvm LVM_SUPPRESS_FD_WARNINGS=1

fail() {
    echo "FAIL: $*"
    dmsetup status
    dmesg | tail -n 15
    exit 1
}

mkdir -p /tmp/lvm /run/lock
cat >/tmp/lvm/lvm.conf <<'CONF'
devices { use_devicesfile=0 scan=["/dev"] filter=["a|^/dev/vd|","r|.*|"] multipath_component_detection=0 }
global { use_lvmpolld=0 event_activation=0 thin_check_executable="/bin/thin_check" }
activation { udev_sync=0 udev_rules=0 monitoring=0 raid_fault_policy="warn" }
CONF

lv() { lvm "$@" 2>/tmp/lvm.log || { cat /tmp/lvm.log; fail "lvm $*"; }; }

# Numbers are pages of 4 KiB: into the volume, how many, and from where in the noise.
put() { # NAME AT COUNT FROM
    dd if=/host/noise of="/dev/group/$1" bs=4096 seek="$2" count="$3" skip="$4" conv=notrunc,fsync 2>/tmp/dd.log \
        || { cat /tmp/dd.log; fail "write $*"; }
}

in_sync() { # until all mirrors have been copied
    tries=0
    while lv lvs --noheadings -a -o sync_percent group | grep -q '[0-9]' \
        && lv lvs --noheadings -a -o sync_percent group | grep '[0-9]' | grep -qv '100.00'; do
        tries=$((tries + 1))
        [ $tries -lt 200 ] || fail "not in sync"
        sleep 0.2
    done
}

lose() { # the device of an image answers with errors from now on
    sectors=$(dmsetup table "$1" | awk '{ n += $2 } END { print n }')
    dmsetup suspend --nolockfs --noflush "$1" || fail "suspend $1"
    dmsetup load "$1" --table "0 $sectors error" || fail "load $1"
    dmsetup resume "$1" || fail "resume $1"
}

modprobe -a dm-mod dm-thin-pool dm-snapshot dm-raid raid1 || fail "modules"
lv pvcreate -q /dev/vda /dev/vdb
lv vgcreate -q --setautoactivation n -s 1m group /dev/vda /dev/vdb
lv lvcreate -q -an -Zn -Wn -l 3 -n before group /dev/vda
lv lvcreate -q -y -Zn -Wn --type raid1 -m 1 -L 24m -n pool group
lv lvcreate -q -y -Zn -Wn --type raid1 -m 1 -L 4m -n meta group
in_sync
lv lvconvert -q -y --type thin-pool -c 128k --poolmetadata group/meta group/pool
lv lvcreate -q --thin -V 16m -n one group/pool
lv lvcreate -q --thin -V 8m -n two group/pool
put one 0 700 0
in_sync
lose group-pool_tdata_rimage_1
lose group-pool_tmeta_rimage_0
put one 350 900 1000
lv lvcreate -q -kn -ay -s -n early group/one
put two 100 900 300
put one 10 50 77
sync
dmsetup status group-pool_tdata | grep -q ' AD ' || fail "the data have not noticed"
dmsetup status group-pool_tmeta | grep -q ' DA ' || fail "the metadata have not noticed"
for path in /dev/group/*; do
    name=${path##*/}
    case $name in pool) continue ;; esac
    echo "contents: $name $(blockdev --getsize64 "$path") $(sha256sum <"$path" | cut -d ' ' -f 1)"
done
lv vgchange -an group
echo 3 >/proc/sys/vm/drop_caches
echo "segments:"
lv lvs --noheadings -a -o lv_name,segtype,seg_start_pe,seg_size_pe,stripes,seg_pe_ranges group
