/* Which changes of the main configuration a running server cannot take over. */
#include "lib/base/buffer.h"
#include "settings_parts.h"

enum kind { LIST, LISTENS, TEXT, NUMBER, FLAG, FORMAT, NETWORKS, ACME };

static bool texts_differ(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a != b : strcmp(a, b) != 0;
}

static bool lists_differ(const struct settings_list *a, const struct settings_list *b)
{
    bool differ = a->count != b->count;
    for (size_t i = 0; !differ && i < a->count; i++) {
        differ = texts_differ(a->items[i], b->items[i]);
    }
    return differ;
}

static bool listens_differ(const struct settings_listens *a, const struct settings_listens *b)
{
    bool differ = a->count != b->count;
    for (size_t i = 0; !differ && i < a->count; i++) {
        const struct settings_listen *one = &a->items[i];
        const struct settings_listen *other = &b->items[i];
        differ = one->kind != other->kind || one->port != other->port ||
                 texts_differ(one->host, other->host) ||
                 !settings_terms_equal(&one->terms, &other->terms);
    }
    return differ;
}

static bool networks_differ(const struct settings_networks *a, const struct settings_networks *b)
{
    return a->count != b->count || memcmp(a->items, b->items, a->count * sizeof(a->items[0])) != 0;
}

static bool acmes_differ(const struct settings_acme *a, const struct settings_acme *b);

static bool differ(enum kind kind, const void *a, const void *b)
{
    switch (kind) {
    case LIST:
        return lists_differ(a, b);
    case LISTENS:
        return listens_differ(a, b);
    case TEXT:
        return texts_differ(*(char *const *)a, *(char *const *)b);
    case NUMBER:
        return *(const int64_t *)a != *(const int64_t *)b;
    case FLAG:
        return *(const bool *)a != *(const bool *)b;
    case FORMAT:
        return *(const enum settings_access_log *)a != *(const enum settings_access_log *)b;
    case NETWORKS:
        return networks_differ(a, b);
    case ACME:
        return acmes_differ(*(struct settings_acme *const *)a, *(struct settings_acme *const *)b);
    }
    return false;
}

struct member {
    enum kind kind;
    size_t offset;
};

static bool members_differ(const struct member *members, size_t count, const void *a, const void *b)
{
    for (size_t i = 0; i < count; i++) {
        const char *one = (const char *)a + members[i].offset;
        const char *other = (const char *)b + members[i].offset;
        if (differ(members[i].kind, one, other)) {
            return true;
        }
    }
    return false;
}

static bool directories_differ(const struct settings_directory *a,
                               const struct settings_directory *b)
{
#define AT(member) offsetof(struct settings_directory, member)
    static const struct member MEMBERS[] = {
        {TEXT, AT(name)},
        {TEXT, AT(url)},
        {TEXT, AT(trust)},
        {TEXT, AT(eab_kid)},
        {TEXT, AT(eab_key_file)},
        {TEXT, AT(profile)},
        {FLAG, AT(profile_required)},
        {TEXT, AT(preferred_chain)},
        {LIST, AT(caa)},
    };
#undef AT
    return members_differ(MEMBERS, ARRAY_LENGTH(MEMBERS), a, b);
}

static bool acmes_differ(const struct settings_acme *a, const struct settings_acme *b)
{
#define AT(member) offsetof(struct settings_acme, member)
    static const struct member MEMBERS[] = {
        {FLAG, AT(agree_terms)},
        {LIST, AT(contacts)},
        {TEXT, AT(hook)},
        {FLAG, AT(preflight_dns)},
        {FLAG, AT(preflight_caa)},
        {NUMBER, AT(preflight_http_port)},
        {NUMBER, AT(preflight_https_port)},
        {NETWORKS, AT(preflight_addresses)},
        {FLAG, AT(take_over)},
        {NUMBER, AT(orders)},
        {NUMBER, AT(orders_window_s)},
        {NUMBER, AT(in_flight)},
        {NUMBER, AT(failover_after)},
    };
#undef AT
    if (a == NULL || b == NULL) {
        return a != b;
    }
    bool differ = a->directory_count != b->directory_count ||
                  a->challenge_count != b->challenge_count ||
                  members_differ(MEMBERS, ARRAY_LENGTH(MEMBERS), a, b);
    for (size_t i = 0; !differ && i < a->directory_count; i++) {
        differ = directories_differ(&a->directories[i], &b->directories[i]);
    }
    for (size_t i = 0; !differ && i < a->challenge_count; i++) {
        differ = a->challenges[i] != b->challenges[i];
    }
    return differ;
}

#define AT(member) offsetof(struct settings, member)

void settings_restart_needed(const struct settings *a, const struct settings *b,
                             struct buffer *names)
{
    /* Rows of one key stand together. */
    static const struct {
        const char *key;
        enum kind kind;
        size_t offset;
    } ROWS[] = {
        {"policies", LIST, AT(policies)},
        {"certificates", LIST, AT(certificates)},
        {"listen", LISTENS, AT(https)},
        {"listen", LISTENS, AT(http)},
        {"listen", LISTENS, AT(plain)},
        {"listen", LISTENS, AT(admin.listens)},
        {"listen", NETWORKS, AT(admin.from)},
        {"listen", LIST, AT(admin.hosts)},
        {"listen", TEXT, AT(health_path)},
        {"listen", TEXT, AT(webroot)},
        {"state", TEXT, AT(state)},
        {"control", TEXT, AT(control)},
        {"control", TEXT, AT(control_group)},
        {"control", TEXT, AT(panel_group)},
        {"panel", TEXT, AT(panel)},
        {"user", TEXT, AT(user)},
        {"workers", NUMBER, AT(workers)},
        {"http2", FLAG, AT(http2)},
        {"session_tickets", FLAG, AT(session_tickets)},
        {"snapshot", FLAG, AT(snapshot)},
        {"core_dumps", FLAG, AT(core_dumps)},
        {"root", TEXT, AT(root_text)},
        {"access_log", FORMAT, AT(access_log)},
        {"access_log", TEXT, AT(access_log_file)},
        {"acme", ACME, AT(acme)},
        {"dns.resolver", LIST, AT(dns_resolvers)},
        {"dns.hook", TEXT, AT(dns_hook)},
        {"limits.certificate_cache", NUMBER, AT(limits.certificate_cache)},
    };
    const char *last = "";
    bool first = true;
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        const char *one = (const char *)a + ROWS[i].offset;
        const char *other = (const char *)b + ROWS[i].offset;
        if (strcmp(last, ROWS[i].key) != 0 && differ(ROWS[i].kind, one, other)) {
            buffer_printf(names, "%s%s", first ? "" : ", ", ROWS[i].key);
            last = ROWS[i].key;
            first = false;
        }
    }
}
