/* The typed scalars of lib/yaml/fields.h. */
#include <inttypes.h>
#include <stdio.h>

#include "lib/base/shown.h"
#include "lib/yaml/fields.h"

bool fields_string(const struct yaml_pair *pair, struct bytes *ret_text,
                   struct fields_context *context)
{
    const struct yaml_node *value = pair->value;
    if (value->kind != YAML_SCALAR) {
        return fields_error(context, &pair->value_place,
                            "\"%s\" must be one value, not a %s; write it after the ':'",
                            shown(pair->key->text).text,
                            value->kind == YAML_MAPPING ? "mapping" : "list");
    }
    if (yaml_is_null(value)) {
        return fields_error(context, &pair->value_place,
                            "\"%s\" has no value; write one, or remove the key",
                            shown(pair->key->text).text);
    }
    *ret_text = value->text;
    return true;
}

bool fields_bool(const struct yaml_pair *pair, bool *ret_value, struct fields_context *context)
{
    static const struct {
        const char *word;
        bool value;
    } WORDS[] = {
        {"true", true},   {"on", true},   {"yes", true},
        {"false", false}, {"off", false}, {"no", false},
    };
    struct bytes text;
    if (!fields_string(pair, &text, context)) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(WORDS); i++) {
        if (bytes_equal_nocase(text, bytes_of(WORDS[i].word))) {
            *ret_value = WORDS[i].value;
            return true;
        }
    }
    return fields_error(context, &pair->value_place, "\"%s\" must be on or off, not \"%s\"",
                        shown(pair->key->text).text, shown(text).text);
}

/* ---- numbers with units ---- */

struct unit {
    const char *name; /* "": none written */
    int64_t factor;
};

static const struct unit PLAIN[] = {{"", 1}};
/* The largest first; one of factor 1 in each. */
static const struct unit SECONDS[] = {
    {"w", 604800}, {"d", 86400}, {"h", 3600}, {"m", 60}, {"min", 60}, {"s", 1}, {"", 1},
};
static const struct unit MILLISECONDS[] = {
    {"w", 604800000}, {"d", 86400000}, {"h", 3600000}, {"m", 60000},
    {"min", 60000},   {"s", 1000},     {"ms", 1},      {"", 1000},
};
static const struct unit OCTETS[] = {
    {"G", INT64_C(1024) * 1024 * 1024},
    {"M", INT64_C(1024) * 1024},
    {"K", 1024},
    {"", 1},
};

struct measure {
    const struct unit *units;
    size_t count;
    const char *how; /* to write it */
};

static const struct measure INTEGER = {PLAIN, ARRAY_LENGTH(PLAIN), "write digits alone"};
static const struct measure DURATION_S = {SECONDS, ARRAY_LENGTH(SECONDS),
                                          "write seconds, or a number with s, m, h, d or w"};
static const struct measure DURATION_MS = {MILLISECONDS, ARRAY_LENGTH(MILLISECONDS),
                                           "write a number with ms, s, m, h, d or w"};
static const struct measure SIZE = {OCTETS, ARRAY_LENGTH(OCTETS),
                                    "write octets, or a number with K, M or G"};

struct measured {
    char text[32];
};

