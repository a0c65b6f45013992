/* The neutral server of the bench: WebSocket (RFC 6455) over TCP and TLS, one thread, epoll.
 *
 *   server [--cert FILE --key FILE] [--deflated FILE]
 *
 * It says "plain PORT tls PORT" on standard output (tls 0: not built, or no certificate) and serves until its
 * standard input ends. What a connection gets is told by its resource name:
 *
 *   /echo                   every frame comes back
 *   /stream?size=&count=    after the client's first message: `count` messages of `size` bytes (0: without end),
 *                           then the closing handshake; text=1: text, else binary; write=: at most so many bytes
 *                           a write; interval=: before that first message, a message every so many milliseconds;
 *                           sndbuf=: bound of what the kernel takes
 *   /json-deflate?count=    the same with the ready-made frames of the --deflated file, again from its start
 *                           when it ends; agrees to permessage-deflate
 *   /sink?count=            a text message after every `count` messages of the client
 *
 * deflate=1 on any of them agrees to permessage-deflate where it is offered. The server never compresses. */
#define _GNU_SOURCE
#include "handshake.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#ifdef BENCH_TLS
#include <openssl/err.h>
#include <openssl/ssl.h>
#endif

#define READ_SIZE (256 * 1024)
#define WRITE_SIZE (256 * 1024) /* a connection's turn, and bytes of ready-made frames */
#define HEAD_SIZE 8192
#define OUT_HIGH (4 * 1024 * 1024)
#define TICK_MS 5
#define TICKS (60000 / TICK_MS) /* the longest interval */

enum mode { ECHO, STREAM, SINK };
enum phase { TLS_OPENING, HEAD, OPEN, CLOSING, DEAD };

/* Ready-made frames, sent over and over. */
struct block {
    uint8_t *data;
    size_t size;
    size_t frames;
    size_t *ends; /* of every frame; NULL: all have the same size */
    size_t payload;
    int text;
    struct block *next;
};

struct conn {
    int fd;
    enum phase phase;
    enum mode mode;
#ifdef BENCH_TLS
    SSL *ssl;
#endif
    uint32_t wanted; /* events that epoll was asked for */
    char *head;      /* of the request, while it is incomplete */
    size_t head_size;
    /* the frame being read */
    uint8_t header[14];
    size_t header_size;
    uint64_t left;
    uint8_t key[4];
    size_t key_at;
    int in_payload;
    /* what is to be written first */
    uint8_t *out;
    size_t out_start, out_end, out_room;
    /* /stream */
    struct block *block;
    size_t at;
    uint64_t bytes_left;
    int endless, going, close_sent;
    size_t per_write;
    size_t ticks, slot; /* the interval, and its place in the wheel */
    struct conn *next, *previous; /* in that place; or among the buried */
    /* /sink */
    uint64_t sink_count, seen;
};

struct endpoint {
    int fd, tls;
};

static int poll_fd;
static struct block *blocks, *deflated;
static uint8_t input[READ_SIZE];
static struct conn *wheel[TICKS];
static size_t now, ticking, turns_given;
static int timer;
static struct conn *buried;
#ifdef BENCH_TLS
static SSL_CTX *tls_context;
#endif

/* --- bytes in and out ------------------------------------------------------------------------------------ */

/* Returns bytes, 0 at the end or on an error, -1 where it would block. */
static ssize_t conn_read(struct conn *c, void *data, size_t size)
{
#ifdef BENCH_TLS
    if (c->ssl) {
        ERR_clear_error();
        int got = SSL_read(c->ssl, data, (int)size);
        if (got > 0)
            return got;
        int error = SSL_get_error(c->ssl, got);
        return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? -1 : 0;
    }
#endif
    ssize_t got = recv(c->fd, data, size, 0);
    if (got >= 0)
        return got;
    return errno == EAGAIN || errno == EINTR ? -1 : 0;
}

static ssize_t conn_write(struct conn *c, const void *data, size_t size)
{
#ifdef BENCH_TLS
    if (c->ssl) {
        ERR_clear_error();
        int sent = SSL_write(c->ssl, data, (int)size);
        if (sent > 0)
            return sent;
        int error = SSL_get_error(c->ssl, sent);
        return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? -1 : 0;
    }
#endif
    ssize_t sent = send(c->fd, data, size, MSG_NOSIGNAL);
    if (sent >= 0)
        return sent;
    return errno == EAGAIN || errno == EINTR ? -1 : 0;
}

