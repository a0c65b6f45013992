/* The floor of the bench: a blocking client that does no more than the wire asks for.
 *
 *   client PORT TLS RESOURCE in COUNT           reads messages until the server closes
 *   client PORT TLS RESOURCE trips COUNT SIZE   round trips of a message
 *   client PORT TLS RESOURCE out COUNT SIZE     sends messages, waits for one in return
 *   client PORT TLS - open COUNT                opens and closes connections
 *
 * It prints: messages, seconds, CPU seconds. */
#define _GNU_SOURCE
#include "handshake.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifdef BENCH_TLS
#include <openssl/ssl.h>
static SSL_CTX *context;
static SSL *ssl;
#endif

static int fd;
static uint8_t input[256 * 1024];
static size_t held;
static double wall_start, cpu_start;

static double seconds(clockid_t id)
{
    struct timespec at;
    clock_gettime(id, &at);
    return (double)at.tv_sec + 1e-9 * (double)at.tv_nsec;
}

static void start(void)
{
    wall_start = seconds(CLOCK_MONOTONIC);
    cpu_start = seconds(CLOCK_PROCESS_CPUTIME_ID);
}

static void stop(uint64_t messages)
{
    double wall = seconds(CLOCK_MONOTONIC) - wall_start;
    printf("%llu %.9f %.9f\n", (unsigned long long)messages, wall,
           seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_start);
}

static size_t take(void *data, size_t size)
{
#ifdef BENCH_TLS
    if (ssl) {
        int got = SSL_read(ssl, data, (int)size);
        return got > 0 ? (size_t)got : 0;
    }
#endif
    ssize_t got = recv(fd, data, size, 0);
    return got > 0 ? (size_t)got : 0;
}

static void give(const uint8_t *data, size_t size)
{
    while (size) {
        ssize_t sent;
#ifdef BENCH_TLS
        if (ssl)
            sent = SSL_write(ssl, data, (int)size);
        else
#endif
            sent = send(fd, data, size, MSG_NOSIGNAL);
        if (sent <= 0)
            die("send");
        data += sent;
        size -= (size_t)sent;
    }
}

static void dial(uint16_t port, int tls)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int on = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
#ifdef BENCH_TLS
    if (tls) {
        if (!context)
            context = must(SSL_CTX_new(TLS_client_method()));
        ssl = must(SSL_new(context));
        SSL_set_fd(ssl, fd);
        if (SSL_connect(ssl) != 1)
            die("tls");
    }
#else
    if (tls)
        die("tls is not built");
#endif
}

/* Leaves what follows the response in `input`. */
static void open_connection(uint16_t port, int tls, const char *resource)
{
    static const char key[] = "dGhlIHNhbXBsZSBub25jZQ==";
    char request[1024], accept[29];
    dial(port, tls);
    int size = snprintf(request, sizeof request,
                        "GET %s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n",
                        resource, key);
    give((uint8_t *)request, (size_t)size);
    held = 0;
    for (;;) {
        size_t got = take(input + held, sizeof input - 1 - held);
        if (!got)
            die("no response");
        held += got;
        input[held] = 0;
        char *end = memmem(input, held, "\r\n\r\n", 4);
        if (!end)
            continue;
        accept_key(key, strlen(key), accept);
        if (strncmp((char *)input, "HTTP/1.1 101 ", 13) || !strstr((char *)input, accept))
            die("refused");
        size_t head = (size_t)((uint8_t *)end + 4 - input);
        memmove(input, input + head, held - head);
        held -= head;
        return;
    }
}

static void close_connection(void)
{
    static const uint8_t close_1000[] = {0x88, 0x82, 1, 2, 3, 4, 0x03 ^ 1, 0xE8 ^ 2};
    give(close_1000, sizeof close_1000);
    while (take(input, sizeof input))
        ;
#ifdef BENCH_TLS
    if (ssl) {
        SSL_free(ssl);
        ssl = NULL;
    }
#endif
    close(fd);
}

/* Reads until `count` data frames have come, or a close frame; returns how many came. */
static uint64_t read_messages(uint64_t count)
{
    uint64_t seen = 0, skip = 0;
    size_t at = 0;
    while (seen < count) {
        size_t here = held - at, header = 2;
        if (skip) {
            size_t part = here < skip ? here : (size_t)skip;
            at += part;
            skip -= part;
            if (!skip) {
                seen++;
                continue;
            }
            here = 0;
        }
        uint64_t size = 0;
        if (here >= 2) {
            size = input[at + 1] & 0x7F;
            header = size < 126 ? 2 : size == 126 ? 4 : 10;
        }
        if (here < header) {
            memmove(input, input + at, here);
            at = 0;
            held = here;
            size_t got = take(input + held, sizeof input - held);
            if (!got)
                return seen;
            held += got;
            continue;
        }
        if ((input[at] & 0x0F) == 0x8)
            return seen;
        if (header > 2) {
            size = 0;
            for (size_t i = 2; i < header; i++)
                size = size << 8 | input[at + i];
        }
        at += header;
        skip = size;
        if (!skip)
            seen++;
    }
    memmove(input, input + at, held - at);
    held -= at;
    return seen;
}

static size_t masked_frame(uint8_t **frame, size_t size)
{
    static const uint8_t key[4] = {0x12, 0x34, 0x56, 0x78};
    *frame = must(malloc(size + 14));
    size_t header = frame_header(*frame, 0x82, size, 0x80);
    memcpy(*frame + header, key, 4);
    header += 4;
    for (size_t i = 0; i < size; i++)
        (*frame)[header + i] = (uint8_t)('a' + i % 26) ^ key[i & 3];
    return header + size;
}

int main(int argc, char **argv)
{
    if (argc < 6)
        return 2;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* the worker may be ended while it waits for this */
    uint16_t port = (uint16_t)atoi(argv[1]);
    int tls = atoi(argv[2]);
    const char *resource = argv[3], *mode = argv[4];
    uint64_t count = strtoull(argv[5], NULL, 10), seen = 0;
    uint8_t *frame;
    size_t size = masked_frame(&frame, argc > 6 ? (size_t)atol(argv[6]) : 2);
    if (!strcmp(mode, "open")) {
        start();
        for (; seen < count; seen++) {
            open_connection(port, tls, "/echo");
            close_connection();
        }
        stop(seen);
        return 0;
    }
    open_connection(port, tls, resource);
    start();
    if (!strcmp(mode, "in")) {
        give(frame, size);
        seen = read_messages(count);
    } else if (!strcmp(mode, "trips")) {
        for (; seen < count; seen++) {
            give(frame, size);
            if (!read_messages(1))
                die("echo");
        }
    } else {
        for (; seen < count; seen++)
            give(frame, size);
        if (!read_messages(1))
            die("reply");
    }
    stop(seen);
    close_connection();
    return seen == count ? 0 : 1;
}
