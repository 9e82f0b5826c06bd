/*
 * nbdload: loads one export of an NBD server over a Unix socket, verifies every byte range it reads by stamps, and prints one
 * line of JSON. Made to cost less than the server it measures: one thread, no allocation while it runs, all requests that
 * became possible leave in one sendmsg(2), all replies that have arrived come in one recv(2).
 *
 * What is written: each 512-byte sector begins with a stamp, the rest is filler that never changes.
 *
 *      0        8        12       16                                     512
 *      +--------+--------+--------+----------------------------------------+
 *      | offset | gener. | magic  | filler                                 |     host byte order
 *      +--------+--------+--------+----------------------------------------+
 *
 * The generation counts the writes of a 4 KiB block. The current ones lie in the state file (--state), one 32-bit number per
 * block, 0 for never written, so that a later run knows what it must find. Two requests never touch one block at the same
 * time unless both read it.
 *
 * Protocol: fixed newstyle, NBD_OPT_GO, simple or structured replies (https://github.com/NetworkBlockDevice/nbd doc/proto.md).
 */
#define _GNU_SOURCE
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
    SECTOR = 512,
    BLOCK = 4096,
    STAMP_MAGIC = 0x676f7373,
    CONNECTIONS_MAX = 64,
    DEPTH_MAX = 1024,
    /* A few large replies, and still within a CPU's second-level cache. */
    RECEIVE_BYTES = 256 << 10,
    IOVECS_MAX = 1024, /* UIO_MAXIOV */
    REQUEST_BYTES = 28,
    SIMPLE_REPLY_BYTES = 16,
    CHUNK_HEADER_BYTES = 20,
    /* A run that has not ended this long after its time hangs; one of a given amount of work has this time in all. */
    HANG_SECONDS = 300,
};

enum { READ = 0, WRITE = 1, DISCONNECT = 2, FLUSH = 3 };
enum { OPT_GO = 7, OPT_STRUCTURED_REPLY = 8, REP_ACK = 1, REP_INFO = 3, INFO_EXPORT = 0 };
enum { CHUNK_DONE = 1, CHUNK_NONE = 0, CHUNK_DATA = 1, CHUNK_HOLE = 2, CHUNK_ERROR = 32768 };

static const uint64_t NBD_MAGIC = 0x4e42444d41474943ULL, OPTION_MAGIC = 0x49484156454f5054ULL;
static const uint64_t OPTION_REPLY_MAGIC = 0x3e889045565a9ULL;
static const uint32_t REQUEST_MAGIC = 0x25609513, SIMPLE_MAGIC = 0x67446698, STRUCTURED_MAGIC = 0x668e33ef;

struct stamp {
    uint64_t offset;
    uint32_t generation;
    uint32_t magic;
};

/* A place for one request under way. */
struct slot {
    unsigned char *frame; /* REQUEST_BYTES, then the payload of a write, page aligned */
    uint64_t offset;
    uint64_t started; /* nanoseconds */
    uint32_t received; /* bytes of a read that were verified */
    uint16_t command;
    bool flush_follows; /* the I/O ends with the flush after this write */
};

struct connection {
    int fd;
    struct slot *slots;
    struct iovec *out; /* what has to be sent: out[out_first..out_end) */
    unsigned out_first, out_end, out_capacity;
    unsigned char *in; /* what has been received and not understood: in[in_first..in_end) */
    size_t in_first, in_end;
    struct slot *reading; /* whose payload is arriving, or null */
    uint64_t payload_offset;
    size_t payload_left;
    bool payload_is_last;
    uint64_t cursor; /* of the sequential pattern, within this connection's share */
    unsigned writes_since_flush, busy_slots;
};

static struct {
    const char *socket, *export, *state;
    unsigned connections, depth, block, read_percent, flush_every, once, wait_seconds;
    bool sequential, flush_each, final_flush, structured, until_end;
    double seconds;
    uint64_t ios, span, seed;
} options = {.export = "", .connections = 1, .depth = 1, .block = BLOCK, .read_percent = 100, .ios = UINT64_MAX, .seed = 1};