static uint8_t *out_room(struct conn *c, size_t size)
{
    if (c->out_start == c->out_end)
        c->out_start = c->out_end = 0;
    if (c->out_end + size > c->out_room) {
        memmove(c->out, c->out + c->out_start, c->out_end - c->out_start);
        c->out_end -= c->out_start;
        c->out_start = 0;
        if (c->out_end + size > c->out_room) {
            c->out_room = (c->out_end + size) * 2;
            c->out = must(realloc(c->out, c->out_room));
        }
    }
    return c->out + c->out_end;
}

static void out_add(struct conn *c, const void *data, size_t size)
{
    memcpy(out_room(c, size), data, size);
    c->out_end += size;
}

static void run_timer(int run)
{
    long every = run ? TICK_MS * 1000000L : 0;
    struct itimerspec spec = {{0, every}, {0, every}};
    timerfd_settime(timer, 0, &spec, NULL);
}

static void tick_after(struct conn *c, size_t ticks)
{
    c->slot = (now + ticks) % TICKS;
    c->previous = NULL;
    c->next = wheel[c->slot];
    if (c->next)
        c->next->previous = c;
    wheel[c->slot] = c;
    if (ticking++ == 0)
        run_timer(1);
}

static void untick(struct conn *c)
{
    if (c->previous)
        c->previous->next = c->next;
    else
        wheel[c->slot] = c->next;
    if (c->next)
        c->next->previous = c->previous;
    if (--ticking == 0)
        run_timer(0);
}

static void conn_end(struct conn *c)
{
    if (c->phase == DEAD)
        return;
    c->phase = DEAD;
    if (c->ticks)
        untick(c);
#ifdef BENCH_TLS
    if (c->ssl) {
        ERR_clear_error();
        SSL_shutdown(c->ssl);
        SSL_free(c->ssl);
        c->ssl = NULL;
    }
#endif
    close(c->fd);
    free(c->head);
    free(c->out);
    /* Events of this round may still point to it. */
    c->next = buried;
    buried = c;
}

static void want(struct conn *c, uint32_t events)
{
    if (c->wanted == events)
        return;
    struct epoll_event event = {.events = events, .data.ptr = c};
    if (epoll_ctl(poll_fd, EPOLL_CTL_MOD, c->fd, &event) < 0)
        die("epoll_ctl");
    c->wanted = events;
}

/* --- ready-made frames ------------------------------------------------------------------------------------ */

static struct block *block_for(size_t payload, int text)
{
    for (struct block *b = blocks; b; b = b->next)
        if (b->payload == payload && b->text == text)
            return b;
    uint8_t header[10];
    size_t header_size = frame_header(header, text ? 0x81 : 0x82, payload, 0);
    struct block *b = must(calloc(1, sizeof *b));
    b->payload = payload;
    b->text = text;
    b->frames = WRITE_SIZE / (header_size + payload);
    if (b->frames == 0)
        b->frames = 1;
    b->size = b->frames * (header_size + payload);
    b->data = must(malloc(b->size));
    for (size_t i = 0, at = 0; i < b->frames; i++) {
        memcpy(b->data + at, header, header_size);
        at += header_size;
        for (size_t j = 0; j < payload; j++)
            b->data[at++] = (uint8_t)('a' + j % 26);
    }
    b->next = blocks;
    return blocks = b;
}

static struct block *block_of_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        die(path);
    struct block *b = must(calloc(1, sizeof *b));
    fseek(file, 0, SEEK_END);
    b->size = (size_t)ftell(file);
    rewind(file);
    b->data = must(malloc(b->size));
    if (fread(b->data, 1, b->size, file) != b->size)
        die(path);
    fclose(file);
    b->ends = must(malloc((b->size / 2 + 1) * sizeof *b->ends));
    for (size_t at = 0; at + 2 <= b->size;) {
        size_t length = b->data[at + 1], header = 2;
        if (length == 126) {
            length = (size_t)b->data[at + 2] << 8 | b->data[at + 3];
            header = 4;
        }
        at += header + length;
        b->ends[b->frames++] = at;
    }
    return b;
}

