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

bool address_key(const struct sockaddr *address, unsigned char ret_key[ADDRESS_KEY_OCTETS])
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *four = (const struct sockaddr_in *)(const void *)address;
        /* Under 64:ff9b::/32 (RFC 6052), whose hosts are IPv4 hosts: no other prefix is the same.
         */
        memcpy(ret_key, "\x00\x64\xff\x9b", 4);
        memcpy(ret_key + 4, &four->sin_addr, 4);
        return true;
    }
    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)(const void *)address;
        if (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr)) {
            memcpy(ret_key, "\x00\x64\xff\x9b", 4);
            memcpy(ret_key + 4, six->sin6_addr.s6_addr + 12, 4);
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
