/* Which Internet addresses we ask where somebody else names them: a tenant whose name points
 * somewhere, a server that redirects, a provider whose policy is followed. Whoever could make us
 * ask any address would reach through us what only our own network reaches.
 *
 * Allowed are addresses that are global (lib/fetch/global_address.h), those in networks that the
 * operator named, and those in the networks of our own interfaces, where a balancer or another
 * server of ours may stand. Never for an interface's sake: 169.254.0.0/16 and fe80::/10, where
 * clouds keep what is told to the machine alone; 0.0.0.0 and ::, which lead to whoever listens
 * here; and loopback, unless one of our own listeners is bound to it.
 *
 *     CLEANUP(address_rule_cleanup)
 *     struct address_rule *rule = address_rule_new(networks.items, networks.count,
 *                                                  settings_listen_on_loopback(settings));
 *     … transfer_new(&(struct transfer_request){.rule = rule, …}) …
 *     if (result == TRANSFER_REFUSED) {
 *         return address_rule_refuse(transfer_refused_address(transfer), "mirror.addresses", e);
 *
 * Interfaces come and go: who asks for hours makes a rule anew for each look, or each minute. */
#ifndef LIB_FETCH_ADDRESS_RULE_H
#define LIB_FETCH_ADDRESS_RULE_H

#include <sys/socket.h>

#include "lib/base/error.h"
#include "lib/base/network.h"

/* Immutable: any thread may ask it. */
struct address_rule;

/* ALLOWED networks, which are copied, besides global ones and those that our interfaces have now;
 * LOOPBACK: 127.0.0.0/8 and ::1 as well (settings_listen_on_loopback()). */
struct address_rule *address_rule_new(const struct network *allowed, size_t count, bool loopback);
/* NULL is fine. */
void address_rule_free(struct address_rule *rule);
static inline void address_rule_cleanup(struct address_rule **rule)
{
    address_rule_free(*rule);
}

/* False for what is neither IPv4 nor IPv6, too. */
bool address_rule_allows(const struct address_rule *rule, const struct sockaddr *address);
/* The same for "192.0.2.1" or "2001:db8::1"; false where ADDRESS is none. */
bool address_rule_allows_text(const struct address_rule *rule, const char *address);

/* Says that ADDRESS was refused, and the OPTION that would allow it. ERROR_CONFLICT; false. */
bool address_rule_refuse(const char *address, const char *option, struct error *e);

#endif
