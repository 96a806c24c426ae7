#include "policy_edit_place.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "policies/files/edit_text.h"
#include "policies/files/policy_file_entry.h"

static const struct yaml_pair *find_pair(const struct yaml_node *mapping, const char *key)
{
    for (size_t i = 0; i < mapping->count; i++) {
        if (bytes_equal(mapping->pairs[i].key->text, bytes_of(key))) {
            return &mapping->pairs[i];
        }
    }
    return NULL;
}

static bool error_alias(const struct yaml_pair *pair, struct error *e)
{
    return error_at_place(e, &pair->value_place, ERROR_CONFLICT,
                          "this is shared through an alias (& and *); write it out");
}

/* --- One value in the place of another --- */

/* Whether the octets of PAIR's value are its alone, and on one line. */
static bool check_scalar(struct bytes text, const struct yaml_pair *pair, struct error *e)
{
    if (pair->value_is_alias || pair->value->anchored) {
        return error_alias(pair, e);
    }
    return !edit_is_block_scalar(text, pair->value) ||
           error_at_place(e, &pair->value_place, ERROR_CONFLICT,
                          "this is a block of text (| or >); write it on one line");
}

static bool replace_scalar(struct bytes text, const struct yaml_pair *pair, const char *value,
                           struct policy_edit_splices *splices, struct error *e)
{
    const struct yaml_node *node = pair->value;
    if (!check_scalar(text, pair, e)) {
        return false;
    }
    size_t quotes = node->plain ? 0 : 1;
    policy_edit_splice_add(splices, node->start.offset + quotes,
                           node->end.offset - node->start.offset - 2 * quotes,
                           memory_string(value));
    return true;
}

/* --- Pairs that come --- */

/* Whether the keys of a mapping whose first key is at START stand in quotes, as in JSON. */
static bool is_quoted(struct bytes text, const struct yaml_place *start)
{
    return start->offset < text.n && text.p[start->offset] == '"';
}

/* LINE (taken) is `KEY: VALUE` as it goes into MAPPING, behind its last pair. */
static bool insert_pair(struct bytes text, const struct yaml_node *mapping, char *pair,
                        struct policy_edit_splices *splices, struct error *e)
{
    CLEANUP_FREE char *owned = pair;
    if (mapping->flow) {
        const struct yaml_pair *last = &mapping->pairs[mapping->count - 1];
        policy_edit_splice_add(splices, edit_value_end(text, last), 0,
                               memory_printf(", %s", owned));
        return true;
    }
    struct edit_new_line line;
    if (!edit_new_line_find(text, mapping, "line", &line, e)) {
        return false;
    }
    policy_edit_splice_add(splices, line.offset, 0,
                           memory_printf("%.*s%.*s%s%.*s", BYTES_ARG(line.lead),
                                         BYTES_ARG(line.indentation), owned,
                                         BYTES_ARG(line.line_end)));
    return true;
}

static bool place_max_age(struct bytes text, const struct yaml_node *mapping, uint32_t max_age_s,
                          struct policy_edit_splices *splices, struct error *e)
{
    const struct yaml_pair *pair = find_pair(mapping, "max_age");
    CLEANUP_FREE char *value = memory_printf("%" PRIu32, max_age_s);
    if (pair != NULL) {
        return replace_scalar(text, pair, value, splices, e);
    }
    bool quoted = is_quoted(text, &mapping->pairs[0].key->start);
    return insert_pair(text, mapping,
                       memory_printf(quoted ? "\"max_age\": %s" : "max_age: %s", value), splices,
                       e);
}

static bool mx_is_same(const struct policy *a, const struct policy *b)
{
    CLEANUP(policy_edit_mx_clear) struct policy_edit_mx left;
    CLEANUP(policy_edit_mx_clear) struct policy_edit_mx right;
    policy_edit_mx_of(a, &left);
    policy_edit_mx_of(b, &right);
    bool same = left.count == right.count;
    for (size_t i = 0; same && i < left.count; i++) {
        same = bytes_equal(left.items[i], right.items[i]);
    }
    return same;
}

static bool place_mx(struct bytes text, const struct yaml_node *mapping,
                     const struct policy *before, const struct policy *meant,
                     struct policy_edit_splices *splices, struct error *e)
{
    const struct yaml_pair *pair = find_pair(mapping, "mx");
    if (pair != NULL) {
        return policy_edit_place_mx(text, pair, before, meant, splices, e);
    }
    bool quoted = is_quoted(text, &mapping->pairs[0].key->start);
    CLEANUP_FREE char *list = policy_edit_mx_list(meant, quoted);
    return insert_pair(text, mapping, memory_printf(quoted ? "\"mx\": %s" : "mx: %s", list),
                       splices, e);
}

bool policy_edit_place_terms(struct bytes text, const struct yaml_pair *pair,
                             const struct policy *before, const struct policy *meant,
                             struct policy_edit_splices *splices, struct error *e)
{
    const struct yaml_node *mapping = pair->value;
    if (policy_equal(before, meant)) {
        return true;
    }
    if (pair->value_is_alias) {
        return error_alias(pair, e);
    }
    const struct yaml_pair *mode = find_pair(mapping, "mode");
    return (before->mode == meant->mode ||
            replace_scalar(text, mode, policy_mode_name(meant->mode), splices, e)) &&
           (mx_is_same(before, meant) || place_mx(text, mapping, before, meant, splices, e)) &&
           (before->max_age_s == meant->max_age_s ||
            place_max_age(text, mapping, meant->max_age_s, splices, e));
}

