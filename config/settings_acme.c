/* `acme:` — how certificates are ordered. */
#include "lib/base/shown.h"
#include "settings_parts.h"

enum {
    CONTACTS_MAX = 10,
    CONTACT_MAX_OCTETS = 320,
    DEFAULT_HTTP_PORT = 80,   /* RFC 8555 §8.3: the CA asks there and nowhere else … */
    DEFAULT_HTTPS_PORT = 443, /* … and RFC 8737 §3 there */
    HTTPS_PORT_UNSAID = -1,   /* until all is read */
    ORDERS_MAX = 1000000,
    DEFAULT_ORDERS = 300, /* in three hours: what Let's Encrypt gives every account */
    DEFAULT_WINDOW_S = 3 * 3600,
    WINDOW_MIN_S = 60,
    WINDOW_MAX_S = 30 * 86400,
    DEFAULT_IN_FLIGHT = 50,
    IN_FLIGHT_MAX = 1000,
    DEFAULT_FAILOVER_AFTER = 5,
    FAILOVER_AFTER_MAX = 100,
};

#define AT(member) offsetof(struct settings_acme, member)

static const char AGREE[] = "\"agree_terms\" must be true: without it no account can be made; read "
                            "the CA's terms, then write agree_terms: true";

static const char *const CHALLENGES[CHALLENGE_KINDS] = {
    [CHALLENGE_HTTP_01] = "http-01",
    [CHALLENGE_TLS_ALPN_01] = "tls-alpn-01",
    [CHALLENGE_DNS_01] = "dns-01",
};

const char *settings_challenge_name(enum settings_challenge kind)
{
    return CHALLENGES[kind];
}

/* ---- contact and terms ---- */

/* RFC 8555 §7.3: a mailto URL without hfields and with one address; RFC 6068 §2 separates addresses
 * by commas. */
static bool is_contact(struct bytes text)
{
    struct bytes scheme = BYTES("mailto:");
    struct bytes address = bytes_skip(text, scheme.n);
    if (!bytes_starts_with(text, scheme) || text.n > CONTACT_MAX_OCTETS) {
        return false;
    }
    const char *at = memchr(address.p, '@', address.n);
    if (at == NULL || at == address.p || at == address.p + address.n - 1 ||
        at != memrchr(address.p, '@', address.n)) {
        return false;
    }
    for (size_t i = 0; i < address.n; i++) {
        unsigned char c = (unsigned char)address.p[i];
        if (c <= ' ' || c >= 0x7f || strchr("?,#\"\\<>", c) != NULL) {
            return false;
        }
    }
    return true;
}

static bool add_contact(const struct yaml_node *item, void *target, struct fields_context *context)
{
    struct settings_list *contacts = target;
    if (contacts->count == CONTACTS_MAX) {
        return fields_error(context, &item->start, "more than %d contacts; remove some",
                            CONTACTS_MAX);
    }
    if (!is_contact(item->text)) {
        return fields_error(context, &item->start,
                            "\"%s\" is no contact; write \"mailto:ADDRESS\" with one address and "
                            "nothing after it",
                            shown(item->text).text);
    }
    for (size_t i = 0; i < contacts->count; i++) {
        if (bytes_equal(item->text, bytes_of(contacts->items[i]))) {
            return fields_error(context, &item->start,
                                "\"%s\" stands here twice; remove one of them",
                                shown(item->text).text);
        }
    }
    settings_list_add(contacts, memory_string_of(item->text));
    return true;
}

static bool read_agree_terms(const struct yaml_pair *pair, void *target,
                             struct fields_context *context)
{
    struct settings_acme *acme = target;
    if (!fields_bool(pair, &acme->agree_terms, context)) {
        return false;
    }
    return acme->agree_terms || fields_error(context, &pair->value_place, "%s", AGREE);
}

/* ---- challenges ---- */

