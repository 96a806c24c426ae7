#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/yaml/fields.h"

#define FAIL_ROW(name, ...)                                                                        \
    do {                                                                                           \
        print_error("row \"%s\": ", (name));                                                       \
        print_error(__VA_ARGS__);                                                                  \
        print_error("\n");                                                                         \
        fail();                                                                                    \
    } while (0)

struct parsed {
    struct yaml_document document;
    struct yaml_pair root;
    struct diagnostics diagnostics;
    struct fields_context context;
};

static void parse(const char *text, struct parsed *parsed)
{
    *parsed = (struct parsed){.context = {.file = "f"}};
    if (!yaml_parse(bytes_of(text), "f", &parsed->document, &parsed->diagnostics)) {
        diagnostics_print(&parsed->diagnostics, stderr);
        fail_msg("not YAML: %s", text);
    }
    parsed->context.diagnostics = &parsed->diagnostics;
    parsed->root.value = parsed->document.root;
    parsed->root.value_place = parsed->document.root->start;
}

static void clear(struct parsed *parsed)
{
    yaml_document_clear(&parsed->document);
    diagnostics_clear(&parsed->diagnostics);
}

/* All messages, a line each; the caller frees it. */
static char *messages(const struct diagnostics *d)
{
    struct buffer out = BUFFER(64 * 1024);
    for (size_t i = 0; i < d->count; i++) {
        CLEANUP_FREE char *line = diagnostic_format(&d->items[i]);
        buffer_printf(&out, "%s\n", line);
    }
    return buffer_take(&out);
}

struct thing {
    int64_t number;
    struct bytes text;
};

static bool read_number(const struct yaml_pair *pair, void *target, struct fields_context *context)
{
    return fields_integer(pair, 1, 9, &((struct thing *)target)->number, context);
}

static bool read_text(const struct yaml_pair *pair, void *target, struct fields_context *context)
{
    return fields_string(pair, &((struct thing *)target)->text, context);
}

static void test_mappings(void **state)
{
    (void)state;
    static const struct field FIELDS[] = {
        {"number", read_number, FIELD_REQUIRED},
        {"text", read_text, 0},
    };
    static const struct {
        const char *name;
        const char *text;
        const char *want;
    } ROWS[] = {
        {"both", "number: 3\ntext: a\n", ""},
        {"the required one", "number: 3\n", ""},
        {"missing", "text: a\n",
         "f:1:1: error: the key \"number\" is missing in a thing; add it\n"},
        {"misspelt", "nubmer: 3\nnumber: 3\n",
         "f:1:1: error: unknown key \"nubmer\" in a thing; did you mean \"number\"?\n"},
        {"unknown", "number: 3\ncolour: red\n",
         "f:2:1: error: unknown key \"colour\" in a thing; remove it (known are number, text)\n"},
        {"twice", "number: 3\ntext: a\n\"text\": b\n",
         "f:3:1: error: \"text\" stands here twice, first at 2:1; remove one of them\n"},
        {"three times", "{number: 3, number: 3, number: 3}",
         "f:1:13: error: \"number\" stands here twice, first at 1:2; remove one of them\n"
         "f:1:24: error: \"number\" stands here twice, first at 1:2; remove one of them\n"},
        {"no mapping", "[number]",
         "f:1:1: error: a thing must be a mapping; write KEY: VALUE lines\n"},
        {"all is told", "number: 10\ntext: [a]\n",
         "f:1:9: error: \"number\" is 10; it must be 1 at least and 9 at most\n"
         "f:2:7: error: \"text\" must be one value, not a list; write it after the ':'\n"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        struct parsed parsed;
        struct thing thing = {0};
        parse(ROWS[i].text, &parsed);
        bool good = fields_read(&parsed.root, "a thing", FIELDS, ARRAY_LENGTH(FIELDS), &thing,
                                &parsed.context);
        CLEANUP_FREE char *got = messages(&parsed.diagnostics);
        if (strcmp(got, ROWS[i].want) != 0 || good != (ROWS[i].want[0] == '\0')) {
            FAIL_ROW(ROWS[i].name, "got\n%sinstead of\n%s", got, ROWS[i].want);
        }
        clear(&parsed);
    }
}

static void test_nearest(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"id", "mx", "mode", "max_age", "policy", "certificates"};
    static const struct {
        const char *text;
        const char *want;
    } ROWS[] = {
        {"nmx", "mx"},
        {"mxx", "mx"},
        {"xm", "mx"},
        {"mdoe", "mode"},
        {"max-age", "max_age"},
        {"maxage", "max_age"},
        {"certificat", "certificates"},
        {"polisy", "policy"},
        {"port", NULL},
        {"", NULL},
        {"enforce", NULL},
        {"mode", "mode"},
        {"a-name-that-is-longer-than-any-key-that-there-is-and-then-some-more-of-it", NULL},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        const char *got = fields_nearest(bytes_of(ROWS[i].text), NAMES, ARRAY_LENGTH(NAMES));
        if (got != ROWS[i].want &&
            (got == NULL || ROWS[i].want == NULL || strcmp(got, ROWS[i].want) != 0)) {
            FAIL_ROW(ROWS[i].text, "got %s", got != NULL ? got : "none");
        }
    }
}

