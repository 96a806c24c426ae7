#include "address_book.h"

#include <netinet/in.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/random.h>
#include <xxhash.h>

#include "server/engine/handshake_rate.h"

/* The kinds of network that are counted: one row, one table of counters. */
enum kind { IPV4_ADDRESS, IPV6_64, IPV4_24, IPV6_56, IPV6_48, KINDS };

#define LIMIT(member) offsetof(struct settings_limits, member)

static const struct {
    size_t limit;
    unsigned bits;
    enum address_verdict full;
} KIND[KINDS] = {
    [IPV4_ADDRESS] = {LIMIT(connections_per_address), 128, ADDRESS_FULL},
    [IPV6_64] = {LIMIT(connections_per_address), 64, ADDRESS_FULL},
    [IPV4_24] = {LIMIT(connections_per_ipv4_24), 120, ADDRESS_NETWORK_FULL},
    [IPV6_56] = {LIMIT(connections_per_ipv6_56), 56, ADDRESS_NETWORK_FULL},
    [IPV6_48] = {LIMIT(connections_per_ipv6_48), 48, ADDRESS_NETWORK_FULL},
};

/* What a client counts for, the smallest first. */
struct family {
    enum kind kinds[ADDRESS_LEVELS];
    uint8_t count;
};
static const struct family IPV4 = {{IPV4_ADDRESS, IPV4_24}, 2};
static const struct family IPV6 = {{IPV6_64, IPV6_56, IPV6_48}, 3};

enum { SLOTS = 65536 }; /* of each kind */

/* A slot number is that of the kind times SLOTS and the place in its table. `held` is used at the
 * slots of addresses alone, `handshakes` at those of the largest networks; what nobody writes to
 * takes no memory. */
struct address_book {
    uint64_t seed;
    _Atomic uint32_t connections[KINDS * SLOTS];
    _Atomic int64_t held[KINDS * SLOTS];
    _Atomic int64_t handshakes[KINDS * SLOTS]; /* server/engine/handshake_rate.h */
};

struct address_book *address_book_new(void)
{
    struct address_book *book = memory_zero(1, sizeof(*book));
    if (getrandom(&book->seed, sizeof(book->seed), 0) != sizeof(book->seed)) {
        abort(); /* Linux gives up to 256 octets always */
    }
    return book;
}

void address_book_free(struct address_book *book)
{
    free(book);
}

/* ---- who it is ---- */

