/*
 * refserver: the ceiling. The least that an NBD server can do for a 4 KiB request on this kind of design: one thread, sockets
 * and an O_DIRECT file on one io_uring, one copy of a write's payload, none of a read's. No pool, no order of overlapping
 * writes, no snapshots, nothing checked beyond what keeps it alive. What a real server loses against it is what its promises
 * cost. Not for data that anybody wants to keep.
 *
 *      refserver SOCKET FILE
 *
 * Speaks fixed newstyle, NBD_OPT_GO of any name, simple replies (https://github.com/NetworkBlockDevice/nbd doc/proto.md). A
 * connection's handshake blocks the whole server: the benchmark connects before it measures. Ends with SIGTERM.
 *
 * The ring is driven by its system calls, so that no library is needed beyond the kernel's header.
 */
#define _GNU_SOURCE
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    CONNECTIONS_MAX = 64,
    SLOTS = 256,              /* requests under way of a connection; more wait in its socket */
    PAYLOAD_MAX = 1 << 20,    /* of one request: what nbdload fills volumes with */
    PAGE = 4096,              /* alignment of O_DIRECT */
    RECEIVE_BYTES = 256 << 10,
    REQUEST_BYTES = 28,
    REPLY_BYTES = 16,
    PIECES_MAX = 256,         /* of one send */
    RING_ENTRIES = 4096,
    EARLY = 8,                /* entries after which they go to the kernel while the rest is still being made */
};

enum { READ = 0, WRITE = 1, DISCONNECT = 2, FLUSH = 3 };
enum { OPT_ABORT = 2, OPT_GO = 7, REP_ACK = 1, REP_INFO = 3, INFO_EXPORT = 0 };
static const uint32_t REP_UNSUPPORTED = 0x80000001;
static const uint64_t NBD_MAGIC = 0x4e42444d41474943ULL, OPTION_MAGIC = 0x49484156454f5054ULL;
static const uint64_t OPTION_REPLY_MAGIC = 0x3e889045565a9ULL;
static const uint32_t REQUEST_MAGIC = 0x25609513, SIMPLE_MAGIC = 0x67446698;
enum { FLAG_HAS_FLAGS = 1, FLAG_SEND_FLUSH = 4, NBD_EIO = 5, NBD_EINVAL = 22 };

/* What a completion belongs to; the low bits of its address tell which of a connection's three it is. */
enum { OF_SLOT = 0, OF_RECEIVE = 1, OF_SEND = 2, OF_ACCEPT = 3, KIND_MASK = 3 };

struct connection;

/* A request under way, and the reply to it. Memory: PAGE bytes that end in the reply's header, then the payload. */
struct slot {
    struct connection *connection;
    unsigned char *payload;
    unsigned char *reply; /* REPLY_BYTES before the payload */
    uint64_t handle, offset;
    uint32_t length, filled;
    uint16_t command;
    struct slot *next;
};

struct connection {
    int fd;
    bool ended, sending, receiving;
    unsigned busy;
    struct slot *free, *filling; /* filling: a write whose payload is still arriving */
    struct slot *ready, **ready_end; /* replies to send, in the order of completion */
    struct slot *sent; /* replies in the send under way */
    struct iovec pieces[PIECES_MAX];
    struct msghdr message;
    unsigned pieces_first, pieces_count;
    unsigned char *in;
    size_t in_first, in_end;
};