static uint64_t bytes_of(const struct block *b, uint64_t count)
{
    uint64_t rest = count % b->frames;
    uint64_t tail = b->ends ? (rest ? b->ends[rest - 1] : 0) : rest * (b->size / b->frames);
    return count / b->frames * b->size + tail;
}

/* --- writing ----------------------------------------------------------------------------------------------- */

static void send_close(struct conn *c)
{
    static const uint8_t close_1000[] = {0x88, 2, 0x03, 0xE8};
    out_add(c, close_1000, sizeof close_1000);
    c->close_sent = 1;
}

/* Writes what it can; 0 where the connection ended. */
static int flush_out(struct conn *c)
{
    while (c->out_start < c->out_end) {
        ssize_t sent = conn_write(c, c->out + c->out_start, c->out_end - c->out_start);
        if (sent == 0) {
            conn_end(c);
            return 0;
        }
        if (sent < 0)
            return 1;
        c->out_start += (size_t)sent;
    }
    return 1;
}

static int streaming(const struct conn *c)
{
    return c->phase == OPEN && c->mode == STREAM && c->going && (c->endless || c->bytes_left);
}

static void conn_flush(struct conn *c)
{
    if (!flush_out(c))
        return;
    size_t turn = WRITE_SIZE;
    while (turn && c->out_start == c->out_end && streaming(c)) {
        size_t size = c->block->size - c->at;
        if (!c->endless && size > c->bytes_left)
            size = c->bytes_left;
        if (size > c->per_write)
            size = c->per_write;
        if (size > turn)
            size = turn;
        ssize_t sent = conn_write(c, c->block->data + c->at, size);
        if (sent == 0) {
            conn_end(c);
            return;
        }
        if (sent < 0)
            break;
        turn -= (size_t)sent;
        c->at = (c->at + (size_t)sent) % c->block->size;
        if (!c->endless)
            c->bytes_left -= (size_t)sent;
    }
    if (c->mode == STREAM && c->going && !c->endless && !c->bytes_left && !c->close_sent && c->phase == OPEN) {
        send_close(c);
        if (!flush_out(c))
            return;
    }
    size_t pending = c->out_end - c->out_start;
    if (c->phase == CLOSING && !pending) {
        conn_end(c);
        return;
    }
    want(c, (pending < OUT_HIGH ? EPOLLIN : 0) | (pending || streaming(c) ? EPOLLOUT : 0));
}

/* --- frames in ----------------------------------------------------------------------------------------------- */

static void apply_key(struct conn *c, uint8_t *out, const uint8_t *in, size_t size)
{
    uint8_t key[8];
    for (int i = 0; i < 8; i++)
        key[i] = c->key[(c->key_at + (size_t)i) & 3];
    uint64_t wide;
    memcpy(&wide, key, 8);
    size_t i = 0;
    for (; i + 8 <= size; i += 8) {
        uint64_t word;
        memcpy(&word, in + i, 8);
        word ^= wide;
        memcpy(out + i, &word, 8);
    }
    for (; i < size; i++)
        out[i] = in[i] ^ key[i & 7];
    c->key_at += size;
}

static int goes_back(const struct conn *c)
{
    return (c->header[0] & 0x08) || c->mode == ECHO;
}

static void frame_ended(struct conn *c)
{
    uint8_t opcode = c->header[0] & 0x0F;
    c->header_size = 0;
    c->in_payload = 0;
    if (opcode == 0x8) {
        c->phase = CLOSING;
    } else if (opcode < 0x8 && (c->header[0] & 0x80)) {
        if (c->mode == STREAM && !c->going) {
            c->going = 1;
            if (c->ticks)
                untick(c);
            c->ticks = 0;
        }
        if (c->mode == SINK && ++c->seen == c->sink_count) {
            char text[24];
            uint8_t header[10];
            int size = snprintf(text, sizeof text, "%llu", (unsigned long long)c->seen);
            out_add(c, header, frame_header(header, 0x81, (uint64_t)size, 0));
            out_add(c, text, (size_t)size);
            c->seen = 0;
        }
    }
}