static struct connection connections[CONNECTIONS_MAX];
static uint64_t export_bytes, stop_at, issued, done, flushes, latency_sum, latency_max, first_reply;
static uint32_t *generations;
static uint16_t *users; /* per block: readers under way, or WRITER */
enum { WRITER = UINT16_MAX };
static uint32_t *cells; /* of the pattern "once": the order */
static uint32_t cell_count, cells_used;
static bool finishing;

/* Latencies in nanoseconds, in 32 buckets per power of two: within 3 % of the truth. */
enum { SUB_BITS = 5, BUCKETS = 64 << SUB_BITS };
static uint64_t histogram[BUCKETS];

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("nbdload: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* splitmix64 */
static uint64_t random64(void) {
    uint64_t z = options.seed += 0x9e3779b97f4a7c15ULL;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
    return z ^ z >> 31;
}

static uint64_t random_below(uint64_t limit) {
    return (uint64_t)((unsigned __int128)random64() * limit >> 64);
}

static void *allocate(size_t count, size_t bytes) {
    void *memory = calloc(count, bytes);
    if (memory == NULL) {
        die("out of memory");
    }
    return memory;
}

/* ---- latencies ---- */

static unsigned bucket_of(uint64_t nanos) {
    if (nanos < 1 << SUB_BITS) {
        return (unsigned)nanos;
    }
    unsigned shift = 63 - (unsigned)__builtin_clzll(nanos) - SUB_BITS;
    return ((shift + 1) << SUB_BITS) + (unsigned)(nanos >> shift) - (1 << SUB_BITS);
}

/* The middle of a bucket. */
static double bucket_nanos(unsigned bucket) {
    if (bucket < 1 << SUB_BITS) {
        return bucket;
    }
    unsigned shift = (bucket >> SUB_BITS) - 1;
    return ((double)((1 << SUB_BITS) + (bucket & ((1 << SUB_BITS) - 1))) + 0.5) * (double)(1ULL << shift);
}

static double percentile_micros(double fraction) {
    uint64_t rank = (uint64_t)(fraction * (double)done), seen = 0;
    for (unsigned bucket = 0; bucket < BUCKETS; bucket++) {
        seen += histogram[bucket];
        if (seen > rank) {
            double middle = bucket_nanos(bucket);
            return (middle < (double)latency_max ? middle : (double)latency_max) / 1000;
        }
    }
    return (double)latency_max / 1000;
}

/* ---- handshake ---- */

static void read_fully(int fd, void *to, size_t bytes) {
    while (bytes > 0) {
        ssize_t count = recv(fd, to, bytes, MSG_WAITALL);
        if (count <= 0) {
            die("%s: the server closed the connection in the handshake", options.socket);
        }
        to = (char *)to + count;
        bytes -= (size_t)count;
    }
}

static void write_fully(int fd, const void *from, size_t bytes) {
    while (bytes > 0) {
        ssize_t count = send(fd, from, bytes, MSG_NOSIGNAL);
        if (count < 0) {
            die("%s: cannot send: %s", options.socket, strerror(errno));
        }
        from = (const char *)from + count;
        bytes -= (size_t)count;
    }
}

static uint16_t get16(const unsigned char *at) {
    uint16_t value;
    memcpy(&value, at, sizeof value);
    return be16toh(value);
}

static uint32_t get32(const unsigned char *at) {
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return be32toh(value);
}

static uint64_t get64(const unsigned char *at) {
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return be64toh(value);
}

static void put16(unsigned char *at, uint16_t value) {
    value = htobe16(value);
    memcpy(at, &value, sizeof value);
}

static void put32(unsigned char *at, uint32_t value) {
    value = htobe32(value);
    memcpy(at, &value, sizeof value);
}

static void put64(unsigned char *at, uint64_t value) {
    value = htobe64(value);
    memcpy(at, &value, sizeof value);
}

/* Sends an option and takes its replies up to the last; an NBD_INFO_EXPORT among them tells the size. */
static void negotiate(int fd, uint32_t option, const void *data, uint32_t bytes) {
    unsigned char header[20], info[4096];
    put64(header, OPTION_MAGIC);
    put32(header + 8, option);
    put32(header + 12, bytes);
    write_fully(fd, header, 16);
    write_fully(fd, data, bytes);
    for (;;) {
        read_fully(fd, header, 20);
        uint32_t type = get32(header + 12), length = get32(header + 16);
        if (get64(header) != OPTION_REPLY_MAGIC || length > sizeof info) {
            die("%s: not an option reply", options.socket);
        }
        read_fully(fd, info, length);
        if (type == REP_ACK) {
            return;
        }
        if (type != REP_INFO) {
            die("%s: the server refuses option %u of export '%s' (reply 0x%x)", options.socket, option, options.export, type);
        }
        if (length >= 12 && get16(info) == INFO_EXPORT) {
            export_bytes = get64(info + 2);
        }
    }
}

static int connect_socket(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(options.socket) >= sizeof address.sun_path) {
        die("%s: longer than the path of a Unix socket may be", options.socket);
    }
    strcpy(address.sun_path, options.socket);
    uint64_t give_up = now() + options.wait_seconds * 1000000000ULL;
    for (;;) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) {
            return fd;
        }
        int error = errno;
        close(fd);
        if (now() >= give_up) {
            die("%s: %s", options.socket, strerror(error));
        }
        usleep(500);
    }
}

