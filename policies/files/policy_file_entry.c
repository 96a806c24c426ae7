#include "policy_file_entry.h"

#include <ctype.h>

#include "lib/base/shown.h"
#include "policies/model/mx_pattern.h"
#include "policies/model/policy_id.h"
#include "policies/model/txt_record.h"

/* The entry at hand, as the readers of its keys fill it in. */
struct terms {
    struct policy_file_entry *entry;
    enum policy_mode mode;
    int64_t max_age_s;
    bool has_mode;      /* the key stands there */
    bool mode_is_known; /* and its value is good */
    bool has_mx;
};

static struct policy_file_reader *reader_of(const struct fields_context *context)
{
    return context->user;
}

/* glibc's macro aligns by offsets from a null pointer, which clang's sanitizer does not like. */
__attribute__((no_sanitize("pointer-overflow"))) static void *allocate(struct obstack *texts,
                                                                       size_t size)
{
    return obstack_alloc(texts, (int)size);
}

struct bytes policy_file_memory_keep(struct policy_file_memory *memory, struct bytes text)
{
    if (text.n == 0) {
        return BYTES("");
    }
    char *copy = allocate(&memory->texts, text.n);
    memcpy(copy, text.p, text.n);
    return (struct bytes){copy, text.n};
}

struct bytes policy_file_keep(struct policy_file_reader *reader, struct bytes text)
{
    return policy_file_memory_keep(reader->memory, text);
}

bool policy_file_name_normalise(struct bytes text, struct dns_name *ret_name, struct error *e)
{
    bool good = text.n >= 1 && text.n <= DNS_LABEL_MAX;
    struct dns_name name = {0};
    for (size_t i = 0; good && i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        bool inner = i > 0 && i + 1 < text.n;
        good = c < 0x80 && (isalnum(c) || (c == '-' && inner));
        name.text[i] = (char)(isupper(c) ? c | 0x20 : c);
    }
    if (!good) {
        return error_set(e, ERROR_SYNTAX,
                         "\"%s\" cannot be the name of a shared policy; use one DNS label: at most "
                         "%d letters, digits and inner hyphens",
                         shown(text).text, DNS_LABEL_MAX);
    }
    name.n = (unsigned char)text.n;
    *ret_name = name;
    return true;
}

/* --- The keys --- */

static bool read_mode(const struct yaml_pair *pair, void *target, struct fields_context *context)
{
    static const char *const names[] = {"testing", "enforce", "none"};
    struct terms *terms = target;
    struct bytes text;
    terms->has_mode = true;
    if (!fields_string(pair, &text, context)) {
        return false;
    }
    terms->mode_is_known = policy_mode_parse(text, &terms->mode);
    if (terms->mode_is_known) {
        return true;
    }
    const char *nearest = fields_nearest(text, names, ARRAY_LENGTH(names));
    if (nearest != NULL) {
        return fields_error(context, &pair->value_place,
                            "there is no mode \"%s\"; did you mean \"%s\"?", shown(text).text,
                            nearest);
    }
    return fields_error(context, &pair->value_place,
                        "there is no mode \"%s\"; write testing, enforce or none",
                        shown(text).text);
}

static bool add_mx(const struct yaml_node *item, void *target, struct fields_context *context)
{
    (void)target;
    struct policy_file_reader *reader = reader_of(context);
    if (reader->mx_count > POLICY_FILE_MX_MAX) {
        return false; /* told already */
    }
    if (reader->mx_count == POLICY_FILE_MX_MAX) {
        reader->mx_count++;
        return fields_error(context, &item->start,
                            "more than %d mx patterns; use patterns that cover more hosts, such as "
                            "\"*.mx.example.net\"",
                            POLICY_FILE_MX_MAX);
    }
    ARRAY_GROW(reader->mx, reader->mx_count, reader->mx_capacity);
    struct dns_name *pattern = &reader->mx[reader->mx_count];
    if (!mx_pattern_normalise(item->text, pattern, &reader->e)) {
        return fields_error(context, &item->start, "%s", reader->e.text);
    }
    for (size_t i = 0; i < reader->mx_count; i++) {
        if (bytes_equal(dns_name_bytes(&reader->mx[i]), dns_name_bytes(pattern))) {
            return fields_error(context, &item->start, "mx %s stands here twice; remove one",
                                pattern->text);
        }
    }
    reader->mx_count++;
    return true;
}

static bool read_mx(const struct yaml_pair *pair, void *target, struct fields_context *context)
{
    struct terms *terms = target;
    terms->has_mx =
        yaml_is_null(pair->value) || pair->value->kind != YAML_SEQUENCE || pair->value->count != 0;
    return fields_strings(pair, add_mx, terms, context);
}

