#include "lib/yaml/fields.h"

#include "lib/base/shown.h"

enum {
    NAME_MAX_COMPARED = 64, /* longer names are nobody's misspelling */
    FEW_KEYS = 16,
};

static struct bytes name_bytes(const struct yaml_pair *pair)
{
    return pair->key->text;
}

/* ---- the nearest name ---- */

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* Case is not worth a difference: HTTP2 means http2. */
static bool same_letter(char a, char b)
{
    return strncasecmp(&a, &b, 1) == 0;
}

/* Whether the I-th letter of A and the one before it are the J-th of B and the one before, swapped.
 */
static bool is_swap(struct bytes a, struct bytes b, size_t i, size_t j)
{
    return i > 1 && j > 1 && same_letter(a.p[i - 1], b.p[j - 2]) &&
           same_letter(a.p[i - 2], b.p[j - 1]);
}

/* Insertions, deletions, replacements and swaps of neighbours (Damerau-Levenshtein, optimal string
 * alignment). Both at most NAME_MAX_COMPARED long. */
static size_t distance(struct bytes a, struct bytes b)
{
    size_t rows[3][NAME_MAX_COMPARED + 1];
    size_t *before = rows[0];
    size_t *last = rows[1];
    size_t *row = rows[2];
    for (size_t j = 0; j <= b.n; j++) {
        before[j] = last[j] = j;
    }
    for (size_t i = 1; i <= a.n; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t replaced = last[j - 1] + !same_letter(a.p[i - 1], b.p[j - 1]);
            size_t swapped = is_swap(a, b, i, j) ? before[j - 2] + 1 : SIZE_MAX;
            row[j] = min3(replaced, last[j] + 1, row[j - 1] + 1);
            row[j] = swapped < row[j] ? swapped : row[j];
        }
        size_t *oldest = before;
        before = last;
        last = row;
        row = oldest;
    }
    return last[b.n];
}

const char *fields_nearest(struct bytes text, const char *const *names, size_t count)
{
    if (text.n == 0 || text.n > NAME_MAX_COMPARED) {
        return NULL;
    }
    size_t limit = text.n < 6 ? 2 : text.n / 3 + 1;
    const char *nearest = NULL;
    for (size_t i = 0; i < count; i++) {
        struct bytes name = bytes_of(names[i]);
        size_t apart = name.n > NAME_MAX_COMPARED ? limit : distance(text, name);
        if (apart < limit) { /* only a nearer one takes its place */
            nearest = names[i];
            limit = apart;
        }
    }
    return nearest;
}

/* ---- mappings ---- */

static int by_key(const void *left, const void *right)
{
    const struct yaml_pair *a = *(const struct yaml_pair *const *)left;
    const struct yaml_pair *b = *(const struct yaml_pair *const *)right;
    int order = bytes_compare(name_bytes(a), name_bytes(b));
    return order != 0 ? order : (a > b) - (a < b); /* pairs of one array: as written */
}

static bool has_key_before(const struct yaml_node *mapping, size_t i)
{
    for (size_t j = 0; j < i; j++) {
        if (bytes_equal(name_bytes(&mapping->pairs[i]), name_bytes(&mapping->pairs[j]))) {
            return true;
        }
    }
    return false;
}

/* Whether a look at each pair of keys is enough: most mappings have three or four, and there are a
 * million of them. */
static bool has_few_different_keys(const struct yaml_node *mapping)
{
    if (mapping->count > FEW_KEYS) {
        return false;
    }
    for (size_t i = 1; i < mapping->count; i++) {
        if (has_key_before(mapping, i)) {
            return false;
        }
    }
    return true;
}

bool fields_check_duplicates(const struct yaml_node *mapping, struct fields_context *context)
{
    if (has_few_different_keys(mapping)) {
        return true;
    }
    CLEANUP_FREE const struct yaml_pair **sorted = memory_zero(mapping->count, sizeof(*sorted));
    for (size_t i = 0; i < mapping->count; i++) {
        sorted[i] = &mapping->pairs[i];
    }
    qsort(sorted, mapping->count, sizeof(*sorted), by_key);

    bool unique = true;
    size_t first = 0;
    for (size_t i = 1; i < mapping->count; i++) {
        if (!bytes_equal(name_bytes(sorted[first]), name_bytes(sorted[i]))) {
            first = i;
            continue;
        }
        const struct yaml_place *other = &sorted[first]->key->start;
        unique = fields_error(context, &sorted[i]->key->start,
                              "\"%s\" stands here twice, first at %u:%u; remove one of them",
                              shown(name_bytes(sorted[i])).text, other->line, other->column);
    }
    return unique;
}

static const struct field *find_field(const struct field *fields, size_t count, struct bytes key)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes_equal(bytes_of(fields[i].key), key)) {
            return &fields[i];
        }
    }
    return NULL;
}

static bool add_unknown_key(const struct yaml_node *key, const char *what,
                            const struct field *fields, size_t count,
                            struct fields_context *context)
{
    CLEANUP_FREE const char **names = memory_zero(count, sizeof(*names));
    size_t named = 0;
    for (size_t i = 0; i < count; i++) {
        if ((fields[i].flags & FIELD_HIDDEN) == 0) {
            names[named++] = fields[i].key;
        }
    }
    const char *nearest = fields_nearest(key->text, names, named);
    if (nearest != NULL) {
        return fields_error(context, &key->start, "unknown key \"%s\" in %s; did you mean \"%s\"?",
                            shown(key->text).text, what, nearest);
    }
    CLEANUP(buffer_clear) struct buffer known = BUFFER(1024);
    for (size_t i = 0; i < named; i++) {
        buffer_printf(&known, "%s%s", i != 0 ? ", " : "", names[i]);
    }
    struct bytes list = buffer_bytes(&known);
    return fields_error(context, &key->start,
                        "unknown key \"%s\" in %s; remove it (known are %.*s)",
                        shown(key->text).text, what, BYTES_ARG(list));
}

bool fields_mapping(const struct yaml_pair *pair, const char *what, struct fields_context *context)
{
    return pair->value->kind == YAML_MAPPING ||
           fields_error(context, &pair->value_place, "%s must be a mapping; write KEY: VALUE lines",
                        what);
}

bool fields_read(const struct yaml_pair *mapping, const char *what, const struct field *fields,
                 size_t count, void *target, struct fields_context *context)
{
    if (!fields_mapping(mapping, what, context)) {
        return false;
    }
    const struct yaml_node *node = mapping->value;
    bool good = fields_check_duplicates(node, context);
    for (size_t i = 0; i < node->count; i++) {
        const struct yaml_pair *pair = &node->pairs[i];
        const struct field *field = find_field(fields, count, pair->key->text);
        if (field == NULL) {
            good = add_unknown_key(pair->key, what, fields, count, context);
        } else if (!field->read(pair, target, context)) {
            good = false;
        }
    }
    for (size_t i = 0; i < count; i++) {
        bool required = (fields[i].flags & FIELD_REQUIRED) != 0;
        if (required && yaml_mapping_find(node, bytes_of(fields[i].key)) == NULL) {
            good = fields_error(context, &mapping->value_place,
                                "the key \"%s\" is missing in %s; add it", fields[i].key, what);
        }
    }
    return good;
}