static int open_export(void) {
    int fd = connect_socket();
    unsigned char greeting[18], flags[4], go[4096];
    read_fully(fd, greeting, sizeof greeting);
    if (get64(greeting) != NBD_MAGIC || get64(greeting + 8) != OPTION_MAGIC || (get16(greeting + 16) & 1) == 0) {
        die("%s: no NBD server of the fixed newstyle", options.socket);
    }
    put32(flags, get16(greeting + 16) & 3);
    write_fully(fd, flags, sizeof flags);
    if (options.structured) {
        negotiate(fd, OPT_STRUCTURED_REPLY, "", 0);
    }
    uint32_t name = (uint32_t)strlen(options.export);
    if (name > sizeof go - 6) {
        die("export name too long");
    }
    put32(go, name);
    memcpy(go + 4, options.export, name);
    put16(go + 4 + name, 0);
    negotiate(fd, OPT_GO, go, name + 6);
    return fd;
}

/* ---- stamps ---- */

static void stamp(unsigned char *payload, uint64_t offset, uint32_t length) {
    for (uint32_t at = 0; at < length; at += SECTOR) {
        struct stamp *sector = (struct stamp *)(payload + at);
        sector->offset = offset + at;
        sector->generation = generations[(offset + at) / BLOCK] + 1;
    }
}

static void verify(const unsigned char *payload, uint64_t offset, size_t length) {
    for (size_t at = 0; at < length; at += SECTOR) {
        struct stamp found, expected = {offset + at, generations[(offset + at) / BLOCK], STAMP_MAGIC};
        if (expected.generation == 0) {
            expected = (struct stamp){0, 0, 0};
        }
        memcpy(&found, payload + at, sizeof found);
        if (memcmp(&found, &expected, sizeof found) != 0) {
            die("sector at %" PRIu64 " is wrong: offset %" PRIu64 ", generation %" PRIu32 ", magic %" PRIx32
                "; expected offset %" PRIu64 ", generation %" PRIu32 ", magic %" PRIx32,
                offset + at, found.offset, found.generation, found.magic, expected.offset, expected.generation, expected.magic);
        }
    }
}

static void verify_hole(uint64_t offset, uint32_t length) {
    for (uint64_t at = offset; at < offset + length; at += BLOCK) {
        if (generations[at / BLOCK] != 0) {
            die("hole at %" PRIu64 ", where something was written", at);
        }
    }
}

/* ---- which block next ---- */

static bool claim(uint64_t offset, bool write) {
    uint64_t first = offset / BLOCK, end = first + options.block / BLOCK;
    for (uint64_t block = first; block < end; block++) {
        if (users[block] == WRITER || (write && users[block] != 0)) {
            return false;
        }
    }
    for (uint64_t block = first; block < end; block++) {
        users[block] = write ? WRITER : (uint16_t)(users[block] + 1);
    }
    return true;
}

