#include "target.h"

#include <arpa/inet.h>

#include "lib/base/rcu_table.h"
#include "policies/model/policy.h"

enum { PORT_DIGITS_MAX = 5 };

/* RFC 3986 §3.2.3: digits, perhaps none. */
static bool is_port(struct bytes text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9') {
            return false;
        }
    }
    return text.n <= PORT_DIGITS_MAX;
}

/* RFC 3986 §3.2.2: "[" IPv6 or later "]". No name of ours is one, so it need only be told from what
 * is no host at all. */
static bool parse_literal(struct bytes text, struct dns_name *ret_name)
{
    static const char ALLOWED[] = "0123456789abcdef:.v";
    if (text.n < 4 || text.n > DNS_NAME_MAX || text.p[text.n - 1] != ']') {
        return false;
    }
    struct dns_name name = {.n = (unsigned char)text.n};
    for (size_t i = 0; i < text.n; i++) {
        name.text[i] = (char)(text.p[i] >= 'A' && text.p[i] <= 'Z' ? text.p[i] + 32 : text.p[i]);
    }
    if (strspn(name.text + 1, ALLOWED) != text.n - 2) {
        return false;
    }
    *ret_name = name;
    return true;
}

bool target_parse_host(struct bytes authority, struct dns_name *ret_host)
{
    struct bytes host = authority;
    const char *bracket = host.n != 0 ? memrchr(host.p, ']', host.n) : NULL;
    const char *colon = host.n != 0 ? memrchr(host.p, ':', host.n) : NULL;
    if (colon != NULL && (bracket == NULL || colon > bracket)) {
        host.n = (size_t)(colon - host.p);
        if (!is_port(bytes_skip(authority, host.n + 1))) {
            return false;
        }
    }
    return host.n != 0 && host.p[0] == '[' ? parse_literal(host, ret_host)
                                           : dns_name_fold(host, ret_host);
}

static bool skip_prefix_nocase(struct bytes *text, struct bytes prefix)
{
    if (text->n < prefix.n || !bytes_equal_nocase((struct bytes){text->p, prefix.n}, prefix)) {
        return false;
    }
    *text = bytes_skip(*text, prefix.n);
    return true;
}

bool target_parse(struct bytes request_target, struct bytes authority, struct target *ret_target)
{
    struct target target = {.path = request_target};
    if (skip_prefix_nocase(&target.path, BYTES("https://")) ||
        skip_prefix_nocase(&target.path, BYTES("http://"))) {
        authority.p = target.path.p;
        authority.n = 0;
        while (authority.n < target.path.n && strchr("/?#", authority.p[authority.n]) == NULL) {
            authority.n++;
        }
        target.path = bytes_skip(target.path, authority.n);
    }
    /* RFC 9112 §3.2: a fragment is never sent. */
    if (authority.p == NULL || !target_parse_host(authority, &target.host) ||
        (target.path.n != 0 && memchr(target.path.p, '#', target.path.n) != NULL)) {
        return false;
    }
    const char *query = target.path.n != 0 ? memchr(target.path.p, '?', target.path.n) : NULL;
    if (query != NULL) {
        target.query = bytes_skip(target.path, (size_t)(query - target.path.p));
        target.path.n -= target.query.n;
    }
    if (target.path.n == 0) {
        target.path = BYTES("/"); /* RFC 9112 §3.2.2: an empty path is the root */
    }
    /* RFC 9112 §3.2: anything else would run into the host where a URL is made of the two. */
    if (target.path.p[0] != '/' && !bytes_equal(target.path, BYTES("*"))) {
        return false;
    }
    *ret_target = target;
    return true;
}

bool target_is_address(const struct dns_name *host)
{
    char text[DNS_NAME_MAX + 1];
    struct in6_addr address;
    bool six = host->n > 2 && host->text[0] == '[';
    size_t n = six ? host->n - 2U : host->n;
    memcpy(text, host->text + six, n);
    text[n] = '\0';
    return strlen(text) == n && inet_pton(six ? AF_INET6 : AF_INET, text, &address) == 1;
}

struct bytes target_policy_domain(const struct dns_name *host)
{
    struct bytes name = dns_name_bytes(host);
    struct bytes prefix = BYTES(POLICY_HOST_PREFIX);
    return bytes_starts_with(name, prefix) ? bytes_skip(name, prefix.n) : (struct bytes){"", 0};
}

bool target_is_served(const struct policy_index *policies, const struct dns_name *host)
{
    rcu_read_begin();
    bool served = policy_index_find(policies, target_policy_domain(host)) != NULL;
    rcu_read_end();
    return served;
}