static bool add_challenge(const struct yaml_node *item, void *target,
                          struct fields_context *context)
{
    struct settings_acme *acme = target;
    unsigned kind = 0;
    while (kind < CHALLENGE_KINDS && !bytes_equal(item->text, bytes_of(CHALLENGES[kind]))) {
        kind++;
    }
    if (kind == CHALLENGE_KINDS) {
        return fields_error(context, &item->start,
                            "\"%s\" is no challenge; write http-01, tls-alpn-01 or dns-01",
                            shown(item->text).text);
    }
    for (size_t i = 0; i < acme->challenge_count; i++) {
        if (acme->challenges[i] == (enum settings_challenge)kind) {
            return fields_error(context, &item->start,
                                "\"%s\" stands here twice; remove one of them",
                                shown(item->text).text);
        }
    }
    acme->challenges[acme->challenge_count++] = (enum settings_challenge)kind;
    settings_reader_of(context)->challenge_places[kind] = item->start;
    return true;
}

static bool read_challenges(const struct yaml_pair *pair, void *target,
                            struct fields_context *context)
{
    struct settings_acme *acme = target;
    if (!fields_strings(pair, add_challenge, acme, context)) {
        return false;
    }
    return acme->challenge_count != 0 ||
           fields_error(context, &pair->value_place,
                        "\"challenges\" names none; write http-01, tls-alpn-01 or dns-01");
}

static void default_challenges(struct settings_acme *acme, const struct yaml_place *place,
                               struct settings_reader *reader)
{
    acme->challenges[acme->challenge_count++] = CHALLENGE_HTTP_01;
    acme->challenges[acme->challenge_count++] = CHALLENGE_TLS_ALPN_01;
    reader->challenge_places[CHALLENGE_HTTP_01] = *place;
    reader->challenge_places[CHALLENGE_TLS_ALPN_01] = *place;
}

/* A CA that looks for http-01 elsewhere than on port 80, one of one's own, does so for tls-alpn-01.
 */
static int64_t default_https_port(const struct settings *settings)
{
    int64_t http_port = settings->acme->preflight_http_port;
    for (size_t i = 0; i < settings->https.count; i++) {
        const struct settings_listen *listen = &settings->https.items[i];
        if (listen->kind == LISTEN_TCP && http_port != 0 && http_port != DEFAULT_HTTP_PORT) {
            return listen->port;
        }
    }
    return DEFAULT_HTTPS_PORT;
}

bool settings_complete_acme(const struct settings_reader *reader, struct fields_context *context)
{
    const struct settings *settings = reader->settings;
    const struct {
        const char *key;
        bool missing;
    } NEEDS[CHALLENGE_KINDS] = {
        [CHALLENGE_HTTP_01] = {"listen.http", settings->http.count == 0},
        [CHALLENGE_TLS_ALPN_01] = {"listen.https", settings->https.count == 0},
        [CHALLENGE_DNS_01] = {"dns.hook", settings->dns_hook == NULL},
    };
    bool good = true;
    if (settings->acme != NULL && settings->acme->preflight_https_port == HTTPS_PORT_UNSAID) {
        settings->acme->preflight_https_port = default_https_port(settings);
    }
    for (size_t i = 0; settings->acme != NULL && i < settings->acme->challenge_count; i++) {
        enum settings_challenge kind = settings->acme->challenges[i];
        if (NEEDS[kind].missing) {
            good = fields_error(context, &reader->challenge_places[kind],
                                "the challenge %s needs \"%s\"; set it, or write \"challenges\" "
                                "without %s",
                                CHALLENGES[kind], NEEDS[kind].key, CHALLENGES[kind]);
        }
    }
    return good;
}

/* ---- preflight ---- */

static bool is_off(struct bytes text)
{
    return bytes_equal_nocase(text, BYTES("false")) || bytes_equal_nocase(text, BYTES("off")) ||
           bytes_equal_nocase(text, BYTES("no"));
}

static bool read_port(const struct yaml_pair *pair, void *target, struct fields_context *context)
{
    int64_t *port = target;
    struct bytes text;
    if (!fields_string(pair, &text, context)) {
        return false;
    }
    if (is_off(text)) {
        *port = 0;
        return true;
    }
    return fields_integer(pair, 1, UINT16_MAX, port, context);
}

