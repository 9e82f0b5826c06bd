# LVM with the links of share/thin-tools in lvm.conf in place of thin-provisioning-tools: what it runs when it activates
# a pool, and when it repairs one. The first disk has the distribution, the others are volume group "group".
# Variables: LIBRARIES   folder on the first disk with libraries that the Java runtime needs beside the guest's
# Files:     /host/noise  8 MiB to write from

export DM_DISABLE_UDEV=1 LVM_SYSTEM_DIR=/tmp/lvm LVM_SUPPRESS_FD_WARNINGS=1

fail() {
    echo "FAIL: $*"
    cat /tmp/calls 2>/dev/null
    dmsetup status
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

called() { # the tool was run by LVM since the last time this was asked
    grep -q "$1" /tmp/calls || fail "LVM has not run $1"
    echo "ok: LVM ran $(cat /tmp/calls | tr '\n' ';')"
    rm -f /tmp/calls
}

sums() { for name in one two early; do sha256sum <"/dev/group/$name"; done; }

tid() { dmsetup status group-pool-tpool | cut -d ' ' -f 4; }

mkdir -p /dist /tmp/lvm /run/lock /tmp/tools
step "modules" modprobe -a ext4 dm-mod dm-thin-pool dm-snapshot
step "the distribution" mount -t ext4 -o ro /dev/vda /dist
# LVM runs them with no environment of its own making; each run is written down.
for tool in thin_check thin_repair thin_dump; do
    cat >/tmp/tools/$tool <<TOOL
#!/bin/sh
echo "$tool \$*" >>/tmp/calls
LD_LIBRARY_PATH=/dist/$LIBRARIES PATH=/bin exec /dist/gossamer/share/thin-tools/$tool "\$@"
TOOL
    chmod +x /tmp/tools/$tool
done
cat >/tmp/lvm/lvm.conf <<'CONF'
devices { use_devicesfile=0 scan=["/dev"] filter=["a|^/dev/vd[bc]|","r|.*|"] multipath_component_detection=0 }
global {
    use_lvmpolld=0 event_activation=0
    thin_check_executable="/tmp/tools/thin_check" thin_check_options=["-q", "--clear-needs-check-flag"]
    thin_repair_executable="/tmp/tools/thin_repair" thin_dump_executable="/tmp/tools/thin_dump"
}
activation { udev_sync=0 udev_rules=0 monitoring=0 }
CONF

step "disks" lvm pvcreate -q /dev/vdb /dev/vdc
step "group" lvm vgcreate -q --setautoactivation n -s 1m group /dev/vdb /dev/vdc
step "pool" lvm lvcreate -q -Zy --type thin-pool -c 128k -l 40 --poolmetadatasize 4m -n pool group
step "volume one" lvm lvcreate -q --thin -V 16m -n one group/pool
step "volume two" lvm lvcreate -q --thin -V 8m -n two group/pool
step "write" dd if=/host/noise of=/dev/group/one bs=4096 count=900 conv=notrunc,fsync
step "snapshot" lvm lvcreate -q -kn -ay -s -n early group/one
step "write more" dd if=/host/noise of=/dev/group/one bs=4096 seek=300 count=500 skip=1000 conv=notrunc,fsync
step "write to two" dd if=/host/noise of=/dev/group/two bs=4096 seek=7 count=800 skip=500 conv=notrunc,fsync
sums >/tmp/sums
before=$(tid)
step "deactivate" lvm vgchange -an group
rm -f /tmp/calls
step "activate" lvm vgchange -ay group
called "thin_check -q --clear-needs-check-flag"
sums | diff - /tmp/sums || fail "contents"
step "deactivate again" lvm vgchange -an group
rm -f /tmp/calls

# LVM has the metadata checked and written anew on the spare volume, and keeps the old ones.
step "repair" lvm lvconvert -q -y --repair group/pool
called 'thin_repair  *-i'
step "activate the repaired" lvm vgchange -ay group
called "thin_check -q --clear-needs-check-flag"
[ "$(tid)" = "$before" ] || fail "transaction $(tid) in place of $before"
sums | diff - /tmp/sums || fail "contents after the repair"
step "go on" lvm lvcreate -q --thin -V 8m -n three group/pool
step "deactivate at last" lvm vgchange -an group
echo "guest: all steps passed"