static struct connection *connections[CONNECTIONS_MAX];
static int listener, file;
static uint64_t file_bytes;

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("refserver: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
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

/* ---- the ring ---- */

static struct {
    int fd;
    unsigned *sq_head, *sq_tail, *sq_array, *cq_head, *cq_tail, sq_mask, cq_mask, sq_entries, pending;
    struct io_uring_sqe *entries;
    struct io_uring_cqe *completions;
} ring;

static void ring_open(void) {
    struct io_uring_params params = {.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN};
    ring.fd = (int)syscall(SYS_io_uring_setup, RING_ENTRIES, &params);
    if (ring.fd < 0) {
        die("no io_uring: %s", strerror(errno));
    }
    if ((params.features & IORING_FEAT_SINGLE_MMAP) == 0) {
        die("this kernel's io_uring is too old");
    }
    size_t sq = params.sq_off.array + params.sq_entries * sizeof(unsigned);
    size_t cq = params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe);
    char *rings = mmap(NULL, sq > cq ? sq : cq, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring.fd, IORING_OFF_SQ_RING);
    ring.entries = mmap(NULL, params.sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
                        ring.fd, IORING_OFF_SQES);
    if (rings == MAP_FAILED || (void *)ring.entries == MAP_FAILED) {
        die("cannot map the ring: %s", strerror(errno));
    }
    ring.sq_head = (unsigned *)(rings + params.sq_off.head);
    ring.sq_tail = (unsigned *)(rings + params.sq_off.tail);
    ring.sq_array = (unsigned *)(rings + params.sq_off.array);
    ring.sq_mask = *(unsigned *)(rings + params.sq_off.ring_mask);
    ring.sq_entries = params.sq_entries;
    ring.cq_head = (unsigned *)(rings + params.cq_off.head);
    ring.cq_tail = (unsigned *)(rings + params.cq_off.tail);
    ring.cq_mask = *(unsigned *)(rings + params.cq_off.ring_mask);
    ring.completions = (struct io_uring_cqe *)(rings + params.cq_off.cqes);
}

static void enter(unsigned wait) {
    for (;;) {
        int taken = (int)syscall(SYS_io_uring_enter, ring.fd, ring.pending, wait, wait ? IORING_ENTER_GETEVENTS : 0, NULL, 0);
        if (taken >= 0) {
            ring.pending -= (unsigned)taken;
            return;
        }
        if (errno != EINTR) {
            die("io_uring_enter: %s", strerror(errno));
        }
    }
}

static void submit(uint8_t opcode, int fd, const void *address, uint32_t length, uint64_t offset, uint32_t flags, void *owner,
                   unsigned kind) {
    /* Every slot, send, receive and accept has one entry at most; should all come at once, the kernel takes some first. */
    while (*ring.sq_tail - __atomic_load_n(ring.sq_head, __ATOMIC_ACQUIRE) == ring.sq_entries) {
        enter(0);
    }
    unsigned index = *ring.sq_tail & ring.sq_mask;
    ring.entries[index] = (struct io_uring_sqe){
        .opcode = opcode, .fd = fd, .addr = (uintptr_t)address, .len = length, .off = offset, .rw_flags = (int)flags,
        .user_data = (uintptr_t)owner | kind};
    ring.sq_array[index] = index;
    __atomic_store_n(ring.sq_tail, *ring.sq_tail + 1, __ATOMIC_RELEASE);
    if (++ring.pending >= EARLY) {
        enter(0);
    }
}

/* ---- connections ---- */

static void receive(struct connection *connection) {
    memmove(connection->in, connection->in + connection->in_first, connection->in_end - connection->in_first);
    connection->in_end -= connection->in_first;
    connection->in_first = 0;
    connection->receiving = true;
    submit(IORING_OP_RECV, connection->fd, connection->in + connection->in_end, (uint32_t)(RECEIVE_BYTES - connection->in_end), 0,
           0, connection, OF_RECEIVE);
}

static void release(struct slot *slot) {
    slot->next = slot->connection->free;
    slot->connection->free = slot;
    slot->connection->busy--;
}

/* Lets a connection go once nothing of it is under way; what was still to be sent, or arriving, goes first. */
static void end_if_idle(struct connection *connection) {
    if (connection->ended) {
        for (struct slot *slot = connection->ready, *next; slot != NULL; slot = next) {
            next = slot->next;
            release(slot);
        }
        connection->ready = NULL;
        connection->ready_end = &connection->ready;
        if (connection->filling != NULL) {
            release(connection->filling);
            connection->filling = NULL;
        }
    }
    if (connection->ended && connection->busy == 0 && !connection->receiving && !connection->sending && connection->fd >= 0) {
        close(connection->fd);
        connection->fd = -1;
    }
}

