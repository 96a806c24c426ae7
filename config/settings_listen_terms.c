/* `listen:` — a place to listen that has terms of its own:
 *
 *     https: [{address: "[::]:443", proxy: {from: ["192.0.2.0/24"]}}] */
#include "lib/base/shown.h"
#include "settings_parts.h"

enum { GROUP_MAX = 256 };

/* A mapping as it is read. */
struct place {
    struct settings_listens *listens; /* what it is added to */
    struct settings_listen_terms terms;
    bool terms_of_unix; /* a key that is for Unix sockets alone stood there */
};

static void place_clear(struct place *place)
{
    free(place->terms.group);
}

/* Everybody is in it: whoever connects says who he is. */
static void warn_of_all(const struct settings_networks *networks, const struct yaml_pair *pair,
                        struct fields_context *context)
{
    for (size_t i = 0; i < networks->count; i++) {
        unsigned bits = networks->items[i].bits;
        if (bits == 0 ||
            (bits == NETWORK_IPV4_BITS && network_is_ipv4(networks->items[i].octets))) {
            diagnostics_add(context->diagnostics, SEVERITY_WARNING, context->file,
                            pair->value_place.line, pair->value_place.column,
                            "%s is everybody: any client may claim any address; name the networks "
                            "of your proxies",
                            network_format(&networks->items[i]).text);
        }
    }
}

static bool read_proxy(const struct yaml_pair *pair, void *target, struct fields_context *context)
{
    static const struct field FIELDS[] = {
        {"from", settings_read_networks,
         .offset = offsetof(struct settings_listen_terms, proxy_from)},
    };
    struct settings_listen_terms *terms = &((struct place *)target)->terms;
    if (pair->value->kind != YAML_MAPPING) {
        return fields_bool(pair, &terms->proxy, context);
    }
    terms->proxy = true;
    if (!fields_read(pair, "proxy", FIELDS, ARRAY_LENGTH(FIELDS), terms, context)) {
        return false;
    }
    warn_of_all(&terms->proxy_from, pair, context);
    return true;
}

static bool read_forwarded_field(const struct yaml_pair *pair, void *target,
                                 struct fields_context *context)
{
    struct settings_listen_terms *terms = target;
    struct bytes word;
    if (!fields_string(pair, &word, context)) {
        return false;
    }
    bool usual = bytes_equal_nocase(word, BYTES("x-forwarded-for"));
    terms->forwarded = usual ? FORWARDED_X_FORWARDED_FOR : FORWARDED_FORWARDED;
    return usual || bytes_equal_nocase(word, BYTES("forwarded")) ||
           fields_error(context, &pair->value_place,
                        "\"%s\" is no field that is read; write x-forwarded-for or forwarded",
                        shown(word).text);
}

static bool read_forwarded(const struct yaml_pair *pair, void *target,
                           struct fields_context *context)
{
    static const struct field FIELDS[] = {
        {"from", settings_read_networks,
         .offset = offsetof(struct settings_listen_terms, forwarded_from)},
        {"field", .read = read_forwarded_field},
    };
    struct settings_listen_terms *terms = &((struct place *)target)->terms;
    terms->forwarded = FORWARDED_X_FORWARDED_FOR;
    if (pair->value->kind != YAML_MAPPING) {
        bool on = false;
        bool good = fields_bool(pair, &on, context);
        terms->forwarded = on ? terms->forwarded : FORWARDED_NOT;
        return good;
    }
    if (!fields_read(pair, "forwarded", FIELDS, ARRAY_LENGTH(FIELDS), terms, context)) {
        return false;
    }
    warn_of_all(&terms->forwarded_from, pair, context);
    return true;
}

static bool read_group(const struct yaml_pair *pair, void *target, struct fields_context *context)
{
    struct place *place = target;
    place->terms_of_unix = true;
    return settings_read_text(pair, &place->terms.group, context);
}

/* As chmod(1) has it. */
static bool read_mode(const struct yaml_pair *pair, void *target, struct fields_context *context)
{
    struct place *place = target;
    struct bytes text;
    int64_t mode = 0;
    if (!fields_string(pair, &text, context)) {
        return false;
    }
    bool octal = text.n == 3 || (text.n == 4 && text.p[0] == '0');
    for (size_t i = 0; i < text.n && octal; i++) {
        octal = text.p[i] >= '0' && text.p[i] <= '7';
        mode = mode * 8 + (text.p[i] - '0');
    }
    place->terms_of_unix = true;
    place->terms.mode = mode;
    return (octal && (mode & 0600) == 0600 && (mode & 0111) == 0) ||
           fields_error(context, &pair->value_place,
                        "\"%s\" is no mode of a socket; write 0600, 0660 or 0666",
                        shown(text).text);
}

