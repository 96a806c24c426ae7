/* Mappings with known keys to C structs, by tables: one row per key.
 *
 *     static const struct field fields[] = {
 *         {"mode", read_mode, FIELD_REQUIRED},
 *         {"max_age", read_max_age, 0},
 *     };
 *     fields_read(node, fields, ARRAY_LENGTH(fields), &terms, &context);
 *
 * Every unknown key (with the nearest known one suggested), duplicate key (both places named),
 * missing required key and wrong type is added to the context's diagnostics; reading goes on, so
 * that one run tells everything. */
#ifndef LIB_YAML_FIELDS_H
#define LIB_YAML_FIELDS_H

#include "lib/base/buffer.h"
#include "lib/yaml/yaml.h"

struct fields_context {
    const char *file;
    struct diagnostics *diagnostics;
    void *user; /* for the readers */
};

enum {
    FIELD_REQUIRED = 1,
    FIELD_HIDDEN = 2, /* not named to whoever writes an unknown key */
};

struct field {
    const char *key;
    /* Reads PAIR's value into TARGET, or adds an error. */
    bool (*read)(const struct yaml_pair *pair, void *target, struct fields_context *context);
    unsigned flags;
};

/* False: at least one error was added. WHAT names the mapping in messages ("a policy"). */
bool fields_read(const struct yaml_pair *mapping, const char *what, const struct field *fields,
                 size_t count, void *target, struct fields_context *context);

/* Adds an error at PLACE and returns false. */
#define fields_error(context, place, ...)                                                          \
    (diagnostics_add((context)->diagnostics, SEVERITY_ERROR, (context)->file, (place)->line,       \
                     (place)->column, __VA_ARGS__),                                                \
     false)

/* Adds an error where PAIR's value is no mapping. For mappings whose keys are data. */
bool fields_mapping(const struct yaml_pair *pair, const char *what, struct fields_context *context)
    MUST_USE;

/* The one of NAMES nearest to TEXT (a Damerau-Levenshtein distance of at most a third of its
 * length, or 1; case aside), or NULL. */
const char *fields_nearest(struct bytes text, const char *const *names, size_t count);

/* Adds an error for each key of MAPPING that stands there twice, octet for octet. */
bool fields_check_duplicates(const struct yaml_node *mapping, struct fields_context *context);

/* Typed scalars. Each adds an error at the value and returns false where it is something else.
 * Numbers and words count with quotes too; no leading zeros. */
bool fields_string(const struct yaml_pair *pair, struct bytes *ret_text,
                   struct fields_context *context) MUST_USE;
bool fields_bool(const struct yaml_pair *pair, bool *ret_value, struct fields_context *context)
    MUST_USE;
bool fields_integer(const struct yaml_pair *pair, int64_t min, int64_t max, int64_t *ret_value,
                    struct fields_context *context) MUST_USE;
/* Seconds, or with s, m (or min), h, d, w: "90", "1w", "36h". One unit only. */
bool fields_duration_s(const struct yaml_pair *pair, int64_t min, int64_t max, int64_t *ret_seconds,
                       struct fields_context *context) MUST_USE;
/* The same from TEXT outside YAML. False: it is no duration. One past 64 bits is INT64_MAX. */
bool fields_parse_duration_s(struct bytes text, int64_t *ret_seconds) MUST_USE;
/* Milliseconds: as above, and "50ms"; a bare number is seconds. */
bool fields_duration_ms(const struct yaml_pair *pair, int64_t min, int64_t max, int64_t *ret_ms,
                        struct fields_context *context) MUST_USE;
/* Octets, or with K, M, G (1024). */
bool fields_size(const struct yaml_pair *pair, int64_t min, int64_t max, int64_t *ret_octets,
                 struct fields_context *context) MUST_USE;

/* Appends a value as the file has it: "90s", "5m"; "64K". */
void fields_format_duration_ms(int64_t ms, struct buffer *out);
void fields_format_size(int64_t octets, struct buffer *out);

/* One scalar or a sequence of scalars; calls ADD for each. */
bool fields_strings(const struct yaml_pair *pair,
                    bool (*add)(const struct yaml_node *item, void *target,
                                struct fields_context *context),
                    void *target, struct fields_context *context) MUST_USE;

#endif
