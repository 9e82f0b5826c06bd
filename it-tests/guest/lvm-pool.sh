# A thin pool that LVM makes and takes back: volume group "group" on all the disks, /dev/vda and on.
# Variables: STEP     make  new group with pool "pool" (STRIPES stripes, 128 KiB blocks), thin volumes one, two, three, snapshots
#                           early (of one) and late (of two); volume over, over the external
#                           origin golden, which is as the noise, and its snapshot shadow
#                     back  what others have written to the pool is activated, compared with EXPECTED, and used on
#            STRIPES  1 or 2, for make
# Files:     /host/expected  lines "NAME BYTES SHA256": what the volumes must hold, for back
#            /host/noise     8 MiB to write from
# For each volume it prints at the end "contents: NAME BYTES SHA256".

export DM_DISABLE_UDEV=1 LVM_SYSTEM_DIR=/tmp/lvm LVM_SUPPRESS_FD_WARNINGS=1

fail() {
    echo "FAIL: $*"
    dmsetup status
    dmesg | tail -n 15
    exit 1
}

# Everything LVM would ask its daemons and udev, and thin_check from where it is here.
mkdir -p /tmp/lvm /run/lock
cat >/tmp/lvm/lvm.conf <<'CONF'
devices { use_devicesfile=0 scan=["/dev"] filter=["a|^/dev/vd|","r|.*|"] multipath_component_detection=0 }
global { use_lvmpolld=0 event_activation=0 thin_check_executable="/bin/thin_check" }
activation { udev_sync=0 udev_rules=0 monitoring=0 }
CONF

lv() { lvm "$@" 2>/tmp/lvm.log || { cat /tmp/lvm.log; fail "lvm $*"; }; }

# Numbers are pages of 4 KiB: into the volume, how many, and from where in the noise.
put() { # NAME AT COUNT FROM
    dd if=/host/noise of="/dev/group/$1" bs=4096 seek="$2" count="$3" skip="$4" conv=notrunc,fsync 2>/tmp/dd.log \
        || { cat /tmp/dd.log; fail "write $*"; }
}

report() {
    for path in /dev/group/*; do
        name=${path##*/}
        case $name in pool | golden) continue ;; esac
        echo "contents: $name $(blockdev --getsize64 "$path") $(sha256sum <"$path" | cut -d ' ' -f 1)"
    done
}

deactivate() {
    lv vgchange -an group
    echo 3 >/proc/sys/vm/drop_caches
}

modprobe -a dm-mod dm-thin-pool dm-snapshot || fail "modules"
disks=$(ls -d /dev/vd?)

make() {
    # shellcheck disable=SC2086
    lv pvcreate -q $disks
    # shellcheck disable=SC2086
    lv vgcreate -q --setautoactivation n -s 1m group $disks
    # what lies between lets the data end in two places
    lv lvcreate -q -an -Zn -Wn -l 3 -n before group /dev/vda
    lv lvcreate -q -Zy --type thin-pool -c 128k -i "$STRIPES" -I 64k -l 40 --poolmetadatasize 4m -n pool group
    lv lvcreate -q -an -Zn -Wn -l 2 -n between group
    lv lvremove -q -y group/before
    lv lvextend -q -l +8 group/pool
    lv lvcreate -q --thin -V 16m -n one group/pool
    lv lvcreate -q --thin -V 24m -n two group/pool
    lv lvcreate -q --thin -V 20480k -n three group/pool
    put one 0 700 0
    put two 100 900 300
    lv lvcreate -q -kn -ay -pr -s -n early group/one
    put one 350 400 1000
    lv lvcreate -q -kn -ay -s -n late group/two
    put late 10 50 77
    put two 600 20 1500
    put three 4000 512 9
    lv lvcreate -q -y -an -Zn -Wn -l 8 -n golden group
    lv lvchange -q -ay group/golden
    put golden 0 2048 0
    lv lvchange -q -an group/golden
    lv lvchange -q -pr group/golden
    lv lvcreate -q -kn -ay -s -n over --thinpool group/pool group/golden
    put over 300 100 40
    lv lvcreate -q -kn -ay -s -n shadow group/over
    put over 350 200 1000
    lv lvremove -q -y group/between
}

back() {
    lv vgchange -ay group
    report | cut -d ' ' -f 2- >/tmp/found
    sort /tmp/found >/tmp/found.sorted
    sort /host/expected | diff - /tmp/found.sorted || fail "contents"
    lv lvcreate -q -kn -ay -s -n again group/one
    put again 5 300 600
    put three 0 100 1200
    lv lvcreate -q --thin -V 8m -n four group/pool
    put four 0 256 1024
}

case $STEP in
    make) make ;;
    back) back ;;
    *) fail "no step $STEP" ;;
esac
report
deactivate
echo "segments:"
lv lvs --noheadings -a -o lv_name,segtype,seg_start_pe,seg_size_pe,stripes,seg_pe_ranges group
lv vgck group