typedef bool read_number_function(const struct yaml_pair *pair, int64_t min, int64_t max,
                                  int64_t *ret_value, struct fields_context *context);

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        read_number_function *read;
        const char *text;
        int64_t want; /* -1: an error */
        const char *error;
    } ROWS[] = {
        {"integer", fields_integer, "a: 42", 42, ""},
        {"zero", fields_integer, "a: 0", 0, ""},
        {"quoted", fields_integer, "a: '42'", 42, ""},
        {"negative", fields_integer, "a: -5", -1,
         "f:1:4: error: \"a\" is -5; it must be 0 at least and 2419200000 at most\n"},
        {"octal", fields_integer, "a: 010", -1,
         "f:1:4: error: \"010\" is no number for \"a\"; write digits alone\n"},
        {"hexadecimal", fields_integer, "a: 0x10", -1,
         "f:1:4: error: \"0x10\" is no number for \"a\"; write digits alone\n"},
        {"fraction", fields_integer, "a: 1.5", -1,
         "f:1:4: error: \"1.5\" is no number for \"a\"; write digits alone\n"},
        {"sign alone", fields_integer, "a: '-'", -1,
         "f:1:4: error: \"-\" is no number for \"a\"; write digits alone\n"},
        {"empty", fields_integer, "a: ''", -1,
         "f:1:4: error: \"\" is no number for \"a\"; write digits alone\n"},
        {"past 64 bits", fields_integer, "a: 99999999999999999999", -1,
         "f:1:4: error: \"a\" is 99999999999999999999; it must be 0 at least and 2419200000 at "
         "most\n"},
        {"nothing", fields_integer, "a:", -1,
         "f:1:3: error: \"a\" has no value; write one, or remove the key\n"},
        {"seconds", fields_duration_s, "a: 90", 90, ""},
        {"weeks", fields_duration_s, "a: 1w", 604800, ""},
        {"hours", fields_duration_s, "a: 36h", 129600, ""},
        {"minutes", fields_duration_s, "a: 2m", 120, ""},
        {"minutes, in three letters", fields_duration_s, "a: 2min", 120, ""},
        {"days", fields_duration_s, "a: 1d", 86400, ""},
        {"two units", fields_duration_s, "a: 1h30m", -1,
         "f:1:4: error: \"1h30m\" is no number for \"a\"; write seconds, or a number with s, m, h, "
         "d or w\n"},
        {"upper case", fields_duration_s, "a: 1W", -1,
         "f:1:4: error: \"1W\" is no number for \"a\"; write seconds, or a number with s, m, h, d "
         "or w\n"},
        {"space", fields_duration_s, "a: 1 w", -1,
         "f:1:4: error: \"1 w\" is no number for \"a\"; write seconds, or a number with s, m, h, d "
         "or w\n"},
        {"overflow by the unit", fields_duration_s, "a: 9000000000000000000w", -1,
         "f:1:4: error: \"a\" is 9000000000000000000w; it must be 0 at least and 2419200000s at "
         "most\n"},
        {"milliseconds", fields_duration_ms, "a: 50ms", 50, ""},
        {"bare seconds", fields_duration_ms, "a: 5", 5000, ""},
        {"10min", fields_duration_ms, "a: 10min", 600000, ""},
        {"octets", fields_size, "a: 512", 512, ""},
        {"KiB", fields_size, "a: 16K", 16384, ""},
        {"MiB", fields_size, "a: 2M", 2 * 1024 * 1024, ""},
        {"small k", fields_size, "a: 2k", -1,
         "f:1:4: error: \"2k\" is no number for \"a\"; write octets, or a number with K, M or G\n"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        struct parsed parsed;
        int64_t got = -1;
        parse(ROWS[i].text, &parsed);
        bool good = ROWS[i].read(&parsed.document.root->pairs[0], 0, INT64_C(4000) * 604800, &got,
                                 &parsed.context);
        CLEANUP_FREE char *text = messages(&parsed.diagnostics);
        if (good != (ROWS[i].want >= 0) || got != ROWS[i].want ||
            strcmp(text, ROWS[i].error) != 0) {
            FAIL_ROW(ROWS[i].name, "got %lld\n%sinstead of\n%s", (long long)got, text,
                     ROWS[i].error);
        }
        clear(&parsed);
    }
}