static void frame_started(struct conn *c)
{
    uint8_t opcode = c->header[0] & 0x0F, first = c->header[0];
    uint8_t header[10];
    size_t key_at = c->header_size - 4;
    memcpy(c->key, c->header + key_at, 4);
    c->key_at = 0;
    c->in_payload = 1;
    if (opcode == 0x9)
        first = 0x8A; /* a ping goes back as a pong */
    if (opcode != 0xA && goes_back(c) && !(opcode == 0x8 && c->close_sent))
        out_add(c, header, frame_header(header, first, c->left, 0));
}

/* Size of the header, as far as it is known. */
static size_t header_needs(const struct conn *c)
{
    if (c->header_size < 2)
        return 2;
    uint8_t length = c->header[1] & 0x7F;
    return (length == 126 ? 4 : length == 127 ? 10 : 2) + 4;
}

static void feed(struct conn *c, const uint8_t *data, size_t size)
{
    const uint8_t *end = data + size;
    while (c->phase == OPEN && data < end) {
        if (!c->in_payload) {
            size_t needed = header_needs(c);
            if (c->header_size < needed) {
                c->header[c->header_size++] = *data++;
                needed = header_needs(c);
            }
            if (c->header_size < needed || c->header_size < 2)
                continue;
            if (!(c->header[1] & 0x80)) { /* a client must mask: RFC 6455, 5.1 */
                fprintf(stderr, "server: a frame that is not masked\n");
                conn_end(c);
                return;
            }
            uint8_t length = c->header[1] & 0x7F;
            int bytes = length == 126 ? 2 : length == 127 ? 8 : 0;
            c->left = bytes ? 0 : length;
            for (int i = 0; i < bytes; i++)
                c->left = c->left << 8 | c->header[2 + i];
            frame_started(c);
        }
        uint8_t opcode = c->header[0] & 0x0F;
        size_t part = (size_t)(end - data) < c->left ? (size_t)(end - data) : (size_t)c->left;
        if (part && opcode != 0xA && goes_back(c) && !(opcode == 0x8 && c->close_sent)) {
            apply_key(c, out_room(c, part), data, part);
            c->out_end += part;
        }
        data += part;
        c->left -= part;
        if (!c->left)
            frame_ended(c);
    }
}

/* --- opening handshake --------------------------------------------------------------------------------------- */

static long query(const char *target, const char *name, long otherwise)
{
    const char *at = strchr(target, '?');
    size_t size = strlen(name);
    while (at) {
        at++;
        if (!strncmp(at, name, size) && at[size] == '=')
            return strtol(at + size + 1, NULL, 10);
        at = strchr(at, '&');
    }
    return otherwise;
}

/* Value of a header line, NUL-terminated in place of its end; NULL: not there. */
static char *header_value(char *head, const char *name)
{
    size_t size = strlen(name);
    for (char *line = strstr(head, "\r\n"); line; line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, name, size) || line[2 + size] != ':')
            continue;
        char *value = line + 2 + size + 1;
        return strndup(value + strspn(value, " \t"), strcspn(value + strspn(value, " \t"), "\r"));
    }
    return NULL;
}

static void deflate_answer(char *out, size_t room, const char *offers)
{
    *out = 0;
    if (!offers || !strstr(offers, "permessage-deflate"))
        return;
    const char *bits = strstr(offers, "server_max_window_bits=");
    if (bits)
        snprintf(out, room, "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=%ld\r\n",
                 strtol(bits + 23 + (bits[23] == '"'), NULL, 10));
    else
        snprintf(out, room, "Sec-WebSocket-Extensions: permessage-deflate\r\n");
}

