/* `dns:` — the records that are printed, and whom to ask. */
#include <arpa/inet.h>
#include <ctype.h>

#include "lib/base/shown.h"
#include "settings_parts.h"

enum {
    TTL_MAX_S = 604800,
    RESOLVERS_MAX = 8, /* as many as lib/dns/resolver.h takes */
    NAME_MAX_OCTETS = 253,
    LABEL_MAX_OCTETS = 63,
    DNS_PORT = 53,
};

static bool read_ttl(const struct yaml_pair *pair, void *target, struct fields_context *context)
{
    return fields_duration_s(pair, 1, TTL_MAX_S, &((struct settings *)target)->dns_ttl_s, context);
}

/* Letters, digits, '-' and '_' in labels of 1 to 63, without a final dot. */
static bool is_name(struct bytes name)
{
    size_t label = 0;
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];
        bool dot = c == '.';
        if ((dot && label == 0) ||
            (!dot && (!isascii(c) || (!isalnum(c) && c != '-' && c != '_')))) {
            return false;
        }
        label = dot ? 0 : label + 1;
        if (label > LABEL_MAX_OCTETS) {
            return false;
        }
    }
    return label != 0 && name.n <= NAME_MAX_OCTETS;
}

char *settings_parse_name(struct bytes text)
{
    struct bytes bare = {text.p, text.n - bytes_ends_with(text, BYTES("."))};
    if (!is_name(bare)) {
        return NULL;
    }
    char *name = memory_string_of(bare);
    for (char *p = name; *p != '\0'; p++) {
        *p = (char)(*p >= 'A' && *p <= 'Z' ? *p | 0x20 : *p);
    }
    return name;
}

static bool read_name(const struct yaml_pair *pair, char **ret_name, struct fields_context *context)
{
    struct bytes text;
    if (!fields_string(pair, &text, context)) {
        return false;
    }
    char *name = settings_parse_name(text);
    if (name == NULL) {
        return fields_error(context, &pair->value_place,
                            "\"%s\" is no DNS name; write one such as sts.provider.example "
                            "(other alphabets as xn--…)",
                            shown(text).text);
    }
    free(*ret_name);
    *ret_name = name;
    return true;
}

static bool read_delegate(const struct yaml_pair *pair, void *target,
                          struct fields_context *context)
{
    return read_name(pair, &((struct settings *)target)->dns_delegate, context);
}

static bool read_host(const struct yaml_pair *pair, void *target, struct fields_context *context)
{
    return read_name(pair, &((struct settings *)target)->dns_host, context);
}

/* ADDRESS or ADDRESS:PORT; an IPv6 address with a port in brackets. */
static char *parse_resolver(struct bytes text)
{
    struct in6_addr address;
    CLEANUP_FREE char *bare = memory_string_of(text);
    if (inet_pton(AF_INET, bare, &address) == 1) {
        return memory_printf("%s:%d", bare, DNS_PORT);
    }
    if (inet_pton(AF_INET6, bare, &address) == 1) {
        return memory_printf("[%s]:%d", bare, DNS_PORT);
    }
    struct settings_listen listen = {0};
    if (!settings_parse_address(text, &listen)) {
        return NULL;
    }
    free(listen.host);
    return listen.port != 0 ? TAKE(bare) : NULL;
}

static bool add_resolver(const struct yaml_node *item, void *target, struct fields_context *context)
{
    struct settings_list *resolvers = target;
    if (resolvers->count == RESOLVERS_MAX) {
        return fields_error(context, &item->start, "more than %d resolvers; remove some",
                            RESOLVERS_MAX);
    }
    char *resolver = parse_resolver(item->text);
    if (resolver == NULL) {
        return fields_error(context, &item->start,
                            "\"%s\" is no resolver's address; write \"192.0.2.1\", "
                            "\"192.0.2.1:53\" or \"[2001:db8::1]:53\"",
                            shown(item->text).text);
    }
    settings_list_add(resolvers, resolver);
    return true;
}

static bool read_resolver(const struct yaml_pair *pair, void *target,
                          struct fields_context *context)
{
    return fields_strings(pair, add_resolver, &((struct settings *)target)->dns_resolvers, context);
}

static bool read_hook(const struct yaml_pair *pair, void *target, struct fields_context *context)
{
    return settings_read_path(pair, &((struct settings *)target)->dns_hook, context);
}

static bool read_update_server(const struct yaml_pair *pair, void *target,
                               struct fields_context *context)
{
    struct settings *settings = target;
    struct bytes text;
    if (!fields_string(pair, &text, context)) {
        return false;
    }
    char *server = parse_resolver(text);
    if (server == NULL) {
        return fields_error(context, &pair->value_place,
                            "\"%s\" is no DNS server's address; write \"192.0.2.53\", "
                            "\"192.0.2.53:53\" or \"[2001:db8::53]:53\"",
                            shown(text).text);
    }
    free(settings->dns_update_server);
    settings->dns_update_server = server;
    return true;
}

static bool read_update_key(const struct yaml_pair *pair, void *target,
                            struct fields_context *context)
{
    return settings_read_path(pair, &((struct settings *)target)->dns_update_key_file, context);
}

static bool read_update_zone(const struct yaml_pair *pair, void *target,
                             struct fields_context *context)
{
    return read_name(pair, &((struct settings *)target)->dns_update_zone, context);
}

static bool read_update(const struct yaml_pair *pair, void *target, struct fields_context *context)
{
    static const struct field FIELDS[] = {
        {"server", read_update_server, 0},
        {"key_file", read_update_key, FIELD_REQUIRED},
        {"zone", read_update_zone, 0},
    };
    return fields_read(pair, "dns.update", FIELDS, ARRAY_LENGTH(FIELDS), target, context);
}

bool settings_read_dns(const struct yaml_pair *pair, void *target, struct fields_context *context)
{
    static const struct field FIELDS[] = {
        {"resolver", read_resolver, 0}, {"ttl", read_ttl, 0},   {"delegate", read_delegate, 0},
        {"host", read_host, 0},         {"hook", read_hook, 0}, {"update", read_update, 0},
    };
    return fields_read(pair, "dns", FIELDS, ARRAY_LENGTH(FIELDS), target, context);
}
