/* What the server and the client of the bench share: SHA-1, Base64 and little helpers.
 * The opening handshake needs them (RFC 6455, 4.2.2), and OpenSSL may not be there. */
#ifndef BENCH_HANDSHAKE_H
#define BENCH_HANDSHAKE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define UNUSED __attribute__((unused))

static UNUSED void die(const char *what)
{
    perror(what);
    exit(1);
}

static UNUSED void *must(void *memory)
{
    if (memory == NULL)
        die("memory");
    return memory;
}

static inline uint32_t rotate(uint32_t value, int bits)
{
    return (value << bits) | (value >> (32 - bits));
}

static UNUSED void sha1_block(uint32_t state[5], const uint8_t *block)
{
    uint32_t w[80];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
               (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (int i = 16; i < 80; i++)
        w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (int i = 0; i < 80; i++) {
        uint32_t f, k;
        if (i < 20) {
            f = (b & c) | (~b & d);
            k = 0x5A827999;
        } else if (i < 40) {
            f = b ^ c ^ d;
            k = 0x6ED9EBA1;
        } else if (i < 60) {
            f = (b & c) | (b & d) | (c & d);
            k = 0x8F1BBCDC;
        } else {
            f = b ^ c ^ d;
            k = 0xCA62C1D6;
        }
        uint32_t next = rotate(a, 5) + f + e + k + w[i];
        e = d;
        d = c;
        c = rotate(b, 30);
        b = a;
        a = next;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}

/* SHA-1 of at most 119 bytes: a key and the GUID are 60. */
static UNUSED void sha1_short(const uint8_t *data, size_t size, uint8_t digest[20])
{
    uint32_t state[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    uint8_t padded[128] = {0};
    size_t whole = size + 9 <= 64 ? 64 : 128;
    memcpy(padded, data, size);
    padded[size] = 0x80;
    for (size_t i = 0; i < 8; i++)
        padded[whole - 1 - i] = (uint8_t)((uint64_t)size * 8 >> (8 * i));
    for (size_t at = 0; at < whole; at += 64)
        sha1_block(state, padded + at);
    for (int i = 0; i < 20; i++)
        digest[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
}

/* Sec-WebSocket-Accept of a key; `out` takes 29 bytes. */
static UNUSED void accept_key(const char *key, size_t size, char *out)
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t data[119], digest[21] = {0};
    if (size > 64)
        size = 64;
    memcpy(data, key, size);
    memcpy(data + size, guid, 36);
    sha1_short(data, size + 36, digest);
    for (int i = 0; i < 7; i++) {
        uint32_t three = (uint32_t)digest[3 * i] << 16 | (uint32_t)digest[3 * i + 1] << 8 | digest[3 * i + 2];
        for (int j = 0; j < 4; j++)
            out[4 * i + j] = digits[three >> (18 - 6 * j) & 63];
    }
    out[27] = '=';
    out[28] = 0;
}

/* Header of an unmasked frame, or of one whose mask bit is `mask` (0x80); returns its size, key excluded. */
static UNUSED size_t frame_header(uint8_t *out, uint8_t first, uint64_t size, uint8_t mask)
{
    out[0] = first;
    if (size < 126) {
        out[1] = mask | (uint8_t)size;
        return 2;
    }
    size_t bytes = size < 65536 ? 2 : 8;
    out[1] = mask | (bytes == 2 ? 126 : 127);
    for (size_t i = 0; i < bytes; i++)
        out[2 + i] = (uint8_t)(size >> (8 * (bytes - 1 - i)));
    return 2 + bytes;
}

#endif