static void set_mode(struct conn *c, const char *target)
{
    int json = !strncmp(target, "/json-deflate", 13);
    if (!strncmp(target, "/sink", 5)) {
        c->mode = SINK;
        c->sink_count = (uint64_t)query(target, "count", 1);
    } else if (json || !strncmp(target, "/stream", 7)) {
        c->mode = STREAM;
        c->block = json ? deflated : block_for((size_t)query(target, "size", 200), (int)query(target, "text", 0));
        uint64_t count = (uint64_t)query(target, "count", 0);
        c->endless = !count;
        c->bytes_left = bytes_of(c->block, count);
        c->per_write = (size_t)query(target, "write", WRITE_SIZE);
        int sndbuf = (int)query(target, "sndbuf", 0);
        if (sndbuf)
            setsockopt(c->fd, SOL_SOCKET, SO_SNDBUF, &sndbuf, sizeof sndbuf);
        long interval = query(target, "interval", 0);
        if (interval) {
            c->ticks = interval < TICK_MS ? 1 : (size_t)interval / TICK_MS % TICKS;
            /* Connections take turns within the interval. */
            tick_after(c, 1 + turns_given++ % c->ticks);
        }
    } else {
        c->mode = ECHO;
    }
}

static void answer(struct conn *c)
{
    char *key = header_value(c->head, "Sec-WebSocket-Key");
    char *target = strchr(c->head, ' ');
    if (!key || !target || strncmp(c->head, "GET ", 4)) {
        static const char no[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        out_add(c, no, sizeof no - 1);
        c->phase = CLOSING;
        free(key);
        return;
    }
    char *offers = header_value(c->head, "Sec-WebSocket-Extensions");
    char accept[29], extensions[128] = "", response[512];
    target = strndup(target + 1, strcspn(target + 1, " \r"));
    if (query(target, "deflate", 0) || !strncmp(target, "/json-deflate", 13))
        deflate_answer(extensions, sizeof extensions, offers);
    if (!strncmp(target, "/json-deflate", 13) && (!*extensions || !deflated)) {
        static const char no[] = "HTTP/1.1 406 Not Acceptable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        out_add(c, no, sizeof no - 1);
        c->phase = CLOSING;
    } else {
        accept_key(key, strlen(key), accept);
        int size = snprintf(response, sizeof response,
                            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                            "Sec-WebSocket-Accept: %s\r\n%s\r\n",
                            accept, extensions);
        out_add(c, response, (size_t)size);
        set_mode(c, target);
        c->phase = OPEN;
    }
    free(key);
    free(offers);
    free(target);
}

static void feed_head(struct conn *c, const uint8_t *data, size_t size)
{
    if (!c->head)
        c->head = must(malloc(HEAD_SIZE + 1));
    size_t part = size < HEAD_SIZE - c->head_size ? size : HEAD_SIZE - c->head_size;
    size_t before = c->head_size;
    memcpy(c->head + before, data, part);
    c->head_size += part;
    c->head[c->head_size] = 0;
    char *end = strstr(c->head, "\r\n\r\n");
    if (!end) {
        if (c->head_size == HEAD_SIZE)
            conn_end(c);
        return;
    }
    size_t used = (size_t)(end - c->head) + 4 - before;
    end[2] = 0;
    answer(c);
    free(c->head);
    c->head = NULL;
    if (c->phase == OPEN && used < size)
        feed(c, data + used, size - used);
}

/* --- events --------------------------------------------------------------------------------------------------- */

static int tls_opening(struct conn *c)
{
#ifdef BENCH_TLS
    ERR_clear_error();
    int done = SSL_accept(c->ssl);
    if (done == 1) {
        c->phase = HEAD;
        return 1;
    }
    int error = SSL_get_error(c->ssl, done);
    if (error == SSL_ERROR_WANT_READ)
        want(c, EPOLLIN);
    else if (error == SSL_ERROR_WANT_WRITE)
        want(c, EPOLLOUT);
    else
        conn_end(c);
#else
    (void)c;
#endif
    return 0;
}

/* Whether a read gives one TLS record, with more perhaps behind it. */
static int drained_by_record(const struct conn *c)
{
#ifdef BENCH_TLS
    return c->phase != DEAD && c->ssl != NULL;
#else
    (void)c;
    return 0;
#endif
}

static void readable(struct conn *c)
{
    for (int turn = 0; turn < 16 && (c->phase == HEAD || c->phase == OPEN); turn++) {
        ssize_t got = conn_read(c, input, sizeof input);
        if (got < 0)
            break;
        if (got == 0) {
            conn_end(c);
            return;
        }
        if (c->phase == HEAD)
            feed_head(c, input, (size_t)got);
        else
            feed(c, input, (size_t)got);
        if (!drained_by_record(c) && (size_t)got < sizeof input)
            break;
    }
}

static void serve(struct conn *c, uint32_t events)
{
    if (c->phase == DEAD)
        return;
    if (c->phase == TLS_OPENING && !tls_opening(c))
        return;
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        readable(c);
    if (c->phase != DEAD)
        conn_flush(c);
}

static void take_connections(const struct endpoint *endpoint)
{
    for (;;) {
        int fd = accept4(endpoint->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), on = 1;
        if (fd < 0)
            return;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct conn *c = must(calloc(1, sizeof *c));
        c->fd = fd;
        c->phase = HEAD;
        c->wanted = EPOLLIN;
#ifdef BENCH_TLS
        if (endpoint->tls) {
            c->ssl = must(SSL_new(tls_context));
            SSL_set_fd(c->ssl, fd);
            c->phase = TLS_OPENING;
        }
#endif
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
            die("epoll_ctl");
    }
}

static void tick(void)
{
    uint64_t passed;
    if (read(timer, &passed, sizeof passed) != sizeof passed)
        return;
    for (; passed; passed--) {
        now = (now + 1) % TICKS;
        while (wheel[now]) {
            struct conn *c = wheel[now];
            untick(c);
            tick_after(c, c->ticks);
            out_add(c, c->block->data, c->block->size / c->block->frames);
            conn_flush(c);
        }
    }
}

static int listen_on(int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) < 0 || listen(fd, 4096) < 0)
        die("listen");
    if (getsockname(fd, (struct sockaddr *)&address, &size) < 0)
        die("getsockname");
    *port = ntohs(address.sin_port);
    return fd;
}