static void send_pieces(struct connection *connection) {
    connection->message.msg_iov = connection->pieces + connection->pieces_first;
    connection->message.msg_iovlen = connection->pieces_count - connection->pieces_first;
    submit(IORING_OP_SENDMSG, connection->fd, &connection->message, 1, 0, MSG_NOSIGNAL, connection, OF_SEND);
}

static void send_ready(struct connection *connection) {
    if (connection->sending || connection->ready == NULL || connection->ended) {
        return;
    }
    connection->pieces_first = connection->pieces_count = 0;
    connection->sent = connection->ready;
    struct slot *slot = connection->ready, *last = NULL;
    for (; slot != NULL && connection->pieces_count < PIECES_MAX; slot = slot->next) {
        size_t payload = slot->command == READ && get32(slot->reply + 4) == 0 ? slot->length : 0;
        connection->pieces[connection->pieces_count++] = (struct iovec){slot->reply, REPLY_BYTES + payload};
        last = slot;
    }
    last->next = NULL;
    connection->ready = slot;
    if (slot == NULL) {
        connection->ready_end = &connection->ready;
    }
    connection->sending = true;
    send_pieces(connection);
}

static void reply(struct slot *slot, uint32_t error) {
    struct connection *connection = slot->connection;
    put32(slot->reply, SIMPLE_MAGIC);
    put32(slot->reply + 4, error);
    memcpy(slot->reply + 8, &slot->handle, sizeof slot->handle);
    slot->next = NULL;
    *connection->ready_end = slot;
    connection->ready_end = &slot->next;
}

static void start(struct slot *slot) {
    switch (slot->command) {
    case READ: submit(IORING_OP_READ, file, slot->payload, slot->length, slot->offset, 0, slot, OF_SLOT); break;
    case WRITE: submit(IORING_OP_WRITE, file, slot->payload, slot->length, slot->offset, 0, slot, OF_SLOT); break;
    case FLUSH: submit(IORING_OP_FSYNC, file, NULL, 0, 0, IORING_FSYNC_DATASYNC, slot, OF_SLOT); break;
    default: reply(slot, NBD_EINVAL);
    }
}

static void fill(struct connection *connection) {
    struct slot *slot = connection->filling;
    size_t here = connection->in_end - connection->in_first, wanted = slot->length - slot->filled;
    size_t count = here < wanted ? here : wanted;
    memcpy(slot->payload + slot->filled, connection->in + connection->in_first, count);
    connection->in_first += count;
    slot->filled += (uint32_t)count;
    if (slot->filled == slot->length) {
        connection->filling = NULL;
        start(slot);
    }
}

/* Takes the request at the front of what has arrived. False: nothing more can be done with it now. */
static bool take_request(struct connection *connection) {
    if (connection->in_end - connection->in_first < REQUEST_BYTES || connection->free == NULL) {
        return false;
    }
    const unsigned char *header = connection->in + connection->in_first;
    if (get32(header) != REQUEST_MAGIC || get16(header + 6) == DISCONNECT) {
        connection->ended = true;
        return false;
    }
    struct slot *slot = connection->free;
    connection->free = slot->next;
    connection->busy++;
    connection->in_first += REQUEST_BYTES;
    slot->command = get16(header + 6);
    memcpy(&slot->handle, header + 8, sizeof slot->handle);
    slot->offset = get64(header + 16);
    slot->length = get32(header + 24);
    slot->filled = 0;
    bool outside = slot->length > PAYLOAD_MAX || slot->offset > file_bytes || slot->length > file_bytes - slot->offset;
    if (outside && slot->command == WRITE) {
        connection->ended = true; /* its payload would have to be skipped: nobody sends this here */
        release(slot);
        return false;
    }
    if (outside) {
        reply(slot, NBD_EINVAL);
    } else if (slot->command == WRITE) {
        connection->filling = slot;
    } else {
        start(slot);
    }
    return true;
}