static void set_preflight(struct settings_acme *acme, bool on)
{
    acme->preflight_dns = on;
    acme->preflight_caa = on;
    acme->preflight_http_port = on ? DEFAULT_HTTP_PORT : 0;
    acme->preflight_https_port = on ? HTTPS_PORT_UNSAID : 0;
}

static bool read_preflight(const struct yaml_pair *pair, void *target,
                           struct fields_context *context)
{
    static const struct field FIELDS[] = {
        {"http_port", read_port, .offset = AT(preflight_http_port)},
        {"https_port", read_port, .offset = AT(preflight_https_port)},
        {"dns", fields_read_bool, .offset = AT(preflight_dns)},
        {"caa", fields_read_bool, .offset = AT(preflight_caa)},
        {"addresses", settings_read_networks, .offset = AT(preflight_addresses)},
    };
    if (pair->value->kind == YAML_MAPPING) {
        return fields_read(pair, "preflight", FIELDS, ARRAY_LENGTH(FIELDS), target, context);
    }
    bool on;
    if (!fields_bool(pair, &on, context)) {
        return false;
    }
    set_preflight(target, on);
    return true;
}

/* ---- pace ---- */

static bool read_rate(const struct yaml_pair *pair, void *target, struct fields_context *context)
{
    static const struct field FIELDS[] = {
        {"orders", fields_read_integer, .offset = AT(orders), .min = 1, .max = ORDERS_MAX},
        {"window", fields_read_duration_s, .offset = AT(orders_window_s), .min = WINDOW_MIN_S,
         .max = WINDOW_MAX_S},
    };
    return fields_read(pair, "rate", FIELDS, ARRAY_LENGTH(FIELDS), target, context);
}

/* ---- the section ---- */

static struct settings_acme *new_acme(void)
{
    struct settings_acme *acme = memory_zero(1, sizeof(*acme));
    set_preflight(acme, true);
    acme->orders = DEFAULT_ORDERS;
    acme->orders_window_s = DEFAULT_WINDOW_S;
    acme->in_flight = DEFAULT_IN_FLIGHT;
    acme->failover_after = DEFAULT_FAILOVER_AFTER;
    return acme;
}

/* Defaults that are lists, and the key that is missed most often. */
static bool complete_section(const struct yaml_pair *pair, struct settings_acme *acme,
                             struct fields_context *context)
{
    if (acme->directory_count == 0) {
        settings_directories_default(acme);
    }
    if (acme->challenge_count == 0) {
        default_challenges(acme, &pair->key->start, settings_reader_of(context));
    }
    return yaml_mapping_find(pair->value, BYTES("agree_terms")) != NULL ||
           fields_error(context, &pair->key->start, "%s", AGREE);
}

bool settings_read_acme(const struct yaml_pair *pair, void *target, struct fields_context *context)
{
    static const struct field FIELDS[] = {
        {"contact", fields_read_strings, .offset = AT(contacts), .add = add_contact},
        {"agree_terms", .read = read_agree_terms},
        {"directories", .read = settings_read_directories},
        {"challenges", .read = read_challenges},
        {"preflight", .read = read_preflight},
        {"hook", settings_read_path, .offset = AT(hook)},
        {"take_over", fields_read_bool, .offset = AT(take_over)},
        {"rate", .read = read_rate},
        {"in_flight", fields_read_integer, .offset = AT(in_flight), .min = 1, .max = IN_FLIGHT_MAX},
        {"failover_after", fields_read_integer, .offset = AT(failover_after), .min = 1,
         .max = FAILOVER_AFTER_MAX},
    };
    struct settings *settings = target;
    settings_acme_free(settings->acme); /* of a second "acme", which is an error */
    settings->acme = new_acme();
    if (!fields_mapping(pair, "acme", context)) {
        return false;
    }
    bool good = fields_read(pair, "acme", FIELDS, ARRAY_LENGTH(FIELDS), settings->acme, context);
    return complete_section(pair, settings->acme, context) && good;
}

void settings_acme_free(struct settings_acme *acme)
{
    if (acme == NULL) {
        return;
    }
    settings_list_clear(&acme->contacts);
    settings_directories_free(acme);
    free(acme->hook);
    free(acme);
}
