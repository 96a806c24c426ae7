#include "forwarded.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "lib/base/memory.h"
#include "server/engine/address_book.h"

/* The last of VALUE's elements, which commas separate; VALUE is what stands before it. A comma
 * within quotes cuts, too: what is left of such an element is no address. */
static struct bytes take_last(struct bytes *value)
{
    const char *comma = memrchr(value->p, ',', value->n);
    size_t before = comma != NULL ? (size_t)(comma - value->p) : 0;
    struct bytes last = bytes_skip(*value, comma != NULL ? before + 1 : 0);
    value->n = before;
    return bytes_trim(last);
}

static struct bytes unquoted(struct bytes text)
{
    bool quoted = text.n >= 2 && text.p[0] == '"' && text.p[text.n - 1] == '"';
    return quoted ? (struct bytes){text.p + 1, text.n - 2} : text;
}

/* RFC 7239 §4: pairs that semicolons separate; `for` in any case. p is NULL where there is none. */
static struct bytes for_of(struct bytes element)
{
    static const struct bytes NAME = {"for=", 4};
    while (element.n != 0) {
        const char *end = memchr(element.p, ';', element.n);
        size_t n = end != NULL ? (size_t)(end - element.p) : element.n;
        struct bytes pair = bytes_trim((struct bytes){element.p, n});
        if (pair.n >= NAME.n && bytes_equal_nocase((struct bytes){pair.p, NAME.n}, NAME)) {
            return unquoted(bytes_skip(pair, NAME.n));
        }
        element = bytes_skip(element, n + 1);
    }
    return (struct bytes){0};
}

/* "192.0.2.1", "192.0.2.1:4711", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:4711". */
static struct bytes without_port(struct bytes node)
{
    if (node.n != 0 && node.p[0] == '[') {
        const char *end = memchr(node.p, ']', node.n);
        return end != NULL ? (struct bytes){node.p + 1, (size_t)(end - node.p) - 1}
                           : (struct bytes){0};
    }
    const char *colon = memchr(node.p, ':', node.n);
    bool is_port = colon != NULL && memrchr(node.p, ':', node.n) == colon;
    return is_port ? (struct bytes){node.p, (size_t)(colon - node.p)} : node;
}

static bool parse_node(struct bytes node, struct sockaddr_storage *ret_client)
{
    struct sockaddr_in *four = (struct sockaddr_in *)(void *)ret_client;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)(void *)ret_client;
    char text[INET6_ADDRSTRLEN];
    struct bytes address = node.n != 0 ? without_port(node) : node;
    if (address.n == 0 || address.n >= sizeof(text) || memchr(address.p, '\0', address.n) != NULL) {
        return false;
    }
    memcpy(text, address.p, address.n);
    text[address.n] = '\0';
    *ret_client = (struct sockaddr_storage){0};
    if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
        ret_client->ss_family = AF_INET;
    } else if (inet_pton(AF_INET6, text, &six->sin6_addr) == 1) {
        ret_client->ss_family = AF_INET6;
    }
    return ret_client->ss_family != AF_UNSPEC;
}

bool forwarded_client(enum settings_forwarded field, struct bytes value,
                      const struct settings_networks *from, struct sockaddr_storage *ret_client)
{
    bool known = false;
    bool is_proxy = true;
    struct sockaddr_storage client;
    while (value.n != 0 && is_proxy) {
        struct bytes element = take_last(&value);
        struct bytes node = field == FORWARDED_FORWARDED ? for_of(element) : element;
        if (!parse_node(node, &client)) {
            return false;
        }
        known = true;
        is_proxy = address_is_in(from, (const struct sockaddr *)&client);
    }
    if (known) {
        *ret_client = client;
    }
    return known;
}
