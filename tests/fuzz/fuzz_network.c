/* Two lines, two networks: what is written back parses as the same; a network has its own address
 * and its last one, and not the one before or after; one that is in another has no address that is
 * not. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/network.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* The last address of NETWORK. False: it is one of IPv4 at the end of a network of IPv6 (::/80,
 * say), which does not have it. */
static bool last_of(const struct network *network, unsigned char ret_octets[NETWORK_ADDRESS_OCTETS])
{
    memcpy(ret_octets, network->octets, NETWORK_ADDRESS_OCTETS);
    for (unsigned i = network->bits; i < NETWORK_ADDRESS_BITS; i++) {
        ret_octets[i / 8] |= (unsigned char)(0x80 >> i % 8);
    }
    return network_is_ipv4(ret_octets) == network_is_ipv4(network->octets);
}

/* Adds 1 or takes it away. False: there is no such address. */
static bool step(unsigned char octets[NETWORK_ADDRESS_OCTETS], int by)
{
    unsigned char turns = by > 0 ? 0xff : 0;
    for (size_t i = NETWORK_ADDRESS_OCTETS; i-- > 0;) {
        bool carries = octets[i] == turns;
        octets[i] = (unsigned char)(octets[i] + by);
        if (!carries) {
            return true;
        }
    }
    return false;
}

static void check_bounds(const struct network *network)
{
    unsigned char octets[NETWORK_ADDRESS_OCTETS];
    memcpy(octets, network->octets, sizeof(octets));
    require(network_has(network, octets));
    require(!step(octets, -1) || !network_has(network, octets));
    require(last_of(network, octets) == network_has(network, octets));
    require(!step(octets, 1) || !network_has(network, octets));
}

static bool parse(struct bytes text, struct network *ret_network)
{
    struct error e = {0};
    if (!network_parse(text, ret_network, &e)) {
        require(e.code == ERROR_SYNTAX && e.text[0] != '\0');
        return false;
    }
    struct network again;
    struct network_text written = network_format(ret_network);
    require(network_parse(bytes_of(written.text), &again, &e));
    require(memcmp(&again, ret_network, sizeof(again)) == 0);
    check_bounds(ret_network);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *end = size != 0 ? memchr(text, '\n', size) : NULL;
    size_t first = end != NULL ? (size_t)(end - text) : size;
    struct network a;
    struct network b;
    bool has_a = parse((struct bytes){text, first}, &a);
    bool has_b = end != NULL && parse((struct bytes){end + 1, size - first - 1}, &b);
    if (has_a && has_b && a.bits <= b.bits) {
        unsigned char last[NETWORK_ADDRESS_OCTETS];
        require(!last_of(&b, last) || network_has(&a, b.octets) == network_has(&a, last));
    }
    return 0;
}