static void release(const struct slot *slot) {
    uint64_t first = slot->offset / BLOCK, end = first + options.block / BLOCK;
    for (uint64_t block = first; block < end; block++) {
        if (slot->command == WRITE) {
            users[block] = 0;
            generations[block]++;
        } else {
            users[block]--;
        }
    }
}

static bool next_offset(struct connection *connection, bool write, uint64_t *offset) {
    uint64_t share = options.span / options.connections / options.block * options.block;
    uint64_t begin = (uint64_t)(connection - connections) * share;
    for (;;) {
        if (options.once != 0) {
            if (cells_used == cell_count) {
                return false;
            }
            uint64_t within = random_below(options.once / options.block) * options.block;
            *offset = (uint64_t)cells[cells_used++] * options.once + within;
        } else if (options.sequential) {
            if (connection->cursor == share) {
                if (options.until_end) {
                    return false;
                }
                connection->cursor = 0;
            }
            *offset = begin + connection->cursor;
            connection->cursor += options.block;
        } else {
            *offset = random_below(options.span / options.block) * options.block;
        }
        if (claim(*offset, write)) {
            return true;
        }
    }
}

/* Each cell once, in random order. */
static void shuffle_cells(void) {
    cell_count = (uint32_t)(options.span / options.once);
    cells = allocate(cell_count, sizeof *cells);
    for (uint32_t i = 0; i < cell_count; i++) {
        uint32_t other = (uint32_t)random_below(i + 1);
        cells[i] = cells[other];
        cells[other] = i;
    }
}

/* ---- requests ---- */

static void enqueue(struct connection *connection, struct slot *slot, uint16_t command, uint64_t offset, uint32_t length) {
    slot->command = command;
    slot->received = 0;
    put16(slot->frame + 6, command);
    put64(slot->frame + 16, offset);
    put32(slot->frame + 24, length);
    if (connection->out_end == connection->out_capacity) {
        connection->out_end -= connection->out_first;
        memmove(connection->out, connection->out + connection->out_first, connection->out_end * sizeof(struct iovec));
        connection->out_first = 0;
    }
    size_t bytes = REQUEST_BYTES + (command == WRITE ? length : 0);
    connection->out[connection->out_end++] = (struct iovec){slot->frame, bytes};
}

static bool time_is_over(uint64_t time) {
    return finishing || time >= stop_at || issued >= options.ios;
}

/* Gives a free slot its next request, if there is one. */
static void issue(struct connection *connection, struct slot *slot, uint64_t time) {
    connection->busy_slots++;
    slot->started = time;
    slot->flush_follows = false;
    if (options.flush_every != 0 && connection->writes_since_flush >= options.flush_every) {
        connection->writes_since_flush = 0;
        flushes++;
        enqueue(connection, slot, FLUSH, 0, 0);
        return;
    }
    bool write = options.read_percent < 100 && random_below(100) >= options.read_percent;
    if (time_is_over(time) || !next_offset(connection, write, &slot->offset)) {
        connection->busy_slots--;
        return;
    }
    issued++;
    if (write) {
        connection->writes_since_flush++;
        slot->flush_follows = options.flush_each;
        stamp(slot->frame + REQUEST_BYTES, slot->offset, options.block);
    }
    enqueue(connection, slot, write ? WRITE : READ, slot->offset, options.block);
}

static void count_latency(uint64_t nanos) {
    histogram[bucket_of(nanos)]++;
    latency_sum += nanos;
    latency_max = nanos > latency_max ? nanos : latency_max;
    done++;
}

static void complete(struct connection *connection, struct slot *slot, uint64_t time) {
    bool counts = slot->command != FLUSH || slot->flush_follows;
    if (slot->command == READ && slot->received != options.block) {
        die("read at %" PRIu64 ": %u bytes arrived", slot->offset, slot->received);
    }
    if (slot->command != FLUSH) {
        release(slot);
        if (slot->flush_follows) {
            flushes++;
            enqueue(connection, slot, FLUSH, 0, 0);
            return;
        }
    }
    if (counts) {
        count_latency(time - slot->started);
    }
    connection->busy_slots--;
    issue(connection, slot, time);
}