/* NULL: PEER has no Internet address. */
static const struct family *family_of(const struct sockaddr *peer,
                                      unsigned char ret_octets[NETWORK_ADDRESS_OCTETS])
{
    if (peer->sa_family == AF_INET) {
        network_map_ipv4(&((const struct sockaddr_in *)(const void *)peer)->sin_addr, ret_octets);
        return &IPV4;
    }
    if (peer->sa_family == AF_INET6) {
        memcpy(ret_octets, &((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr,
               NETWORK_ADDRESS_OCTETS);
        return network_is_ipv4(ret_octets) ? &IPV4 : &IPV6;
    }
    return NULL;
}

size_t address_networks(const struct sockaddr *peer, struct network ret_networks[ADDRESS_LEVELS])
{
    unsigned char octets[NETWORK_ADDRESS_OCTETS];
    const struct family *family = family_of(peer, octets);
    size_t count = family != NULL ? family->count : 0;
    for (size_t i = 0; i < count; i++) {
        ret_networks[i] = network_of(octets, KIND[family->kinds[i]].bits);
    }
    return count;
}

static bool is_in(const struct settings_networks *networks, const unsigned char *octets)
{
    for (size_t i = 0; i < networks->count; i++) {
        if (network_has(&networks->items[i], octets)) {
            return true;
        }
    }
    return false;
}

bool address_is_from(const struct settings_networks *networks, const struct sockaddr *peer)
{
    static const unsigned char loopback[NETWORK_ADDRESS_OCTETS] = {[15] = 1};
    static const unsigned char loopback_ipv4[NETWORK_ADDRESS_OCTETS] = {
        [10] = 0xff, [11] = 0xff, [12] = 127};
    const struct network own[] = {network_of(loopback, NETWORK_ADDRESS_BITS),
                                  network_of(loopback_ipv4, NETWORK_IPV4_BITS + 8)};
    unsigned char octets[NETWORK_ADDRESS_OCTETS];
    return family_of(peer, octets) == NULL || network_has(&own[0], octets) ||
           network_has(&own[1], octets) || is_in(networks, octets);
}

bool address_is_in(const struct settings_networks *networks, const struct sockaddr *peer)
{
    unsigned char octets[NETWORK_ADDRESS_OCTETS];
    return family_of(peer, octets) == NULL || is_in(networks, octets);
}

static uint32_t slot_of(const struct address_book *book, enum kind kind,
                        const unsigned char octets[NETWORK_ADDRESS_OCTETS])
{
    struct network network = network_of(octets, KIND[kind].bits);
    uint64_t hash = XXH3_64bits_withSeed(&network, sizeof(network), book->seed);
    return (uint32_t)kind * SLOTS + (uint32_t)(hash % SLOTS);
}

/* ---- counting ----
 *
 * The order of memory is relaxed throughout: each word stands for itself, and nothing else is
 * handed from one thread to another by it. */

/* Who is refused writes nothing: a flood of connections does not keep the others' processors from
 * the counter. */
static bool take_connection(_Atomic uint32_t *count, int64_t max)
{
    uint32_t before = atomic_load_explicit(count, memory_order_relaxed);
    while (before < max) {
        if (atomic_compare_exchange_weak_explicit(count, &before, before + 1, memory_order_relaxed,
                                                  memory_order_relaxed)) {
            return true;
        }
    }
    return false;
}

static bool take_handshake(_Atomic int64_t *bucket, const struct settings_limits *limits,
                           int64_t now_ms)
{
    int64_t before = atomic_load_explicit(bucket, memory_order_relaxed);
    for (;;) {
        int64_t after;
        bool taken = handshake_rate_spend(before, now_ms, limits->handshakes_per_second,
                                          limits->handshake_burst, &after);
        if (after == before ||
            atomic_compare_exchange_weak_explicit(bucket, &before, after, memory_order_relaxed,
                                                  memory_order_relaxed)) {
            return taken;
        }
    }
}

static enum address_verdict take_connections(struct address_book *book, const struct family *family,
                                             const unsigned char octets[NETWORK_ADDRESS_OCTETS],
                                             const struct settings_limits *limits,
                                             struct address_place *place)
{
    for (size_t i = 0; i < family->count; i++) {
        enum kind kind = family->kinds[i];
        int64_t max = *(const int64_t *)((const char *)limits + KIND[kind].limit);
        uint32_t slot = slot_of(book, kind, octets);
        if (!take_connection(&book->connections[slot], max)) {
            return KIND[kind].full;
        }
        place->slots[place->count++] = slot;
    }
    return ADDRESS_ADMITTED;
}

enum address_verdict address_book_enter(struct address_book *book, const struct sockaddr *peer,
                                        const struct settings_limits *limits, bool handshake,
                                        int64_t now_ms, struct address_place *ret_place)
{
    struct address_place place = {0};
    *ret_place = place;
    unsigned char octets[NETWORK_ADDRESS_OCTETS];
    const struct family *family = family_of(peer, octets);
    if (family == NULL || is_in(&limits->uncounted, octets)) {
        return ADDRESS_ADMITTED;
    }
    enum address_verdict verdict = take_connections(book, family, octets, limits, &place);
    /* Last, as a token cannot be given back. */
    if (verdict == ADDRESS_ADMITTED && handshake &&
        !take_handshake(&book->handshakes[place.slots[place.count - 1]], limits, now_ms)) {
        verdict = ADDRESS_HANDSHAKES;
    }
    if (verdict != ADDRESS_ADMITTED) {
        address_book_leave(book, &place);
        return verdict;
    }
    *ret_place = place;
    return ADDRESS_ADMITTED;
}

void address_book_leave(struct address_book *book, const struct address_place *place)
{
    for (size_t i = 0; i < place->count; i++) {
        atomic_fetch_sub_explicit(&book->connections[place->slots[i]], 1, memory_order_relaxed);
    }
}

int64_t address_book_hold(struct address_book *book, const struct address_place *place,
                          int64_t delta)
{
    if (place->count == 0) {
        return 0;
    }
    _Atomic int64_t *held = &book->held[place->slots[0]];
    return atomic_fetch_add_explicit(held, delta, memory_order_relaxed) + delta;
}
