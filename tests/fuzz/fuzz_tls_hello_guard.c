/* However the octets are cut, the verdict is the same, and it is that of a reader who has all of
 * them: takes the records of type 22 apart, puts their octets together, and walks the messages. The
 * first octet of the input says how the rest is cut. */
#include <stdint.h>
#include <stdlib.h>

#include "lib/base/buffer.h"
#include "server/engine/tls_hello_guard.h"

enum { RECORD_HEAD = 5, MESSAGE_HEAD = 4, HANDSHAKE = 22, INPUT_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition) {
        abort();
    }
}

static size_t number(struct bytes octets, size_t first, size_t width)
{
    size_t value = 0;
    for (size_t i = first; i < first + width; i++) {
        value = value << 8 | (unsigned char)octets.p[i];
    }
    return value;
}

/* The octets of all messages, of the last record those that are there. */
static void join_messages(struct bytes octets, struct buffer *messages)
{
    while (octets.n >= RECORD_HEAD) {
        size_t length = number(octets, 3, 2);
        struct bytes content = bytes_skip(octets, RECORD_HEAD);
        if ((unsigned char)octets.p[0] == HANDSHAKE) {
            buffer_add(messages,
                       (struct bytes){content.p, length < content.n ? length : content.n});
        }
        octets = bytes_skip(content, length);
    }
}

static bool has_long_message(struct bytes messages)
{
    while (messages.n >= MESSAGE_HEAD) {
        size_t length = number(messages, 1, 3);
        if (length > TLS_HELLO_MAX) {
            return true;
        }
        messages = bytes_skip(messages, MESSAGE_HEAD + length);
    }
    return false;
}

/* In pieces whose sizes SEED makes; 0: in one. */
static bool judge(struct bytes octets, unsigned seed)
{
    struct tls_hello_guard guard = {0};
    bool passes = true;
    while (octets.n != 0) {
        seed = seed * 1103515245U + (seed != 0 ? 12345U : 0);
        size_t n = seed == 0 ? octets.n : (seed >> 16) % 23;
        n = n < octets.n ? n : octets.n;
        bool still = tls_hello_guard_pass(&guard, (struct bytes){octets.p, n});
        require(passes || !still);
        passes = still;
        octets = bytes_skip(octets, n);
    }
    return passes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct bytes octets = {(const char *)data + 1, size - 1};
    struct buffer messages = BUFFER(INPUT_MAX);
    join_messages(octets, &messages);
    bool want = !has_long_message(buffer_bytes(&messages));
    require(judge(octets, 0) == want);
    require(judge(octets, data[0] + 1U) == want);
    buffer_clear(&messages);
    return 0;
}
