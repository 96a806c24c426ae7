#include "address_count.h"

#include <netinet/in.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/random.h>
#include <xxhash.h>

enum { SLOTS = 65536 };

struct address_count {
    uint64_t seed;
    _Atomic uint32_t slots[SLOTS];
};

struct address_count *address_count_new(void)
{
    struct address_count *count = memory_zero(1, sizeof(*count));
    if (getrandom(&count->seed, sizeof(count->seed), 0) != sizeof(count->seed)) {
        abort(); /* Linux gives up to 256 octets always */
    }
    return count;
}

void address_count_free(struct address_count *count)
{
    free(count);
}

/* The prefix under which IPv4 hosts stand in IPv6 (RFC 6052): no other client is there. */
static void put_ipv4(const unsigned char octets[4], unsigned char ret_key[ADDRESS_KEY_OCTETS])
{
    static const unsigned char prefix[4] = {0x00, 0x64, 0xff, 0x9b};
    memcpy(ret_key, prefix, sizeof(prefix));
    memcpy(ret_key + sizeof(prefix), octets, 4);
}

bool address_key(const struct sockaddr *address, unsigned char ret_key[ADDRESS_KEY_OCTETS])
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *four = (const struct sockaddr_in *)(const void *)address;
        put_ipv4((const unsigned char *)&four->sin_addr, ret_key);
        memcpy(ret_key + 4, &four->sin_addr, 4);
        return true;
    }
    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)(const void *)address;
        if (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr)) {
            put_ipv4(six->sin6_addr.s6_addr + 12, ret_key);
        } else {
            memcpy(ret_key, six->sin6_addr.s6_addr, 8);
        }
        return true;
    }
    return false;
}

bool address_count_enter(struct address_count *count, const struct sockaddr *address, int64_t max,
                         uint32_t *ret_ticket)
{
    unsigned char key[ADDRESS_KEY_OCTETS];
    if (!address_key(address, key)) {
        *ret_ticket = 0;
        return true;
    }
    uint32_t slot = (uint32_t)(XXH3_64bits_withSeed(key, sizeof(key), count->seed) % SLOTS);
    uint32_t before = atomic_fetch_add_explicit(&count->slots[slot], 1, memory_order_relaxed);
    if (before >= max) {
        atomic_fetch_sub_explicit(&count->slots[slot], 1, memory_order_relaxed);
        return false;
    }
    *ret_ticket = slot + 1;
    return true;
}

void address_count_leave(struct address_count *count, uint32_t ticket)
{
    if (ticket != 0) {
        atomic_fetch_sub_explicit(&count->slots[ticket - 1], 1, memory_order_relaxed);
    }
}