static void watch(int fd, void *mark)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = mark};
    /* Standard input may be a file, which epoll refuses: then the server is ended by a signal. */
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event) < 0 && errno != EPERM)
        die("epoll_ctl");
}

static int start_tls(const char *cert, const char *key)
{
#ifdef BENCH_TLS
    if (!cert || !key)
        return 0;
    tls_context = must(SSL_CTX_new(TLS_server_method()));
    SSL_CTX_set_mode(tls_context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_options(tls_context, SSL_OP_IGNORE_UNEXPECTED_EOF);
    if (SSL_CTX_use_certificate_chain_file(tls_context, cert) != 1 ||
        SSL_CTX_use_PrivateKey_file(tls_context, key, SSL_FILETYPE_PEM) != 1) {
        ERR_print_errors_fp(stderr);
        exit(1);
    }
    return 1;
#else
    (void)cert;
    (void)key;
    return 0;
#endif
}

int main(int argc, char **argv)
{
    const char *cert = NULL, *key = NULL;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--cert"))
            cert = argv[i + 1];
        else if (!strcmp(argv[i], "--key"))
            key = argv[i + 1];
        else if (!strcmp(argv[i], "--deflated"))
            deflated = block_of_file(argv[i + 1]);
    }
    signal(SIGPIPE, SIG_IGN);
    struct rlimit files;
    if (!getrlimit(RLIMIT_NOFILE, &files)) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    int plain_port, tls_port = 0;
    struct endpoint plain = {listen_on(&plain_port), 0}, tls = {-1, 1};
    watch(plain.fd, &plain);
    if (start_tls(cert, key)) {
        tls.fd = listen_on(&tls_port);
        watch(tls.fd, &tls);
    }
    int input_mark, timer_mark;
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    watch(timer, &timer_mark);
    watch(0, &input_mark);
    printf("plain %d tls %d\n", plain_port, tls_port);
    fflush(stdout);
    struct epoll_event events[1024];
    for (;;) {
        int count = epoll_wait(poll_fd, events, 1024, -1);
        for (int i = 0; i < count; i++) {
            void *mark = events[i].data.ptr;
            if (mark == &input_mark)
                return 0;
            if (mark == &plain || mark == &tls)
                take_connections(mark);
            else if (mark == &timer_mark)
                tick();
            else
                serve(mark, events[i].events);
        }
        while (buried) {
            struct conn *c = buried;
            buried = c->next;
            free(c);
        }
    }
}