static void send_requests(struct connection *connection) {
    while (connection->out_first < connection->out_end) {
        unsigned count = connection->out_end - connection->out_first;
        struct iovec *iovec = connection->out + connection->out_first;
        struct msghdr message = {.msg_iov = iovec, .msg_iovlen = count < IOVECS_MAX ? count : IOVECS_MAX};
        ssize_t sent = sendmsg(connection->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno == EAGAIN || errno == EINTR) {
                return;
            }
            die("%s: cannot send: %s", options.socket, strerror(errno));
        }
        size_t left = (size_t)sent;
        while (left > 0 && left >= iovec->iov_len) {
            left -= iovec->iov_len;
            iovec++;
            connection->out_first++;
        }
        if (left > 0) {
            iovec->iov_base = (char *)iovec->iov_base + left;
            iovec->iov_len -= left;
        }
    }
    connection->out_first = connection->out_end = 0;
}

/* ---- replies ---- */

static struct slot *slot_of(struct connection *connection, uint64_t cookie) {
    if (cookie >= options.depth) {
        die("reply with a cookie that was not sent: %" PRIx64, cookie);
    }
    return &connection->slots[cookie];
}

static void expect_success(const struct slot *slot, uint32_t error) {
    if (error != 0) {
        die("command %u at %" PRIu64 " failed: NBD error %" PRIu32, slot->command, slot->offset, error);
    }
}

static void begin_payload(struct connection *connection, struct slot *slot, uint64_t offset, size_t bytes, bool last) {
    if (offset < slot->offset || bytes > options.block || offset - slot->offset > options.block - bytes
        || offset % SECTOR != 0 || bytes % SECTOR != 0) {
        die("reply data out of place: %" PRIu64 "+%zu for the read at %" PRIu64, offset, bytes, slot->offset);
    }
    connection->reading = slot;
    connection->payload_offset = offset;
    connection->payload_left = bytes;
    connection->payload_is_last = last;
}

/* Understands the reply header at the front; 0 if it has not arrived completely, else its length. */
static size_t take_header(struct connection *connection, const unsigned char *at, size_t bytes, uint64_t time) {
    if (bytes < SIMPLE_REPLY_BYTES) {
        return 0;
    }
    uint32_t magic = get32(at);
    struct slot *slot = slot_of(connection, get64(at + 8));
    if (magic == SIMPLE_MAGIC) {
        expect_success(slot, get32(at + 4));
        if (slot->command == READ) {
            begin_payload(connection, slot, slot->offset, options.block, true);
        } else {
            complete(connection, slot, time);
        }
        return SIMPLE_REPLY_BYTES;
    }
    if (magic != STRUCTURED_MAGIC) {
        die("neither a simple nor a structured reply: magic %" PRIx32, magic);
    }
    if (bytes < CHUNK_HEADER_BYTES) {
        return 0;
    }
    bool last = (get16(at + 4) & CHUNK_DONE) != 0;
    uint16_t type = get16(at + 6);
    uint32_t length = get32(at + 16);
    if ((type & CHUNK_ERROR) != 0) {
        die("command %u at %" PRIu64 " failed: error chunk %u", slot->command, slot->offset, type);
    }
    size_t head = CHUNK_HEADER_BYTES + (type == CHUNK_DATA ? 8 : length);
    if (type != CHUNK_NONE && type != CHUNK_DATA && type != CHUNK_HOLE) {
        die("chunk of unknown type %u", type);
    }
    if (type == CHUNK_DATA ? length < 8 : length != (type == CHUNK_HOLE ? 12u : 0u)) {
        die("chunk of type %u with a length of %" PRIu32, type, length);
    }
    if (bytes < head) {
        return 0;
    }
    if (type == CHUNK_DATA) {
        begin_payload(connection, slot, get64(at + CHUNK_HEADER_BYTES), length - 8, last);
        return head;
    }
    if (type == CHUNK_HOLE) {
        verify_hole(get64(at + CHUNK_HEADER_BYTES), get32(at + CHUNK_HEADER_BYTES + 8));
        slot->received += get32(at + CHUNK_HEADER_BYTES + 8);
    }
    if (last) {
        complete(connection, slot, time);
    }
    return head;
}

