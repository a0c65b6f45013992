/* A connection of the server: its state, its bytes in and out, its place in the wheel of timers. */
#ifndef BENCH_CONNECTION_H
#define BENCH_CONNECTION_H

#include "handshake.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#ifdef BENCH_TLS
#include <openssl/err.h>
#include <openssl/ssl.h>
#endif

#define READ_SIZE (256 * 1024)
#define WRITE_SIZE (256 * 1024) /* a connection's turn, and bytes of ready-made frames */
#define READ_TURNS 16
#define HEAD_SIZE 8192
#define TLS_READ_SIZE (64 * 1024)
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
    int endless, going, hold, close_sent;
    size_t per_write;
    size_t ticks, slot; /* the interval, and its place in the wheel */
    int listed;         /* whether it is there */
    struct conn *next, *previous; /* in that place; or among the buried */
    size_t gate; /* how many must have asked before all of them start; 0: it goes alone */
    int asked;
    /* /sink */
    uint64_t sink_count, seen;
};

static int poll_fd;
static struct block *blocks, *deflated;
static uint8_t input[READ_SIZE];
static struct conn *wheel[TICKS + 1]; /* the last place is the gate's, and is never passed */
static size_t asked_at_gate;
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

static void list_at(struct conn *c, size_t slot)
{
    c->slot = slot;
    c->listed = 1;
    c->previous = NULL;
    c->next = wheel[c->slot];
    if (c->next)
        c->next->previous = c;
    wheel[c->slot] = c;
    if (slot < TICKS && ticking++ == 0)
        run_timer(1);
}

static void unlist(struct conn *c)
{
    if (!c->listed)
        return;
    c->listed = 0;
    if (c->previous)
        c->previous->next = c->next;
    else
        wheel[c->slot] = c->next;
    if (c->next)
        c->next->previous = c->previous;
    if (c->slot < TICKS && --ticking == 0)
        run_timer(0);
}

static void conn_end(struct conn *c)
{
    if (c->phase == DEAD)
        return;
    c->phase = DEAD;
    unlist(c);
    asked_at_gate -= (size_t)c->asked;
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

#endif