static bool read_max_age(const struct yaml_pair *pair, void *target, struct fields_context *context)
{
    struct terms *terms = target;
    return fields_duration_s(pair, 0, POLICY_MAX_AGE_MAX, &terms->max_age_s, context);
}

static bool read_id(const struct yaml_pair *pair, void *target, struct fields_context *context)
{
    struct terms *terms = target;
    struct bytes text;
    if (!fields_string(pair, &text, context)) {
        return false;
    }
    if (!policy_id_is_valid(text)) {
        return fields_error(context, &pair->value_place,
                            "\"%s\" cannot be an id; use 1 to %d letters and digits, or remove it "
                            "and let bump-id write one",
                            shown(text).text, POLICY_ID_MAX);
    }
    terms->entry->id = policy_file_keep(reader_of(context), text);
    terms->entry->id_place = policy_file_place_of(&pair->value_place);
    return true;
}

static bool add_tlsrpt(const struct yaml_node *item, void *target, struct fields_context *context)
{
    (void)target;
    struct buffer *uris = &reader_of(context)->tlsrpt;
    struct error e = {0};
    if (uris->overflow) {
        return false; /* told already */
    }
    if (uris->n != 0) {
        buffer_add(uris, BYTES(","));
    }
    if (!txt_record_tlsrpt_uri(item->text, uris, &e)) {
        return fields_error(context, &item->start, "%s", e.text);
    }
    if (uris->overflow) {
        return fields_error(context, &item->start,
                            "tlsrpt is longer than %d octets; name fewer or shorter URIs",
                            POLICY_FILE_TLSRPT_MAX);
    }
    return true;
}

static bool read_tlsrpt(const struct yaml_pair *pair, void *target, struct fields_context *context)
{
    struct terms *terms = target;
    struct policy_file_reader *reader = reader_of(context);
    buffer_reset(&reader->tlsrpt);
    if (!fields_strings(pair, add_tlsrpt, terms, context)) {
        return false;
    }
    if (reader->tlsrpt.n == 0) {
        return fields_error(context, &pair->value_place,
                            "tlsrpt is empty; name a mailto: or https: URI, or remove it");
    }
    terms->entry->tlsrpt = policy_file_keep(reader, buffer_bytes(&reader->tlsrpt));
    return true;
}

static bool set_shared(const struct yaml_pair *pair, struct bytes text,
                       struct policy_file_entry *entry, struct fields_context *context)
{
    struct dns_name name;
    struct error e = {0};
    if (!policy_file_name_normalise(text, &name, &e)) {
        return fields_error(context, &pair->value_place, "%s", e.text);
    }
    entry->shared = policy_file_keep(reader_of(context), dns_name_bytes(&name));
    entry->shared_place = policy_file_place_of(&pair->value_place);
    return true;
}

static bool read_shared(const struct yaml_pair *pair, void *target, struct fields_context *context)
{
    struct terms *terms = target;
    struct bytes text;
    return fields_string(pair, &text, context) && set_shared(pair, text, terms->entry, context);
}

static bool read_mirror(const struct yaml_pair *pair, void *target, struct fields_context *context)
{
    return policy_file_read_mirror(pair, ((struct terms *)target)->entry, context);
}

/* --- The entries --- */

/* A shared policy has the first of these, a domain all but the first. */
static const struct field keys[] = {
    {"mirror", read_mirror, 0}, {"mode", read_mode, 0},
    {"mx", read_mx, 0},         {"max_age", read_max_age, 0},
    {"id", read_id, 0},         {"tlsrpt", read_tlsrpt, 0},
    {"policy", read_shared, 0}, {"mirror", policy_file_refuse_mirror, FIELD_HIDDEN},
};
enum { SHARED_KEYS = 6, DOMAIN_FIRST = 1, DOMAIN_KEYS = 7, OWN_FIRST = 1, OWN_KEYS = 4 };

/* The keys that ENTRY's mapping has are read; is there enough for a policy of its own? */
static bool terms_are_complete(const struct terms *terms, const struct yaml_pair *pair,
                               const char *what, struct fields_context *context)
{
    const struct policy_file_entry *entry = terms->entry;
    if (!terms->has_mode) {
        return fields_error(context, &pair->key->start,
                            "%s %.*s has no mode; add \"mode: testing\" (or enforce, or none)%s",
                            what, BYTES_ARG(entry->name),
                            strcmp(what, "domain") == 0 ? ", or name a shared policy" : "");
    }
    if (!terms->has_mx && terms->mode_is_known && terms->mode != POLICY_NONE) {
        bool enforce = terms->mode == POLICY_ENFORCE;
        return fields_error(context, &pair->key->start,
                            "%s %.*s has mode %s and no mx%s; list its MX hosts as mx", what,
                            BYTES_ARG(entry->name), policy_mode_name(terms->mode),
                            enforce ? ", which would hold back all its mail" : "");
    }
    return true;
}