/* Verifies the whole sectors at the front; returns their length. */
static size_t take_payload(struct connection *connection, const unsigned char *at, size_t bytes, uint64_t time) {
    size_t take = bytes < connection->payload_left ? bytes / SECTOR * SECTOR : connection->payload_left;
    verify(at, connection->payload_offset, take);
    connection->payload_offset += take;
    connection->payload_left -= take;
    struct slot *slot = connection->reading;
    slot->received += (uint32_t)take;
    if (connection->payload_left == 0) {
        connection->reading = NULL;
        if (connection->payload_is_last) {
            complete(connection, slot, time);
        }
    }
    return take;
}

static void receive_replies(struct connection *connection, bool may_block) {
    ssize_t count = recv(connection->fd, connection->in + connection->in_end, RECEIVE_BYTES - connection->in_end,
                         may_block ? 0 : MSG_DONTWAIT);
    if (count <= 0) {
        if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        die("%s: the server closed the connection", options.socket);
    }
    uint64_t time = now();
    if (first_reply == 0) {
        first_reply = time;
    }
    connection->in_end += (size_t)count;
    for (;;) {
        const unsigned char *at = connection->in + connection->in_first;
        size_t bytes = connection->in_end - connection->in_first;
        size_t taken = connection->reading != NULL ? take_payload(connection, at, bytes, time)
                                                   : take_header(connection, at, bytes, time);
        if (taken == 0) {
            break;
        }
        connection->in_first += taken;
    }
    /* less than a sector */
    connection->in_end -= connection->in_first;
    memmove(connection->in, connection->in + connection->in_first, connection->in_end);
    connection->in_first = 0;
}

/* ---- life ---- */

static void open_connections(void) {
    for (unsigned i = 0; i < options.connections; i++) {
        connections[i].fd = open_export();
    }
    if (options.span == 0 || options.span > export_bytes) {
        options.span = export_bytes;
    }
    options.span -= options.span % options.block;
    if (options.span / options.block < 2ULL * options.connections * options.depth) {
        die("export '%s' of %" PRIu64 " bytes is too small for this depth and request size", options.export, export_bytes);
    }
    users = allocate(export_bytes / BLOCK + 1, sizeof *users);
    size_t state_bytes = (export_bytes / BLOCK + 1) * sizeof *generations;
    if (options.state == NULL) {
        generations = allocate(1, state_bytes);
        return;
    }
    int fd = open(options.state, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, (off_t)state_bytes) != 0) {
        die("%s: %s", options.state, strerror(errno));
    }
    generations = mmap(NULL, state_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (generations == MAP_FAILED) {
        die("%s: %s", options.state, strerror(errno));
    }
    close(fd);
}

static void prepare(struct connection *connection) {
    size_t stride = BLOCK + options.block;
    unsigned char *memory = aligned_alloc(BLOCK, stride * options.depth);
    if (memory == NULL) {
        die("out of memory");
    }
    uint64_t *words = (uint64_t *)memory;
    for (size_t i = 0; i < stride * options.depth / sizeof *words; i++) {
        words[i] = random64();
    }
    connection->slots = allocate(options.depth, sizeof(struct slot));
    for (unsigned i = 0; i < options.depth; i++) {
        struct slot *slot = &connection->slots[i];
        slot->frame = memory + i * stride + BLOCK - REQUEST_BYTES;
        put32(slot->frame, REQUEST_MAGIC);
        put16(slot->frame + 4, 0);
        put64(slot->frame + 8, i);
        for (uint32_t at = 0; at < options.block; at += SECTOR) {
            ((struct stamp *)(slot->frame + REQUEST_BYTES + at))->magic = STAMP_MAGIC;
        }
    }
    connection->out_capacity = 2 * options.depth;
    connection->out = allocate(connection->out_capacity, sizeof(struct iovec));
    connection->in = allocate(1, RECEIVE_BYTES);
}

static unsigned busy_connections(void) {
    unsigned busy = 0;
    for (unsigned i = 0; i < options.connections; i++) {
        busy += connections[i].busy_slots > 0;
    }
    return busy;
}

