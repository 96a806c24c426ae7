/* What speaks HTTP on a connection: octets in, octets out. A protocol knows no socket; the channel
 * (channel.h) feeds it what came in, and sends what it puts out, one write at a time: while a write
 * is under way the protocol is not run, so what waits for the kernel is bounded by PROTOCOL_OUT_MAX
 * and one answer. A test, or a fuzzer, may drive it as well. */
#ifndef SERVER_ENGINE_PROTOCOL_H
#define SERVER_ENGINE_PROTOCOL_H

#include <stdint.h>

#include "lib/base/buffer.h"
#include "server/engine/connection_rule.h"

enum {
    PROTOCOL_OUT_MAX = 64 * 1024, /* no more is put out before it is written */
    /* The cap of the buffer for it: what went past the above at once, an answer or a frame, fits.
     */
    PROTOCOL_OUT_CAP = 512 * 1024,
};

enum protocol_next {
    PROTOCOL_GOES_ON, /* run again with more input, or when what was put out is written */
    PROTOCOL_ENDS,    /* close once all is written */
    PROTOCOL_LINGERS, /* the same; the client may still be sending: read that away before */
    PROTOCOL_BREAKS,  /* close now */
};

struct protocol;

struct protocol_kind {
    /* Takes from INPUT as much as it can use now, says in *RET_TAKEN how much, and appends to OUT.
     */
    enum protocol_next (*run)(struct protocol *self, struct bytes input, size_t *ret_taken,
                              struct buffer *out);
    /* No more requests are wanted; may be called several times, a sweep apart. What it says to the
     * client comes with the next run. False: it says nothing, the reading side is to be shut. */
    bool (*goodbye)(struct protocol *self);
    void (*free)(struct protocol *self);
};

struct protocol {
    const struct protocol_kind *kind;
    /* After each run. Of unread_ms what the protocol knows: answers that wait for the client's
     * permission; the channel knows what waits to be written. */
    struct connection_facts facts;
};

#endif
