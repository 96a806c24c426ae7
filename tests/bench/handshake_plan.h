/* What bench_handshake_client is asked to do: its arguments, and whose policy is fetched when. */
#ifndef BENCH_HANDSHAKE_PLAN_H
#define BENCH_HANDSHAKE_PLAN_H

#include <stdbool.h>
#include <stdint.h>

struct handshake_plan {
    uint64_t port;
    uint64_t names;       /* mta-sts.tenant-0000000.example … */
    double zipf;          /* the exponent; 0: all names alike */
    double seconds;       /* of starting new fetches */
    double rate;          /* fetches a second, begun whether or not others are done; 0: always as
                             many at a time as `concurrency` says */
    uint64_t concurrency; /* fetches at a time, at most */
    uint64_t seed;
    bool http2;       /* by HTTP/2 instead of HTTP/1.1 */
    bool nagle;       /* without TCP_NODELAY: the request waits for the server's acknowledgement */
    bool hybrid;      /* keys in X25519MLKEM768 (OpenSSL 3.5 and later) instead of X25519 */
    uint64_t fetches; /* as many, at most; 0: as many as the time allows */
};

/* False for arguments that are none; said on stderr. */
bool handshake_plan_read(int argc, char **argv, struct handshake_plan *ret_plan);

/* The same names in the same order for the same plan. */
struct handshake_choice;

struct handshake_choice *handshake_choice_new(const struct handshake_plan *plan);
void handshake_choice_free(struct handshake_choice *choice);

/* The number of the next tenant. */
uint64_t handshake_choice_next(struct handshake_choice *choice);
/* Nanoseconds to the next fetch of a plan with a rate: exponentially distributed, as the arrivals
 * of many senders that do not know of each other. */
uint64_t handshake_choice_pause_ns(struct handshake_choice *choice);

#endif
