# gossamer attach in a real kernel: a file system that stays while the server is killed, comes back, and is upgraded.
# Variables: PORT          the server's port on the host
#            VOLUME, EMPTY two empty volumes; GROWN_BYTES is its size once the server has been replaced
#            AWAY_SECONDS  for so long the guest has no network
#            MANY          volumes many1, many2 ... that are attached at once
#            LIBRARIES     folder on the disk with libraries that the Java runtime needs beside the guest's
# The first disk has the distribution. When this prints "guest: kill the server", the host kills it without warning and
# starts it again two seconds later; at "guest: replace the server" it makes the volume larger and stops it in order, and
# starts it again; at "guest: replace the volume" it deletes the empty one and makes another of its name.

fail() {
    echo "FAIL: $*"
    cat /run/gossamer/*.log 2>/dev/null | tail -n 20
    dmesg | tail -n 25
    exit 1
}

# step WHAT COMMAND...: runs the command; its output is shown only when it fails.
step() {
    what=$1
    shift
    "$@" >/tmp/step.log 2>&1 || { status=$?; cat /tmp/step.log; fail "$what (status $status: $*)"; }
    echo "ok: $what"
}

# refused WHAT STATUS WORDS COMMAND...: the command ends with this status, and says the words in one line.
refused() {
    what=$1 expected=$2 words=$3
    shift 3
    status=0
    "$@" >/tmp/out.log 2>/tmp/err.log || status=$?
    [ "$status" = "$expected" ] && [ "$(wc -l </tmp/err.log)" = 1 ] && grep -q "$words" /tmp/err.log ||
        { cat /tmp/out.log /tmp/err.log; fail "$what: status $status instead of $expected, or other words"; }
    echo "ok: $what: $(cat /tmp/err.log)"
}

attached() { [ "$(gossamer attach --list --json | grep -c '"device"')" = "$1" ]; }

# No error has reached a file system or a program.
no_errors() { ! dmesg | grep -iE 'I/O error|EXT4-fs error|remount|Buffer I/O|critical' ; }

write_until() { # FILE: goes on until the file is there
    number=0
    while [ ! -e "$1" ]; do
        dd if=/dev/urandom of="/mnt/volume/load-$((number % 20))" bs=64k count=8 conv=fsync 2>/dev/null || return 1
        (cd /mnt/volume && md5sum "load-$((number % 20))" >"sum-$((number % 20))") || return 1
        number=$((number + 1))
    done
    echo "$number" >/tmp/rounds
}

verify_all() { (cd /mnt/volume && cat sum-* | md5sum -c -s); }

wait_for_lines() { # COUNT WORDS: in the keeper's log
    tries=0
    until [ "$(cat /run/gossamer/*.log 2>/dev/null | grep -c "$2")" -ge "$1" ]; do
        tries=$((tries + 1))
        [ $tries -lt 120 ] || fail "not $1 times '$2' in the keeper's log"
        sleep 0.5
    done
}

mkdir -p /dist /mnt/volume /mnt/other
step "load modules" modprobe -a ext4
step "the distribution" mount -t ext4 -o ro /dev/vda /dist
export LD_LIBRARY_PATH=/dist/$LIBRARIES PATH=$PATH:/dist/gossamer/bin
uri=nbd://10.0.2.2:$PORT/$VOLUME

step "attach with a file system, mounted" gossamer attach "$uri" --mkfs ext4 --mount /mnt/volume --request-timeout 5
write_until /tmp/stop &
writer=$!
sleep 2
echo "guest: kill the server"
wait_for_lines 1 "connected again"
echo "ok: connected again"
sleep 2
echo "guest: replace the server"
wait_for_lines 2 "connected again"
echo "ok: connected again"
# Longer than a request may take, so that the kernel gives the connection up; the address stays with the device.
ip link set eth0 down
sleep "$AWAY_SECONDS"
ip link set eth0 up
wait_for_lines 3 "connected again"
echo "ok: connected again after $AWAY_SECONDS s without a network"
sleep 2
touch /tmp/stop
wait $writer || fail "a write failed"
echo "ok: $(cat /tmp/rounds) rounds of writes"
step "sync" sync
step "what was written is there" verify_all
step "no error was seen" no_errors
[ "$(blockdev --getsize64 /dev/nbd0)" = "$GROWN_BYTES" ] || fail "the device has not grown: $(blockdev --getsize64 /dev/nbd0)"
echo "ok: the device has grown"

# ---- bad input, while one is attached
step "one is attached" attached 1
refused "the device is in use" 6 "in use already" gossamer attach "$uri" /dev/nbd0
refused "the mount point is in use" 6 "mounted already" gossamer attach "$uri" --mount /mnt/volume
refused "a volume that holds something is not overwritten" 5 "holds data at offset 0" gossamer attach "$uri" --mkfs ext4
step "still one" attached 1

sleep 1000 </mnt/volume/load-0 &
holder=$!
refused "what somebody uses is not detached" 1 "umount failed" gossamer detach /mnt/volume
kill $holder
wait $holder 2>/dev/null
step "what was written is still there" verify_all
step "detach" gossamer detach /mnt/volume
step "nothing is attached" attached 0
step "attach again" gossamer attach "$uri" /dev/nbd5
step "e2fsck" e2fsck -fn /dev/nbd5
step "mount" mount -t ext4 -o ro /dev/nbd5 /mnt/volume
step "all is there" verify_all
# a copy of all mounts, that this shell does not see
unshare -m sleep 1000 &
holder=$!
sleep 1
refused "what is mounted elsewhere is not detached" 6 "has it mounted on" gossamer detach /dev/nbd5
kill $holder
wait $holder 2>/dev/null
step "mount again" mount -t ext4 -o ro /dev/nbd5 /mnt/volume
step "detach what somebody else has mounted" gossamer detach /dev/nbd5
refused "it is gone" 8 "is not attached here" gossamer detach /dev/nbd5
# ---- bad input, while nothing is attached
refused "an empty volume cannot be mounted" 1 "the volume is empty; add --mkfs" \
    gossamer attach "nbd://10.0.2.2:$PORT/$EMPTY" --mount /mnt/volume
# ---- another volume gets the name
step "attach the empty one" gossamer attach "nbd://10.0.2.2:$PORT/$EMPTY" --request-timeout 5
echo "guest: replace the volume"
wait_for_lines 1 "is another volume now"
echo "ok: another volume is not taken for it"
step "detach" gossamer detach /dev/nbd0
# ---- several at once
numbers=$(seq 1 "$MANY")
jobs=
for number in $numbers; do
    mkdir -p "/mnt/many$number"
    gossamer attach "nbd://10.0.2.2:$PORT/many$number" --mkfs ext4 --mount "/mnt/many$number" >"/tmp/many$number.log" 2>&1 &
    jobs="$jobs $!"
done
for job in $jobs; do wait "$job" || { cat /tmp/many*.log; fail "one of $MANY attached at once"; }; done
for number in $numbers; do echo "this is $number" >"/mnt/many$number/name"; done
step "$MANY are attached at once" attached "$MANY"
for number in $numbers; do
    gossamer detach "/mnt/many$number" >"/tmp/many$number.log" 2>&1 || { cat "/tmp/many$number.log"; fail "detach $number"; }
done
step "nothing is left attached" attached 0
[ ! -e /sys/block/nbd0/pid ] && [ ! -e /sys/block/nbd5/pid ] || fail "the kernel still has a device"

echo "guest: all steps passed"