/* In the largest unit that gives a number people can read. */
static struct measured show(int64_t value, const struct measure *measure)
{
    enum { READABLE = 1000 };
    const struct unit *best = NULL;
    for (size_t i = 0; i < measure->count; i++) {
        const struct unit *unit = &measure->units[i];
        bool readable = value != 0 && value % unit->factor == 0 && value / unit->factor < READABLE;
        if (best == NULL && (readable || unit->factor == 1)) {
            best = unit;
        }
    }
    struct measured result;
    (void)snprintf(result.text, sizeof(result.text), "%" PRId64 "%s", value / best->factor,
                   value != 0 ? best->name : "");
    return result;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* What does not fit is out of any bounds, and told so. */
static int64_t multiply_add(int64_t value, int64_t factor, int64_t more)
{
    bool over = __builtin_mul_overflow(value, factor, &value) ||
                __builtin_add_overflow(value, more, &value);
    return over ? INT64_MAX : value;
}

/* Digits without leading zeros (YAML 1.1 reads 010 as 8) with a '-' or not, and a unit. */
static bool read_number(struct bytes text, const struct measure *measure, int64_t *ret_value)
{
    bool negative = bytes_starts_with(text, BYTES("-"));
    struct bytes rest = bytes_skip(text, negative);
    int64_t value = 0;
    size_t digits = 0;
    for (; digits < rest.n && is_digit(rest.p[digits]); digits++) {
        value = multiply_add(value, 10, rest.p[digits] - '0');
    }
    if (digits == 0 || (digits > 1 && rest.p[0] == '0')) {
        return false;
    }
    rest = bytes_skip(rest, digits);
    for (size_t i = 0; i < measure->count; i++) {
        if (bytes_equal(rest, bytes_of(measure->units[i].name))) {
            value = multiply_add(value, measure->units[i].factor, 0);
            *ret_value = negative ? -value : value;
            return true;
        }
    }
    return false;
}

static bool read_bounded(const struct yaml_pair *pair, const struct measure *measure, int64_t min,
                         int64_t max, int64_t *ret_value, struct fields_context *context)
{
    struct bytes text;
    if (!fields_string(pair, &text, context)) {
        return false;
    }
    int64_t value;
    if (!read_number(text, measure, &value)) {
        return fields_error(context, &pair->value_place, "\"%s\" is no number for \"%s\"; %s",
                            shown(text).text, shown(pair->key->text).text, measure->how);
    }
    if (value < min || value > max) {
        return fields_error(context, &pair->value_place,
                            "\"%s\" is %s; it must be %s at least and %s at most",
                            shown(pair->key->text).text, shown(text).text, show(min, measure).text,
                            show(max, measure).text);
    }
    *ret_value = value;
    return true;
}

bool fields_integer(const struct yaml_pair *pair, int64_t min, int64_t max, int64_t *ret_value,
                    struct fields_context *context)
{
    return read_bounded(pair, &INTEGER, min, max, ret_value, context);
}

bool fields_duration_s(const struct yaml_pair *pair, int64_t min, int64_t max, int64_t *ret_seconds,
                       struct fields_context *context)
{
    return read_bounded(pair, &DURATION_S, min, max, ret_seconds, context);
}

bool fields_duration_ms(const struct yaml_pair *pair, int64_t min, int64_t max, int64_t *ret_ms,
                        struct fields_context *context)
{
    return read_bounded(pair, &DURATION_MS, min, max, ret_ms, context);
}

bool fields_parse_duration_s(struct bytes text, int64_t *ret_seconds)
{
    int64_t seconds;
    if (!read_number(text, &DURATION_S, &seconds) || seconds < 0) {
        return false;
    }
    *ret_seconds = seconds;
    return true;
}

bool fields_size(const struct yaml_pair *pair, int64_t min, int64_t max, int64_t *ret_octets,
                 struct fields_context *context)
{
    return read_bounded(pair, &SIZE, min, max, ret_octets, context);
}

void fields_format_duration_ms(int64_t ms, struct buffer *out)
{
    buffer_add_string(out, show(ms, &DURATION_MS).text);
}

void fields_format_size(int64_t octets, struct buffer *out)
{
    buffer_add_string(out, show(octets, &SIZE).text);
}

/* ---- lists ---- */

bool fields_strings(const struct yaml_pair *pair,
                    bool (*add)(const struct yaml_node *item, void *target,
                                struct fields_context *context),
                    void *target, struct fields_context *context)
{
    const struct yaml_node *value = pair->value;
    struct bytes text;
    if (value->kind != YAML_SEQUENCE) {
        return fields_string(pair, &text, context) && add(value, target, context);
    }
    bool good = true;
    for (size_t i = 0; i < value->count; i++) {
        /* The item's own place, unless it is an alias to something elsewhere: then it is where the
         * error can be mended, too. */
        struct yaml_pair item = {pair->key, value->items[i], value->items[i]->start, false};
        good =
            fields_string(&item, &text, context) && add(value->items[i], target, context) && good;
    }
    return good;
}