/* One for all of `http`: which socket a token is asked for on makes no difference to a CA. */
static bool read_webroot(const struct yaml_pair *pair, void *target, struct fields_context *context)
{
    struct place *place = target;
    struct settings *settings = settings_reader_of(context)->settings;
    CLEANUP_FREE char *before = TAKE(settings->webroot);
    if (place->listens != &settings->http) {
        return fields_error(context, &pair->value_place,
                            "webroot is for http: a CA asks for tokens on port 80");
    }
    return settings_read_path(pair, &settings->webroot, context) &&
           (before == NULL || strcmp(before, settings->webroot) == 0 ||
            fields_error(context, &pair->value_place,
                         "another webroot stands here already; write one for all of http"));
}

static bool check_one(const struct place *place, const struct settings_listen *listen,
                      const struct yaml_place *where, struct fields_context *context)
{
    const struct settings_listen_terms *terms = &place->terms;
    bool open = listen->kind == LISTEN_TCP;
    if (place->terms_of_unix && listen->kind != LISTEN_UNIX) {
        return fields_error(context, where, "group and mode are for \"unix:PATH\"; \"%s\" has none",
                            listen->text);
    }
    if (terms->proxy && terms->proxy_from.count == 0 && open) {
        return fields_error(context, where,
                            "whose headers are believed on \"%s\"? Write proxy: {from: [NETWORK]}",
                            listen->text);
    }
    if (terms->forwarded != FORWARDED_NOT && terms->forwarded_from.count == 0 && open) {
        return fields_error(context, where,
                            "whose word is believed on \"%s\"? Write forwarded: {from: [NETWORK]}",
                            listen->text);
    }
    return true;
}

/* The terms of those that were added from FIRST on. */
static bool set_terms(const struct place *place, size_t first, const struct yaml_place *where,
                      struct fields_context *context)
{
    const struct settings *settings = settings_reader_of(context)->settings;
    if (place->terms.forwarded != FORWARDED_NOT && place->listens != &settings->plain) {
        return fields_error(context, where,
                            "forwarded is for plain; behind a proxy that passes TLS on, write "
                            "proxy");
    }
    for (size_t i = first; i < place->listens->count; i++) {
        struct settings_listen *listen = &place->listens->items[i];
        if (!check_one(place, listen, where, context)) {
            return false;
        }
        listen->terms = place->terms;
        listen->terms.group = memory_string_or_null(place->terms.group);
    }
    return true;
}

static bool read_address(const struct yaml_pair *pair, void *target, struct fields_context *context)
{
    return fields_strings(pair, settings_add_listen, ((struct place *)target)->listens, context);
}

static bool read_place(const struct yaml_pair *pair, struct settings_listens *listens,
                       struct fields_context *context)
{
    static const struct field FIELDS[] = {
        {"address", .read = read_address, .flags = FIELD_REQUIRED},
        {"proxy", .read = read_proxy},
        {"forwarded", .read = read_forwarded},
        {"group", read_group, .max = GROUP_MAX},
        {"mode", .read = read_mode},
        {"webroot", .read = read_webroot},
    };
    size_t first = listens->count;
    CLEANUP(place_clear) struct place place = {.listens = listens};
    return fields_read(pair, "a place to listen", FIELDS, ARRAY_LENGTH(FIELDS), &place, context) &&
           set_terms(&place, first, &pair->value_place, context);
}

bool settings_read_listens(const struct yaml_pair *pair, void *target,
                           struct fields_context *context)
{
    bool good = true;
    if (pair->value->kind == YAML_MAPPING) {
        return read_place(pair, target, context);
    }
    if (pair->value->kind != YAML_SEQUENCE) {
        return fields_strings(pair, settings_add_listen, target, context);
    }
    for (size_t i = 0; i < pair->value->count; i++) {
        struct yaml_node *item = pair->value->items[i];
        struct yaml_pair of_item = *pair;
        of_item.value = item;
        of_item.value_place = item->start;
        good = (item->kind == YAML_MAPPING
                    ? read_place(&of_item, target, context)
                    : fields_strings(&of_item, settings_add_listen, target, context)) &&
               good;
    }
    return good;
}

static bool networks_equal(const struct settings_networks *a, const struct settings_networks *b)
{
    return a->count == b->count && memcmp(a->items, b->items, a->count * sizeof(a->items[0])) == 0;
}

bool settings_terms_equal(const struct settings_listen_terms *a,
                          const struct settings_listen_terms *b)
{
    return a->proxy == b->proxy && a->forwarded == b->forwarded && a->mode == b->mode &&
           networks_equal(&a->proxy_from, &b->proxy_from) &&
           networks_equal(&a->forwarded_from, &b->forwarded_from) &&
           (a->group == NULL || b->group == NULL ? a->group == b->group
                                                 : strcmp(a->group, b->group) == 0);
}
