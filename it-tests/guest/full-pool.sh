# ext4 on a volume of a pool that has less space than is written, and gets more while writes wait for it.
# Variables: PORT    the server's port on the host
#            VOLUME  an empty volume of at least 192 MiB
#            FILES   files of 4 MiB to write
# Files:     /host/noise  8 MiB to write from
# When it prints "guest: the writing begins", the host gets ready to make the pool larger as soon as it is full.

host=10.0.2.2

fail() {
    echo "FAIL: $*"
    dmesg | tail -n 15
    exit 1
}

# A part of the noise that is another for each file.
source_of() { dd if=/host/noise bs=4096 skip=$(($1 * 7)) count=1024 2>/dev/null; }

write_files() {
    index=0
    while [ "$index" -lt "$FILES" ]; do
        source_of "$index" | dd of="/mnt/file-$index" bs=64k conv=fsync 2>/tmp/dd.log \
            || { cat /tmp/dd.log; fail "write of file $index"; }
        index=$((index + 1))
    done
}

verify_files() {
    index=0
    while [ "$index" -lt "$FILES" ]; do
        source_of "$index" | cmp - "/mnt/file-$index" || fail "contents of file $index"
        index=$((index + 1))
    done
}

modprobe -a nbd ext4 || fail "modules"
nbd-client -N "$VOLUME" "$host" "$PORT" /dev/nbd0 || fail "attach"
mkfs.ext4 -q -F /dev/nbd0 || fail "mkfs.ext4"
mount -t ext4 -o errors=panic /dev/nbd0 /mnt || fail "mount"
echo "guest: the writing begins"
write_files
umount /mnt || fail "umount"
nbd-client -d /dev/nbd0 || fail "detach"
if dmesg | grep -E 'I/O error|timed out|EXT4-fs error'; then
    fail "the kernel saw an error"
fi

# once more through a new connection, so that nothing comes from this kernel's cache
nbd-client -N "$VOLUME" "$host" "$PORT" /dev/nbd0 || fail "attach again"
e2fsck -fn /dev/nbd0 || fail "e2fsck (status $?)"
mount -t ext4 -o ro /dev/nbd0 /mnt || fail "mount after reattach"
verify_files
umount /mnt
nbd-client -d /dev/nbd0
echo "guest: all steps passed"
