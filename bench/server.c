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
 *                           hold=1: do not close; gate=: wait until so many of these connections had their
 *                           first message
 *   /json-deflate?count=    the same with the ready-made frames of the --deflated file, again from its start
 *                           when it ends; agrees to permessage-deflate
 *   /sink?count=            a text message after every `count` messages of the client
 *
 * deflate=1 on any of them agrees to permessage-deflate where it is offered. The server never compresses. */
#define _GNU_SOURCE
#include "frames.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/resource.h>

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
        c->hold = (int)query(target, "hold", 0);
        c->per_write = (size_t)query(target, "write", WRITE_SIZE);
        c->gate = (size_t)query(target, "gate", 0);
        if (c->gate)
            list_at(c, TICKS);
        long interval = query(target, "interval", 0);
        if (interval) {
            c->ticks = interval < TICK_MS ? 1 : (size_t)interval / TICK_MS % TICKS;
            /* Connections take turns within the interval. */
            list_at(c, (now + 1 + turns_given++ % c->ticks) % TICKS);
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

/* Whether to read once more. What OpenSSL has read ahead must be taken now: no event will tell of it. Of what
 * the kernel holds another event will, so that a connection has its turns and no more. */
static int read_on(const struct conn *c, size_t got, int turn)
{
#ifdef BENCH_TLS
    if (c->phase != DEAD && c->ssl)
        return SSL_has_pending(c->ssl);
#else
    (void)c;
#endif
    return got == sizeof input && turn < READ_TURNS;
}

static void readable(struct conn *c)
{
    for (int turn = 1; c->phase == HEAD || c->phase == OPEN; turn++) {
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
        if (!read_on(c, (size_t)got, turn))
            break;
    }
}

static void serve(struct conn *c, uint32_t events)
{
    if (c->phase == DEAD)
        return;
    if (c->phase == TLS_OPENING) {
        if (!tls_opening(c))
            return;
        events |= EPOLLIN; /* the request may have come with the end of the handshake, and been read ahead */
    }
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        readable(c);
    if (c->phase != DEAD)
        conn_flush(c);
}

struct endpoint {
    int fd, tls;
};

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
            unlist(c);
            list_at(c, (now + c->ticks) % TICKS);
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
    SSL_CTX_set_read_ahead(tls_context, 1); /* a read for a record, not one for its header and one for the rest */
    SSL_CTX_set_default_read_buffer_len(tls_context, TLS_READ_SIZE);
    /* The same for every client, whatever it offers; and each gets tickets, to resume its session with. */
    if (SSL_CTX_set_min_proto_version(tls_context, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_ciphersuites(tls_context, "TLS_AES_256_GCM_SHA384") != 1 ||
        SSL_CTX_set_num_tickets(tls_context, 2) != 1 || SSL_CTX_use_certificate_chain_file(tls_context, cert) != 1 ||
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