static void take_requests(struct connection *connection) {
    bool more = true;
    while (more && !connection->ended) {
        if (connection->filling != NULL) {
            fill(connection);
            more = connection->filling == NULL;
        } else {
            more = take_request(connection);
        }
    }
    bool stuck = connection->free == NULL && connection->filling == NULL;
    if (!connection->ended && !connection->receiving && !stuck) {
        receive(connection);
    }
    send_ready(connection);
}

/* ---- completions ---- */

static void received(struct connection *connection, int result) {
    connection->receiving = false;
    if (result <= 0) {
        connection->ended = true;
    } else {
        connection->in_end += (size_t)result;
        take_requests(connection);
    }
    end_if_idle(connection);
}

static void sent(struct connection *connection, int result) {
    size_t count = result < 0 ? 0 : (size_t)result;
    connection->ended |= result <= 0;
    while (count > 0 && connection->pieces_first < connection->pieces_count) {
        struct iovec *piece = &connection->pieces[connection->pieces_first];
        size_t part = count < piece->iov_len ? count : piece->iov_len;
        piece->iov_base = (char *)piece->iov_base + part;
        piece->iov_len -= part;
        count -= part;
        connection->pieces_first += piece->iov_len == 0;
    }
    if (!connection->ended && connection->pieces_first < connection->pieces_count) {
        send_pieces(connection);
        return;
    }
    connection->sending = false;
    bool was_stuck = connection->free == NULL;
    for (struct slot *slot = connection->sent, *next; slot != NULL; slot = next) {
        next = slot->next;
        release(slot);
    }
    connection->sent = NULL;
    if (was_stuck && !connection->receiving) {
        take_requests(connection);
    } else {
        send_ready(connection);
    }
    end_if_idle(connection);
}

static void transferred(struct slot *slot, int result) {
    bool whole = slot->command == FLUSH ? result == 0 : result == (int)slot->length;
    if (slot->connection->ended) {
        release(slot);
        end_if_idle(slot->connection);
    } else {
        reply(slot, whole ? 0 : NBD_EIO);
    }
}

/* ---- handshake ---- */

static bool transfer_fully(int fd, void *at, size_t bytes, bool out) {
    while (bytes > 0) {
        ssize_t count = out ? send(fd, at, bytes, MSG_NOSIGNAL) : recv(fd, at, bytes, MSG_WAITALL);
        if (count <= 0) {
            return false;
        }
        at = (char *)at + count;
        bytes -= (size_t)count;
    }
    return true;
}

static bool answer_option(int fd, uint32_t option, uint32_t type, const unsigned char *data, uint32_t bytes) {
    unsigned char header[20 + 16];
    put64(header, OPTION_REPLY_MAGIC);
    put32(header + 8, option);
    put32(header + 12, type);
    put32(header + 16, bytes);
    if (bytes > 0) {
        memcpy(header + 20, data, bytes);
    }
    return transfer_fully(fd, header, 20 + bytes, true);
}

static bool handshake(int fd) {
    unsigned char greeting[18], option[16], data[4096], info[12];
    put64(greeting, NBD_MAGIC);
    put64(greeting + 8, OPTION_MAGIC);
    put16(greeting + 16, 3);
    if (!transfer_fully(fd, greeting, sizeof greeting, true) || !transfer_fully(fd, data, 4, false)) {
        return false;
    }
    put16(info, INFO_EXPORT);
    put64(info + 2, file_bytes);
    put16(info + 10, FLAG_HAS_FLAGS | FLAG_SEND_FLUSH);
    while (transfer_fully(fd, option, sizeof option, false)) {
        uint32_t kind = get32(option + 8), bytes = get32(option + 12);
        if (get64(option) != OPTION_MAGIC || bytes > sizeof data || !transfer_fully(fd, data, bytes, false)) {
            return false;
        }
        if (kind == OPT_GO) {
            return answer_option(fd, kind, REP_INFO, info, sizeof info) && answer_option(fd, kind, REP_ACK, NULL, 0);
        }
        if (!answer_option(fd, kind, kind == OPT_ABORT ? REP_ACK : REP_UNSUPPORTED, NULL, 0) || kind == OPT_ABORT) {
            return false;
        }
    }
    return false;
}

