/* What the server sends of its own, and what it makes of frames that come in. */
#ifndef BENCH_FRAMES_H
#define BENCH_FRAMES_H

#include "connection.h"

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
    int over = c->mode == STREAM && c->going && !c->endless && !c->bytes_left;
    if (over && !c->hold && !c->close_sent && c->phase == OPEN) {
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

/* Lets all go, once as many as they said have asked. */
static void open_gate(struct conn *last)
{
    while (wheel[TICKS]) {
        struct conn *c = wheel[TICKS];
        unlist(c);
        c->asked = 0;
        c->going = 1;
        if (c != last) /* which is being served */
            conn_flush(c);
    }
    asked_at_gate = 0;
}

static void start_stream(struct conn *c)
{
    if (!c->gate) {
        unlist(c);
        c->going = 1;
    } else if (!c->asked) {
        c->asked = 1;
        if (++asked_at_gate == c->gate)
            open_gate(c);
    }
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
        if (c->mode == STREAM && !c->going)
            start_stream(c);
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

#endif