static void test_bools(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int want; /* -1: an error */
    } ROWS[] = {
        {"a: true", 1},  {"a: off", 0}, {"a: Yes", 1},      {"a: NO", 0},  {"a: on", 1},
        {"a: false", 0}, {"a: 1", -1},  {"a: enabled", -1}, {"a: []", -1}, {"a: ~", -1},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        struct parsed parsed;
        bool value = false;
        parse(ROWS[i].text, &parsed);
        bool good = fields_bool(&parsed.document.root->pairs[0], &value, &parsed.context);
        if ((good ? value : -1) != ROWS[i].want) {
            FAIL_ROW(ROWS[i].text, "got %d", good ? value : -1);
        }
        assert_int_equal(parsed.diagnostics.errors, good ? 0 : 1);
        clear(&parsed);
    }
}

static bool join(const struct yaml_node *item, void *target, struct fields_context *context)
{
    if (bytes_equal(item->text, BYTES("bad"))) {
        return fields_error(context, &item->start, "bad");
    }
    buffer_add(target, item->text);
    buffer_add_string(target, ";");
    return true;
}

static void test_lists(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *text;
        const char *want;
        const char *error;
    } ROWS[] = {
        {"one", "a: b", "b;", ""},
        {"list", "a: [b, c]", "b;c;", ""},
        {"empty list", "a: []", "", ""},
        {"nothing", "a:", "", "f:1:3: error: \"a\" has no value; write one, or remove the key\n"},
        {"nothing in a list", "a:\n  - b\n  -\n", "b;",
         "f:3:4: error: \"a\" has no value; write one, or remove the key\n"},
        {"mapping", "a: {b: c}", "",
         "f:1:4: error: \"a\" must be one value, not a mapping; write it after the ':'\n"},
        {"list in a list", "a: [b, [c]]", "b;",
         "f:1:8: error: \"a\" must be one value, not a list; write it after the ':'\n"},
        {"goes on after an error", "a: [bad, b, bad]", "b;",
         "f:1:5: error: bad\nf:1:13: error: bad\n"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        struct parsed parsed;
        CLEANUP(buffer_clear) struct buffer got = BUFFER(1024);
        parse(ROWS[i].text, &parsed);
        bool good = fields_strings(&parsed.document.root->pairs[0], join, &got, &parsed.context);
        CLEANUP_FREE char *text = messages(&parsed.diagnostics);
        if (good != (ROWS[i].error[0] == '\0') ||
            !bytes_equal(buffer_bytes(&got), bytes_of(ROWS[i].want)) ||
            strcmp(text, ROWS[i].error) != 0) {
            FAIL_ROW(ROWS[i].name, "got %.*s\n%s", BYTES_ARG(buffer_bytes(&got)), text);
        }
        clear(&parsed);
    }
}

/* A mapping of many keys is checked in less than quadratic time. */
static void test_many_keys(void **state)
{
    (void)state;
    enum { KEYS = 100 * 1000 };
    CLEANUP(buffer_clear) struct buffer text = BUFFER(4 * 1024 * 1024);
    for (int i = 0; i < KEYS; i++) {
        buffer_printf(&text, "key%d: x\n", i);
    }
    buffer_add_string(&text, "key5: x\n");
    struct parsed parsed;
    parse(buffer_bytes(&text).p, &parsed);
    assert_false(fields_check_duplicates(parsed.document.root, &parsed.context));
    CLEANUP_FREE char *got = messages(&parsed.diagnostics);
    assert_string_equal(
        got, "f:100001:1: error: \"key5\" stands here twice, first at 6:1; remove one of them\n");
    clear(&parsed);
}

static void test_durations_outside_yaml(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t want; /* -1: none */
    } ROWS[] = {
        {"90", 90},
        {"30s", 30},
        {"2m", 120},
        {"1w", 604800},
        {"0", 0},
        {"", -1},
        {"s", -1},
        {"-5", -1},
        {"1h30m", -1},
        {"1 w", -1},
        {"010", -1},
        {"soon", -1},
        {"99999999999999999999w", INT64_MAX},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        int64_t seconds = -1;
        bool good = fields_parse_duration_s(bytes_of(ROWS[i].text), &seconds);
        if (good != (ROWS[i].want >= 0) || seconds != ROWS[i].want) {
            fail_msg("\"%s\" is %lld", ROWS[i].text, (long long)seconds);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mappings),
        cmocka_unit_test(test_nearest),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_bools),
        cmocka_unit_test(test_durations_outside_yaml),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_many_keys),
    };
    return cmocka_run_group_tests_name("config/fields", tests, NULL, NULL);
}