static void serve_until_idle(void) {
    struct pollfd polled[CONNECTIONS_MAX];
    while (busy_connections() > 0) {
        /* One connection with nothing left to send needs no poll(2). */
        bool may_block = options.connections == 1 && connections[0].out_end == 0;
        if (may_block) {
            receive_replies(&connections[0], true);
            send_requests(&connections[0]);
            continue;
        }
        for (unsigned i = 0; i < options.connections; i++) {
            short events = (short)(POLLIN | (connections[i].out_end > 0 ? POLLOUT : 0));
            polled[i] = (struct pollfd){.fd = connections[i].fd, .events = events};
        }
        if (poll(polled, options.connections, -1) < 0 && errno != EINTR) {
            die("poll: %s", strerror(errno));
        }
        for (unsigned i = 0; i < options.connections; i++) {
            if ((polled[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
                receive_replies(&connections[i], false);
            }
            if (connections[i].out_end > 0) {
                send_requests(&connections[i]);
            }
        }
    }
}

/* One flush on every connection, after everything else. */
static void flush_all(void) {
    finishing = true;
    for (unsigned i = 0; i < options.connections; i++) {
        struct connection *connection = &connections[i];
        connection->writes_since_flush = 0;
        connection->busy_slots++;
        connection->slots[0].flush_follows = false;
        flushes++;
        enqueue(connection, &connection->slots[0], FLUSH, 0, 0);
        send_requests(connection);
    }
    serve_until_idle();
}

static void run(void) {
    uint64_t begin = now();
    stop_at = options.seconds > 0 ? begin + (uint64_t)(options.seconds * 1e9) : UINT64_MAX;
    for (unsigned i = 0; i < options.connections; i++) {
        for (unsigned j = 0; j < options.depth; j++) {
            issue(&connections[i], &connections[i].slots[j], begin);
        }
        send_requests(&connections[i]);
    }
    serve_until_idle();
    if (options.final_flush) {
        flush_all();
    }
    double seconds = (double)(now() - begin) / 1e9;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6
                 + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
    double ios = done == 0 ? 1 : (double)done;
    printf("{\"ios\": %" PRIu64 ", \"seconds\": %.6f, \"iops\": %.1f, \"mib_per_s\": %.1f, \"flushes\": %" PRIu64
           ", \"mean_us\": %.1f, \"p50_us\": %.1f, \"p99_us\": %.1f, \"p999_us\": %.1f, \"max_us\": %.1f"
           ", \"client_cpu_us\": %.2f, \"first_reply_ns\": %" PRIu64 "}\n",
           done, seconds, (double)done / seconds, (double)done * options.block / seconds / (1 << 20), flushes,
           (double)latency_sum / ios / 1000, percentile_micros(0.5), percentile_micros(0.99), percentile_micros(0.999),
           (double)latency_max / 1000, cpu / ios, first_reply);
}

static void close_connections(void) {
    for (unsigned i = 0; i < options.connections; i++) {
        unsigned char *frame = connections[i].slots[0].frame;
        put16(frame + 6, DISCONNECT);
        put64(frame + 16, 0);
        put32(frame + 24, 0);
        write_fully(connections[i].fd, frame, REQUEST_BYTES);
        close(connections[i].fd);
    }
}

static void hangs(int signal_number) {
    (void)signal_number;
    static const char text[] = "nbdload: no end: the server does not answer\n";
    ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
    _exit(written < 0 ? 2 : 1);
}

static void usage(FILE *to) {
    fputs("usage: nbdload --socket PATH [OPTIONS]\n"
          "  --export NAME        default: the server's default export\n"
          "  --state FILE         generations of what was written; kept for the next run (default: nothing was written)\n"
          "  --connections N      default 1\n"
          "  --depth N            requests under way on each connection, default 1\n"
          "  --block BYTES        of one request, a multiple of 4096; default 4096\n"
          "  --read-percent N     100: only reads (default), 0: only writes\n"
          "  --sequential         from the beginning of each connection's share; default: random\n"
          "  --once BYTES         one request into each cell of this size, in random order, then the end\n"
          "  --until-end          sequential: end with the range instead of starting again\n"
          "  --span BYTES         use only the first part of the export\n"
          "  --seconds S          end after this time; --ios N: after so many\n"
          "  --flush-every N      a flush after so many writes of a connection, in between\n"
          "  --flush-each         a flush after each write; both are one I/O\n"
          "  --final-flush        the run ends with an answered flush\n"
          "  --structured         negotiate structured replies\n"
          "  --wait SECONDS       for the server to accept the first connection\n"
          "  --seed N\n",
          to);
}

static uint64_t number(const char *option, const char *text, uint64_t least, uint64_t most) {
    char *end;
    errno = 0;
    uint64_t value = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != 0 || value < least || value > most) {
        fprintf(stderr, "nbdload: --%s %s: not a number from %" PRIu64 " to %" PRIu64 "\n", option, text, least, most);
        exit(2);
    }
    return value;
}

static void parse(int argc, char **argv) {
    static const struct option known[] = {
        {"socket", 1, 0, 's'},       {"export", 1, 0, 'e'},      {"state", 1, 0, 'S'},       {"connections", 1, 0, 'c'},
        {"depth", 1, 0, 'd'},        {"block", 1, 0, 'b'},       {"read-percent", 1, 0, 'r'}, {"sequential", 0, 0, 'q'},
        {"once", 1, 0, 'o'},         {"until-end", 0, 0, 'u'},   {"span", 1, 0, 'p'},        {"seconds", 1, 0, 't'},
        {"ios", 1, 0, 'n'},          {"flush-every", 1, 0, 'f'}, {"flush-each", 0, 0, 'F'},  {"final-flush", 0, 0, 'L'},
        {"structured", 0, 0, 'R'},   {"wait", 1, 0, 'w'},        {"seed", 1, 0, 'x'},        {"help", 0, 0, 'h'},
        {0, 0, 0, 0}};
    int option, index = 0;
    while ((option = getopt_long(argc, argv, "", known, &index)) != -1) {
        const char *name = known[index].name;
        switch (option) {
        case 's': options.socket = optarg; break;
        case 'e': options.export = optarg; break;
        case 'S': options.state = optarg; break;
        case 'c': options.connections = (unsigned)number(name, optarg, 1, CONNECTIONS_MAX); break;
        case 'd': options.depth = (unsigned)number(name, optarg, 1, DEPTH_MAX); break;
        case 'b': options.block = (unsigned)number(name, optarg, BLOCK, 32 << 20); break;
        case 'r': options.read_percent = (unsigned)number(name, optarg, 0, 100); break;
        case 'q': options.sequential = true; break;
        case 'o': options.once = (unsigned)number(name, optarg, BLOCK, 1 << 30); break;
        case 'u': options.until_end = true; break;
        case 'p': options.span = number(name, optarg, BLOCK, UINT64_MAX); break;
        case 't': options.seconds = strtod(optarg, NULL); break;
        case 'n': options.ios = number(name, optarg, 1, UINT64_MAX); break;
        case 'f': options.flush_every = (unsigned)number(name, optarg, 1, UINT32_MAX); break;
        case 'F': options.flush_each = true; break;
        case 'L': options.final_flush = true; break;
        case 'R': options.structured = true; break;
        case 'w': options.wait_seconds = (unsigned)number(name, optarg, 0, 3600); break;
        case 'x': options.seed = number(name, optarg, 0, UINT64_MAX); break;
        case 'h': usage(stdout); exit(0);
        default: usage(stderr); exit(2);
        }
    }
    bool ends = options.seconds > 0 || options.ios != UINT64_MAX || options.once != 0 || options.until_end;
    if (optind < argc || options.socket == NULL || options.block % BLOCK != 0 || options.once % options.block != 0 || !ends) {
        fputs("nbdload: needs --socket, an end (--seconds, --ios, --once or --until-end), whole 4096-byte blocks\n", stderr);
        exit(2);
    }
}

int main(int argc, char **argv) {
    parse(argc, argv);
    signal(SIGALRM, hangs);
    alarm((unsigned)options.seconds + options.wait_seconds + HANG_SECONDS);
    open_connections();
    if (options.once != 0) {
        shuffle_cells();
    }
    for (unsigned i = 0; i < options.connections; i++) {
        prepare(&connections[i]);
    }
    run();
    close_connections();
    return 0;
}
