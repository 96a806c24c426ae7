#include "lib/base/network.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "shown.h"

static const unsigned char MAPPED[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

void network_map_ipv4(const void *four, unsigned char ret_octets[NETWORK_ADDRESS_OCTETS])
{
    memcpy(ret_octets, MAPPED, sizeof(MAPPED));
    memcpy(ret_octets + sizeof(MAPPED), four, sizeof(struct in_addr));
}

bool network_is_ipv4(const unsigned char octets[NETWORK_ADDRESS_OCTETS])
{
    return memcmp(octets, MAPPED, sizeof(MAPPED)) == 0;
}

struct network network_of(const unsigned char octets[NETWORK_ADDRESS_OCTETS], unsigned bits)
{
    assert(bits <= NETWORK_ADDRESS_BITS);
    struct network network = {.bits = (unsigned char)bits};
    memcpy(network.octets, octets, bits / 8);
    if (bits % 8 != 0) {
        network.octets[bits / 8] = (unsigned char)(octets[bits / 8] & (0xff00U >> bits % 8));
    }
    return network;
}

bool network_has(const struct network *network, const unsigned char octets[NETWORK_ADDRESS_OCTETS])
{
    struct network same = network_of(octets, network->bits);
    bool family = network_is_ipv4(network->octets) == network_is_ipv4(octets);
    return family && memcmp(same.octets, network->octets, sizeof(same.octets)) == 0;
}

struct network_text network_format(const struct network *network)
{
    struct network_text result;
    bool four = network_is_ipv4(network->octets);
    char address[INET6_ADDRSTRLEN];
    inet_ntop(four ? AF_INET : AF_INET6, network->octets + (four ? sizeof(MAPPED) : 0), address,
              sizeof(address));
    if (network->bits == NETWORK_ADDRESS_BITS) {
        (void)snprintf(result.text, sizeof(result.text), "%s", address);
    } else {
        (void)snprintf(result.text, sizeof(result.text), "%s/%d", address,
                       network->bits - (four ? NETWORK_IPV4_BITS : 0));
    }
    return result;
}

/* TEXT is dotted (RFC 1123 §2.1) or IPv6 (RFC 4291 §2.2). *RET_WIDTH is how many bits a prefix
 * after it may have. */
static bool parse_address(struct bytes text, unsigned char ret_octets[NETWORK_ADDRESS_OCTETS],
                          unsigned *ret_width)
{
    char copy[INET6_ADDRSTRLEN];
    if (text.n == 0 || text.n >= sizeof(copy) || memchr(text.p, '\0', text.n) != NULL) {
        return false;
    }
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    struct in_addr four;
    if (inet_pton(AF_INET, copy, &four) == 1) {
        network_map_ipv4(&four, ret_octets);
        *ret_width = NETWORK_ADDRESS_BITS - NETWORK_IPV4_BITS;
        return true;
    }
    *ret_width = NETWORK_ADDRESS_BITS;
    return inet_pton(AF_INET6, copy, ret_octets) == 1;
}

/* One to three digits, without leading zeros. */
static bool parse_bits(struct bytes text, unsigned *ret_bits)
{
    unsigned bits = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9') {
            return false;
        }
        bits = bits * 10 + (unsigned)(text.p[i] - '0');
    }
    if (text.n == 0 || text.n > 3 || (text.n > 1 && text.p[0] == '0')) {
        return false;
    }
    *ret_bits = bits;
    return true;
}

static bool refuse_address(struct bytes text, struct bytes address, struct error *e)
{
    if (address.n != 0 && memchr(address.p, '%', address.n) != NULL) {
        return error_set(e, ERROR_SYNTAX,
                         "\"%s\" has a zone after the '%%', which no network has; leave it out",
                         shown(text).text);
    }
    return error_set(e, ERROR_SYNTAX,
                     "\"%s\" is no network; write one such as \"192.0.2.0/24\" or "
                     "\"2001:db8::/32\", or an address",
                     shown(text).text);
}

static bool refuse_host_bits(struct bytes text, const unsigned char *octets, unsigned bits,
                             struct error *e)
{
    struct network meant = network_of(octets, bits);
    struct network alone = network_of(octets, NETWORK_ADDRESS_BITS);
    return error_set(e, ERROR_SYNTAX,
                     "\"%s\" has bits set past its prefix; write \"%s\" for the network, or \"%s\" "
                     "for the one address",
                     shown(text).text, network_format(&meant).text, network_format(&alone).text);
}

bool network_parse(struct bytes text, struct network *ret_network, struct error *e)
{
    const char *slash = text.n != 0 ? memchr(text.p, '/', text.n) : NULL;
    struct bytes address = {text.p, slash != NULL ? (size_t)(slash - text.p) : text.n};
    unsigned char octets[NETWORK_ADDRESS_OCTETS];
    unsigned width;
    if (!parse_address(address, octets, &width)) {
        return refuse_address(text, address, e);
    }
    unsigned bits = width;
    if (slash != NULL && (!parse_bits(bytes_skip(text, address.n + 1), &bits) || bits > width)) {
        return error_set(e, ERROR_SYNTAX,
                         "\"%s\" has no prefix of 0 to %u bits after the '/'; write one, or an "
                         "address without '/'",
                         shown(text).text, width);
    }
    bits += NETWORK_ADDRESS_BITS - width;
    struct network network = network_of(octets, bits);
    if (memcmp(network.octets, octets, sizeof(octets)) != 0) {
        return refuse_host_bits(text, octets, bits, e);
    }
    *ret_network = network;
    return true;
}