static void make_policy(const struct terms *terms, const struct yaml_pair *pair, const char *what,
                        struct policy_file_reader *reader)
{
    const struct policy_terms policy = {
        .mode = terms->mode,
        .max_age_s = (uint32_t)terms->max_age_s,
        .mx = reader->mx,
        .mx_count = reader->mx_count,
    };
    if (reader->bodies > POLICY_FILE_BODIES_MAX) {
        return; /* told already */
    }
    if (!policy_new(&policy, &terms->entry->policy, &reader->e)) {
        (void)fields_error(&reader->fields, &pair->key->start, "%s %.*s: %s", what,
                           BYTES_ARG(terms->entry->name), reader->e.text);
        return;
    }
    reader->bodies += terms->entry->policy->body_length;
    if (reader->bodies > POLICY_FILE_BODIES_MAX) {
        (void)fields_error(&reader->fields, &pair->key->start,
                           "the policies of this file have more than %d octets together; name "
                           "shared policies instead of aliases (*), or split the file",
                           POLICY_FILE_BODIES_MAX);
    }
}

/* Reads the mapping PAIR, and makes the policy unless it names another. */
static void read_terms(const struct yaml_pair *pair, bool is_domain,
                       struct policy_file_reader *reader, struct policy_file_entry *entry)
{
    struct terms terms = {.entry = entry, .max_age_s = reader->defaults->max_age_s};
    const char *what = is_domain ? "domain" : "policy";
    reader->mx_count = 0;
    bool good = is_domain ? fields_read(pair, "a domain", keys + DOMAIN_FIRST, DOMAIN_KEYS, &terms,
                                        &reader->fields)
                          : fields_read(pair, "a shared policy", keys, SHARED_KEYS, &terms,
                                        &reader->fields);
    if (yaml_mapping_find(pair->value, BYTES("mirror")) != NULL) {
        if (!is_domain) {
            policy_file_complete_mirror(pair, terms.mode_is_known ? terms.mode : POLICY_ENFORCE,
                                        reader, entry);
        }
        return;
    }
    if (yaml_mapping_find(pair->value, BYTES("policy")) != NULL) {
        return;
    }
    if (terms_are_complete(&terms, pair, what, &reader->fields) && good) {
        make_policy(&terms, pair, what, reader);
    }
}

void policy_file_read_policy(const struct yaml_pair *pair, struct policy_file_reader *reader,
                             struct policy_file_entry *entry)
{
    if (pair->value->kind != YAML_MAPPING) {
        (void)fields_error(&reader->fields, &pair->key->start,
                           "policy %.*s is not a mapping; write its mode and mx below",
                           BYTES_ARG(entry->name));
        return;
    }
    read_terms(pair, false, reader, entry);
}

static bool is_own_term(struct bytes key)
{
    for (size_t i = 0; i < OWN_KEYS; i++) {
        if (bytes_equal(key, bytes_of(keys[OWN_FIRST + i].key))) {
            return true;
        }
    }
    return false;
}

/* A domain that names a shared policy has no terms of its own beside it. */
static void refuse_own_terms(const struct yaml_node *mapping, struct policy_file_reader *reader,
                             const struct policy_file_entry *entry)
{
    for (size_t i = 0; i < mapping->count; i++) {
        const struct yaml_node *key = mapping->pairs[i].key;
        if (is_own_term(key->text)) {
            (void)fields_error(&reader->fields, &key->start,
                               "domain %.*s names a shared policy and has %.*s of its own; remove "
                               "one of them",
                               BYTES_ARG(entry->name), BYTES_ARG(key->text));
        }
    }
}

void policy_file_read_domain(const struct yaml_pair *pair, struct policy_file_reader *reader,
                             struct policy_file_entry *entry)
{
    const struct yaml_node *value = pair->value;
    if (yaml_is_null(value)) {
        (void)fields_error(
            &reader->fields, &pair->key->start,
            "domain %.*s has no policy; name a shared one, or write its mode and mx below",
            BYTES_ARG(entry->name));
        return;
    }
    if (value->kind == YAML_SCALAR) {
        (void)set_shared(pair, value->text, entry, &reader->fields);
        return;
    }
    if (value->kind != YAML_MAPPING) {
        (void)fields_error(&reader->fields, &pair->value_place,
                           "domain %.*s has a list; name one shared policy, or write its mode and "
                           "mx below",
                           BYTES_ARG(entry->name));
        return;
    }
    read_terms(pair, true, reader, entry);
    if (yaml_mapping_find(value, BYTES("policy")) != NULL) {
        refuse_own_terms(value, reader, entry);
    }
}
