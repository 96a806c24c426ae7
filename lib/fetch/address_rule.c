#include "address_rule.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

#include "lib/base/memory.h"
#include "lib/fetch/global_address.h"

struct address_rule {
    struct network *allowed;
    size_t allowed_count;
    struct network *own; /* of our interfaces */
    size_t own_count;
    size_t own_capacity;
    bool loopback;
};

/* False: it is of another family. */
static bool octets_of(const struct sockaddr *address,
                      unsigned char ret_octets[NETWORK_ADDRESS_OCTETS])
{
    if (address != NULL && address->sa_family == AF_INET) {
        network_map_ipv4(&((const struct sockaddr_in *)(const void *)address)->sin_addr,
                         ret_octets);
        return true;
    }
    if (address != NULL && address->sa_family == AF_INET6) {
        memcpy(ret_octets, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr,
               NETWORK_ADDRESS_OCTETS);
        return true;
    }
    return false;
}

/* --- Our own interfaces --- */

/* How many bits of MASK are set before the first that is not; for IPv4 96 more. A mask's family may
 * be left out. */
static unsigned mask_bits(const struct ifaddrs *interface)
{
    unsigned char octets[NETWORK_ADDRESS_OCTETS];
    bool ipv4 = interface->ifa_addr->sa_family == AF_INET;
    unsigned bits = ipv4 ? NETWORK_IPV4_BITS : 0;
    if (!octets_of(interface->ifa_netmask, octets)) {
        return NETWORK_ADDRESS_BITS;
    }
    while (bits < NETWORK_ADDRESS_BITS && (octets[bits / 8] & (0x80U >> bits % 8)) != 0) {
        bits++;
    }
    return bits;
}

/* What lies at the other end of a point-to-point link is somebody else's; and "everything" is no
 * network of ours. */
static struct network network_of_interface(const struct ifaddrs *interface,
                                           const unsigned char octets[NETWORK_ADDRESS_OCTETS])
{
    unsigned bits = mask_bits(interface);
    bool alone = (interface->ifa_flags & IFF_POINTOPOINT) != 0 || bits == 0 ||
                 (network_is_ipv4(octets) && bits == NETWORK_IPV4_BITS);
    return network_of(octets, alone ? NETWORK_ADDRESS_BITS : bits);
}

static void add_own(struct address_rule *rule, const struct ifaddrs *interface)
{
    unsigned char octets[NETWORK_ADDRESS_OCTETS];
    if ((interface->ifa_flags & IFF_UP) == 0 || !octets_of(interface->ifa_addr, octets)) {
        return;
    }
    ARRAY_GROW(rule->own, rule->own_count, rule->own_capacity);
    rule->own[rule->own_count++] = network_of_interface(interface, octets);
}

/* Where the interfaces cannot be listed, none is ours. */
static void find_own(struct address_rule *rule)
{
    struct ifaddrs *interfaces = NULL;
    if (getifaddrs(&interfaces) != 0) {
        return;
    }
    for (const struct ifaddrs *at = interfaces; at != NULL; at = at->ifa_next) {
        add_own(rule, at);
    }
    freeifaddrs(interfaces);
}

/* --- The rule --- */

struct address_rule *address_rule_new(const struct network *allowed, size_t count, bool loopback)
{
    struct address_rule *rule = memory_zero(1, sizeof(*rule));
    rule->allowed = memory_zero(count, sizeof(*rule->allowed));
    if (count != 0) {
        memcpy(rule->allowed, allowed, count * sizeof(*allowed));
    }
    rule->allowed_count = count;
    rule->loopback = loopback;
    find_own(rule);
    return rule;
}

void address_rule_free(struct address_rule *rule)
{
    if (rule == NULL) {
        return;
    }
    free(rule->allowed);
    free(rule->own);
    free(rule);
}

static bool any_has(const struct network *networks, size_t count,
                    const unsigned char octets[NETWORK_ADDRESS_OCTETS])
{
    for (size_t i = 0; i < count; i++) {
        if (network_has(&networks[i], octets)) {
            return true;
        }
    }
    return false;
}

/* Networks of which no interface says whose they are. */
enum place { PLACE_ELSEWHERE, PLACE_LOOPBACK, PLACE_NEVER_OURS };

static enum place place_of(const unsigned char octets[NETWORK_ADDRESS_OCTETS])
{
    static const struct {
        const char *network;
        enum place place;
    } ROWS[] = {
        {"127.0.0.0/8", PLACE_LOOPBACK},      {"::1", PLACE_LOOPBACK},
        {"0.0.0.0/8", PLACE_NEVER_OURS},      {"::", PLACE_NEVER_OURS},
        {"169.254.0.0/16", PLACE_NEVER_OURS}, {"fe80::/10", PLACE_NEVER_OURS},
        {"224.0.0.0/4", PLACE_NEVER_OURS},    {"ff00::/8", PLACE_NEVER_OURS},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        struct network network;
        struct error e;
        if (network_parse(bytes_of(ROWS[i].network), &network, &e) &&
            network_has(&network, octets)) {
            return ROWS[i].place;
        }
    }
    return PLACE_ELSEWHERE;
}

static bool is_own(const struct address_rule *rule,
                   const unsigned char octets[NETWORK_ADDRESS_OCTETS])
{
    enum place place = place_of(octets);
    return place == PLACE_LOOPBACK
               ? rule->loopback
               : place == PLACE_ELSEWHERE && any_has(rule->own, rule->own_count, octets);
}

/* An address that carries another leads to that one; what an operator allows may be either. It is
 * not ours for it: whose translator it goes by is not known. */
static bool allows(const struct address_rule *rule,
                   const unsigned char octets[NETWORK_ADDRESS_OCTETS])
{
    unsigned char carried[NETWORK_ADDRESS_OCTETS];
    return global_address_is(octets) || is_own(rule, octets) ||
           any_has(rule->allowed, rule->allowed_count, octets) ||
           (global_address_carried(octets, carried) &&
            any_has(rule->allowed, rule->allowed_count, carried));
}

bool address_rule_allows(const struct address_rule *rule, const struct sockaddr *address)
{
    unsigned char octets[NETWORK_ADDRESS_OCTETS];
    return octets_of(address, octets) && allows(rule, octets);
}

bool address_rule_allows_text(const struct address_rule *rule, const char *address)
{
    struct in_addr four;
    unsigned char octets[NETWORK_ADDRESS_OCTETS];
    if (inet_pton(AF_INET, address, &four) == 1) {
        network_map_ipv4(&four, octets);
        return allows(rule, octets);
    }
    return inet_pton(AF_INET6, address, octets) == 1 && allows(rule, octets);
}

bool address_rule_refuse(const char *address, const char *option, struct error *e)
{
    return error_set(e, ERROR_CONFLICT,
                     "%s is not a public address; correct the DNS, or add it to %s where it is "
                     "yours",
                     address, option);
}