/* --- From a shared policy to one of its own --- */

/* `SEPARATOR tlsrpt: ["…", "…"]`, or nothing. A comma of a URI's own is percent-encoded, so a bare
 * one stands between two; no URI has a quote. */
char *policy_edit_tlsrpt(struct bytes uris, const char *quote, const char *separator)
{
    CLEANUP(buffer_clear) struct buffer text = BUFFER((size_t)2 * POLICY_FILE_TLSRPT_MAX);
    if (uris.n == 0) {
        return memory_string("");
    }
    buffer_printf(&text, "%s%stlsrpt%s: [\"", separator, quote, quote);
    for (size_t i = 0; i < uris.n; i++) {
        buffer_add(&text, uris.p[i] == ',' ? BYTES("\", \"") : (struct bytes){uris.p + i, 1});
    }
    buffer_add(&text, BYTES("\"]"));
    return memory_string_of(buffer_bytes(&text));
}

char *policy_edit_terms(const struct policy *meant, struct bytes uris, bool quoted,
                        const char *separator)
{
    CLEANUP_FREE char *list = policy_edit_mx_list(meant, quoted);
    size_t cursor = 0;
    struct bytes ignored;
    bool has_mx = policy_next_mx(meant, &cursor, &ignored);
    const char *quote = quoted ? "\"" : "";
    CLEANUP_FREE char *mx =
        has_mx ? memory_printf("%smx%s: %s%s", quote, quote, list, separator) : memory_string("");
    CLEANUP_FREE char *tlsrpt = policy_edit_tlsrpt(uris, quote, separator);
    return memory_printf("%smode%s: %s%s%s%s%s%smax_age%s: %" PRIu32 "%s", quote, quote, quote,
                         policy_mode_name(meant->mode), quote, separator, mx, quote, quote,
                         meant->max_age_s, tlsrpt);
}

static bool own_for_name(struct bytes text, const struct yaml_pair *pair,
                         const struct policy *meant, struct bytes tlsrpt,
                         struct policy_edit_splices *splices, struct error *e)
{
    const struct yaml_node *node = pair->value;
    if (!check_scalar(text, pair, e)) {
        return false;
    }
    bool quoted = is_quoted(text, &pair->key->start) && is_quoted(text, &node->start);
    CLEANUP_FREE char *terms = policy_edit_terms(meant, tlsrpt, quoted, ", ");
    policy_edit_splice_add(splices, node->start.offset, node->end.offset - node->start.offset,
                           memory_printf("{%s}", terms));
    return true;
}

/* What stands before KEY on its line, where that is nothing but spaces. */
static bool find_indentation(struct bytes text, const struct yaml_place *key,
                             struct bytes *ret_indentation, struct error *e)
{
    size_t start = edit_line_start(text, key->offset);
    struct bytes indentation = {text.p + start, key->offset - start};
    for (size_t i = 0; i < indentation.n; i++) {
        if (indentation.p[i] != ' ') {
            return error_at_place(e, key, ERROR_CONFLICT,
                                  "this key does not begin its line; write each key on a line of "
                                  "its own");
        }
    }
    *ret_indentation = indentation;
    return true;
}

static bool own_for_mapping(struct bytes text, const struct yaml_pair *pair,
                            const struct policy *meant, struct bytes tlsrpt,
                            struct policy_edit_splices *splices, struct error *e)
{
    const struct yaml_node *mapping = pair->value;
    const struct yaml_pair *name = find_pair(mapping, "policy");
    if (pair->value_is_alias) {
        return error_alias(pair, e);
    }
    if (name->value_is_alias || name->value->anchored) {
        return error_alias(name, e);
    }
    CLEANUP_FREE char *separator = NULL;
    if (mapping->flow) {
        separator = memory_string(", ");
    } else {
        struct bytes indentation;
        if (!find_indentation(text, &name->key->start, &indentation, e)) {
            return false;
        }
        struct bytes line_end = edit_line_end(text, pair->key->start.offset);
        separator = memory_printf("%.*s%.*s", BYTES_ARG(line_end), BYTES_ARG(indentation));
    }
    size_t start = name->key->start.offset;
    policy_edit_splice_add(
        splices, start, edit_value_end(text, name) - start,
        policy_edit_terms(meant, tlsrpt, is_quoted(text, &name->key->start), separator));
    return true;
}

bool policy_edit_place_own(struct bytes text, const struct yaml_pair *pair,
                           const struct policy *meant, struct bytes tlsrpt,
                           struct policy_edit_splices *splices, struct error *e)
{
    return pair->value->kind == YAML_SCALAR
               ? own_for_name(text, pair, meant, tlsrpt, splices, e)
               : own_for_mapping(text, pair, meant, tlsrpt, splices, e);
}