static void make_slots(struct connection *connection) {
    for (int i = 0; i < SLOTS; i++) {
        struct slot *slot = calloc(1, sizeof *slot);
        /* Pages come as they are touched: small requests cost two. */
        unsigned char *memory = mmap(NULL, PAGE + PAYLOAD_MAX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (slot == NULL || memory == MAP_FAILED) {
            die("out of memory");
        }
        slot->connection = connection;
        slot->payload = memory + PAGE;
        slot->reply = slot->payload - REPLY_BYTES;
        slot->next = connection->free;
        connection->free = slot;
    }
}

/* A place for a connection; what an earlier one had is used again. */
static struct connection *place(void) {
    for (int i = 0; i < CONNECTIONS_MAX; i++) {
        if (connections[i] == NULL) {
            struct connection *made = connections[i] = calloc(1, sizeof *made);
            if (made == NULL || (made->in = malloc(RECEIVE_BYTES)) == NULL) {
                die("out of memory");
            }
            made->fd = -1;
            make_slots(made);
            return made;
        }
        if (connections[i]->fd < 0) {
            return connections[i];
        }
    }
    return NULL;
}

static void accept_next(void) {
    submit(IORING_OP_ACCEPT, listener, NULL, 0, 0, SOCK_CLOEXEC, NULL, OF_ACCEPT);
}

static void accepted(int fd) {
    accept_next();
    if (fd < 0) {
        return;
    }
    struct connection *connection = place();
    if (connection == NULL || !handshake(fd)) {
        close(fd);
        return;
    }
    connection->fd = fd;
    connection->ended = connection->sending = false;
    connection->filling = connection->ready = connection->sent = NULL;
    connection->ready_end = &connection->ready;
    connection->in_first = connection->in_end = 0;
    receive(connection);
}

static void dispatch(const struct io_uring_cqe *completion) {
    void *owner = (void *)(uintptr_t)(completion->user_data & ~(uint64_t)KIND_MASK);
    switch (completion->user_data & KIND_MASK) {
    case OF_RECEIVE: received(owner, completion->res); break;
    case OF_SEND: sent(owner, completion->res); break;
    case OF_ACCEPT: accepted(completion->res); break;
    default: transferred(owner, completion->res);
    }
}

static void serve(void) {
    accept_next();
    for (;;) {
        enter(1);
        unsigned head = *ring.cq_head;
        while (head != __atomic_load_n(ring.cq_tail, __ATOMIC_ACQUIRE)) {
            struct io_uring_cqe completion = ring.completions[head & ring.cq_mask];
            __atomic_store_n(ring.cq_head, ++head, __ATOMIC_RELEASE);
            dispatch(&completion);
        }
        /* Replies of everything that was complete leave in one send per connection. */
        for (int i = 0; i < CONNECTIONS_MAX && connections[i] != NULL; i++) {
            if (connections[i]->fd >= 0) {
                send_ready(connections[i]);
            }
        }
    }
}

int main(int count, char **words) {
    if (count != 3) {
        die("usage: refserver SOCKET FILE");
    }
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(words[1]) >= sizeof address.sun_path) {
        die("%s: longer than the path of a Unix socket may be", words[1]);
    }
    strcpy(address.sun_path, words[1]);
    struct stat status;
    file = open(words[2], O_RDWR | O_DIRECT | O_CLOEXEC);
    if (file < 0 || fstat(file, &status) != 0) {
        die("%s: %s", words[2], strerror(errno));
    }
    file_bytes = (uint64_t)status.st_size;
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    unlink(words[1]);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, CONNECTIONS_MAX) != 0) {
        die("%s: %s", words[1], strerror(errno));
    }
    ring_open();
    serve();
}
