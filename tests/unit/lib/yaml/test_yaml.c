#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/buffer.h"
#include "lib/base/shown.h"
#include "lib/yaml/yaml.h"

#define FAIL_ROW(name, ...)                                                                        \
    do {                                                                                           \
        print_error("row \"%s\": ", (name));                                                       \
        print_error(__VA_ARGS__);                                                                  \
        print_error("\n");                                                                         \
        fail();                                                                                    \
    } while (0)

static bool parse(struct bytes text, struct yaml_document *ret_document, struct diagnostics *d)
{
    return yaml_parse(text, "f", ret_document, d);
}

static struct yaml_document parse_good(const char *name, struct bytes text)
{
    struct yaml_document document;
    struct diagnostics d = {0};
    if (!parse(text, &document, &d)) {
        diagnostics_print(&d, stderr);
        FAIL_ROW(name, "refused");
    }
    diagnostics_clear(&d);
    return document;
}

/* One line a node: kind, place, the octets of its span, and a scalar's value. */
static void print_node(struct bytes text, const struct yaml_node *node, struct buffer *out)
{
    static const char KINDS[] = "SLM";
    buffer_printf(out, "%c%s%s%s %u:%u <%.*s>", KINDS[node->kind], node->plain ? "p" : "",
                  node->flow ? "f" : "", node->anchored ? "a" : "", node->start.line,
                  node->start.column, (int)(node->end.offset - node->start.offset),
                  text.p + node->start.offset);
    if (node->kind == YAML_SCALAR) {
        buffer_printf(out, " %s", node->text.p);
        assert_int_equal(strlen(node->text.p), node->text.n);
    }
    buffer_add_string(out, "\n");
}

static void print_tree(struct bytes text, const struct yaml_node *node, struct buffer *out)
{
    print_node(text, node, out);
    for (size_t i = 0; i < node->count; i++) {
        if (node->kind == YAML_SEQUENCE) {
            print_tree(text, node->items[i], out);
        } else {
            const struct yaml_pair *pair = &node->pairs[i];
            print_node(text, pair->key, out);
            if (pair->value_is_alias) {
                buffer_printf(out, "alias at %u:%u\n", pair->value_place.line,
                              pair->value_place.column);
            }
            print_tree(text, pair->value, out);
        }
    }
}

static void test_spans(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct bytes text;
        const char *want;
    } ROWS[] = {
        {"plain", BYTES("a: b c # d\n"), "M 1:1 <a: b c # d\n>\nSp 1:1 <a> a\nSp 1:4 <b c> b c\n"},
        {"quoted, quotes inside the span", BYTES("{'a''b': \"c\\td\"}"),
         "Mf 1:1 <{'a''b': \"c\\td\"}>\nS 1:2 <'a''b'> a'b\nS 1:10 <\"c\\td\"> c\td\n"},
        {"byte order mark counts in offsets alone", BYTES("\xef\xbb\xbf[a, b]"),
         "Lf 1:1 <[a, b]>\nSp 1:2 <a> a\nSp 1:5 <b> b\n"},
        {"carriage returns", BYTES("- a\r\n- b\r\n"),
         "L 1:1 <- a\r\n- b\r\n>\nSp 1:3 <a> a\nSp 2:3 <b> b\n"},
        {"UTF-8: columns are characters", BYTES("[\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80, b]"),
         "Lf 1:1 <[\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80, b]>\n"
         "Sp 1:2 <\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80> \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\n"
         "Sp 1:7 <b> b\n"},
        {"block", BYTES("a: |\n  b\n  c\nd: e\n"),
         "M 1:1 <a: |\n  b\n  c\nd: e\n>\nSp 1:1 <a> a\nS 1:4 <|\n  b\n  c\n> b\nc\n\n"
         "Sp 4:1 <d> d\nSp 4:4 <e> e\n"},
        {"nothing", BYTES("a:\nb: c\n"),
         "M 1:1 <a:\nb: c\n>\nSp 1:1 <a> a\nSp 1:3 <> \nSp 2:1 <b> b\nSp 2:4 <c> c\n"},
        {"anchor and alias", BYTES("a: &x [b]\nc: *x\n"),
         "M 1:1 <a: &x [b]\nc: *x\n>\nSp 1:1 <a> a\nLfa 1:4 <&x [b]>\nSp 1:8 <b> b\n"
         "Sp 2:1 <c> c\nalias at 2:4\nLfa 1:4 <&x [b]>\nSp 1:8 <b> b\n"},
        {"a name that comes again", BYTES("[&x a, *x, &x b, *x]"),
         "Lf 1:1 <[&x a, *x, &x b, *x]>\nSpa 1:2 <&x a> a\nSpa 1:2 <&x a> a\nSpa 1:12 <&x b> b\n"
         "Spa 1:12 <&x b> b\n"},
        {"line separators are no lines of ours", BYTES("a: b\xe2\x80\xa8\nc: d\n"), NULL},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        struct yaml_document document = parse_good(ROWS[i].name, ROWS[i].text);
        CLEANUP(buffer_clear) struct buffer out = BUFFER(64 * 1024);
        print_tree(ROWS[i].text, document.root, &out);
        if (ROWS[i].want == NULL) {
            assert_int_equal(document.root->pairs[1].key->start.line, 2);
        } else if (strcmp(out.p, ROWS[i].want) != 0) {
            FAIL_ROW(ROWS[i].name, "got\n%s\ninstead of\n%s", out.p, ROWS[i].want);
        }
        yaml_document_clear(&document);
    }
}

static void test_nulls(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct bytes text;
        bool want;
    } ROWS[] = {
        {"tilde", BYTES("[~]"), true},        {"null", BYTES("[null]"), true},
        {"NULL", BYTES("[NULL]"), true},      {"quoted", BYTES("['~']"), false},
        {"empty text", BYTES("['']"), false}, {"word", BYTES("[nil]"), false},
        {"list", BYTES("[[]]"), false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        struct yaml_document document = parse_good(ROWS[i].name, ROWS[i].text);
        if (yaml_is_null(document.root->items[0]) != ROWS[i].want) {
            FAIL_ROW(ROWS[i].name, "taken for the opposite");
        }
        yaml_document_clear(&document);
    }
}

static void test_find(void **state)
{
    (void)state;
    struct yaml_document document = parse_good("find", BYTES("{a: b, c: d}"));
    assert_string_equal(yaml_mapping_find(document.root, BYTES("c"))->text.p, "d");
    assert_null(yaml_mapping_find(document.root, BYTES("b")));
    yaml_document_clear(&document);
    yaml_document_clear(&document); /* twice does no harm */
}

/* The first error of TEXT, and that there are COUNT. */
static void expect_errors(const char *name, struct bytes text, const char *want, size_t count)
{
    struct yaml_document document = {0};
    struct diagnostics d = {0};
    if (parse(text, &document, &d)) {
        FAIL_ROW(name, "accepted");
    }
    assert_null(document.root); /* untouched */
    CLEANUP_FREE char *got = diagnostic_format(&d.items[0]);
    if (strcmp(got, want) != 0 || d.errors != count) {
        FAIL_ROW(name, "got %zu errors, the first\n%s\ninstead of %zu,\n%s", d.errors, got, count,
                 want);
    }
    diagnostics_clear(&d);
}

static void test_syntax_errors(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct bytes text;
        const char *want;
    } ROWS[] = {
        {"star", BYTES("a: *.example.org\n"),
         "f:1:4: error: '*' begins an alias in YAML; put this in quotes: \"*.example.org\""},
        {"star in brackets", BYTES("a: [*.example.org, b]\n"),
         "f:1:5: error: '*' begins an alias in YAML; put this in quotes: \"*.example.org\""},
        {"ampersand", BYTES("a: &.x\n"),
         "f:1:4: error: '&' begins an anchor in YAML; put this in quotes: \"&.x\""},
        {"tab first", BYTES("a:\n\tb: c\n"),
         "f:2:1: error: a tab in the indentation; YAML wants spaces there"},
        {"tab after a mapping", BYTES("a:\n  b: c\n\td: e\n"),
         "f:3:1: error: a tab in the indentation; YAML wants spaces there"},
        {"open quote", BYTES("a: \"b\nc: d\n"),
         "f:1:4: error: this quote is never closed; close it"},
        {"open bracket", BYTES("a: [b\n"), "f:1:4: error: this '[' is never closed; add the ']'"},
        {"open bracket after a comma", BYTES("a: [b,\n"),
         "f:2:1: error: the file ends within brackets; close them"},
        {"open brace", BYTES("a: {b: c\n"), "f:1:4: error: this '{' is never closed; add the '}'"},
        {"open bracket in a brace", BYTES("a: {b: [c}\n"),
         "f:1:10: error: a ',' or ']' is expected here, for the '[' at 1:8; close it, or put ',' "
         "between its values"},
        {"no colon", BYTES("a: b\nc\nd: e\n"),
         "f:2:1: error: a key without ':' after it; write KEY: VALUE, or put a text of several "
         "lines in quotes"},
        {"second colon", BYTES("a: b: c\n"),
         "f:1:5: error: a ':' cannot stand here; put the value in quotes, or mend the indentation"},
        {"too far left", BYTES("a:\n    b: c\n  d: e\n"),
         "f:3:3: error: this does not belong to the mapping that begins at 1:1; mend the "
         "indentation, or the quotes and brackets before it"},
        {"key in a list", BYTES("a:\n  - b\n  c: d\n"),
         "f:3:3: error: this does not belong to the list that begins at 2:3; mend the indentation, "
         "or the quotes and brackets before it"},
        {"text after a quote", BYTES("a: \"b\" c\n"),
         "f:1:8: error: the value before this has ended; begin a new line, or put all of it in one "
         "pair of quotes"},
        {"list on the key's line", BYTES("a: - b\n"),
         "f:1:4: error: a list cannot begin here; put its first '-' on a line of its own, or write "
         "[A, B]"},
        {"at", BYTES("a: @b\n"),
         "f:1:4: error: a value cannot begin with '@' in YAML; put it in quotes: \"@b\""},
        {"percent", BYTES("%a\n"),
         "f:1:1: error: '%' begins a directive in YAML; put this in quotes: \"%a\""},
        {"exclamation mark", BYTES("a: !b!c d\n"),
         "f:1:4: error: '!' begins a tag in YAML; put this in quotes: \"!b!c\""},
        {"unknown escape", BYTES("a: \"\\d\"\n"),
         "f:1:5: error: an escape that YAML does not know; write \\\\ for a backslash, or use "
         "single quotes"},
        {"no value", BYTES("a: ]\n"),
         "f:1:4: error: a value is expected here; write one, or put it in quotes"},
        {"text behind a bar", BYTES("a: |x\n b\n"),
         "f:1:5: error: after '|' or '>' the text begins on the next line; move it there"},
        {"future YAML", BYTES("%YAML 9.9\n---\na: b\n"),
         "f:1:1: error: a %YAML line with a version that is not read; remove it, it is not needed"},
        {"not UTF-8", BYTES("a: caf\xe9\n"),
         "f:1:7: error: this is not UTF-8 (octet 0xe9); save the file as UTF-8"},
        {"cut UTF-8 at the end", BYTES("a: b\xe2\x82"),
         "f:1:5: error: this is not UTF-8 (octet 0xe2); save the file as UTF-8"},
        {"not UTF-8 behind a byte order mark", BYTES("\xef\xbb\xbf# \xc3\xa4\na: \xff\n"),
         "f:2:4: error: this is not UTF-8 (octet 0xff); save the file as UTF-8"},
        {"control character", BYTES("a: b\x01\n"),
         "f:1:5: error: a control character (U+0001); remove it"},
        {"UTF-16", BYTES("\xff\xfe\x61\0:\0"),
         "f:1:1: error: the file is UTF-16; save it as UTF-8"},
        {"UTF-16 without a mark", BYTES("a\0:\0"),
         "f:1:2: error: a NUL octet; save the file as UTF-8 text (is it UTF-16?)"},
        {"two files joined", BYTES("a: b\n\xef\xbb\xbf\x63: d\n"),
         "f:2:2: error: a byte order mark within the file; remove it (were two files joined?)"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        expect_errors(ROWS[i].name, ROWS[i].text, ROWS[i].want, 1);
    }
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct bytes text;
        const char *want;
        size_t count;
    } ROWS[] = {
        {"empty", BYTES(""),
         "f: error: the file holds nothing; write its keys into it, or delete it", 1},
        {"comment alone", BYTES("# a\n"),
         "f: error: the file holds nothing; write its keys into it, or delete it", 1},
        {"empty document", BYTES("---\n"),
         "f: error: the file holds nothing; write its keys into it, or delete it", 1},
        {"two documents", BYTES("a: b\n---\nc: d\n"),
         "f:2:1: error: a second document begins here; one file holds one, remove this '---' or "
         "split the file",
         1},
        {"no anchor, and all of them told", BYTES("[*a, *b]"),
         "f:1:2: error: '*' begins an alias in YAML, and there is no anchor \"&a\" above; put the "
         "value in quotes",
         2},
        {"alias to what it is in", BYTES("a: &x [*x]\n"),
         "f:1:8: error: \"*x\" stands for what it is itself a part of; write it out", 1},
        {"tag", BYTES("[!a b, !!str c]"),
         "f:1:2: error: tags are not read; remove it, or put a value with '!' in quotes", 2},
        {"NUL", BYTES("\"a\\0b\""),
         "f:1:1: error: a text with a NUL character in it; remove the \\0", 1},
        {"list for a key", BYTES("{[a]: b, {c: d}: e}"),
         "f:1:2: error: a key cannot be a list; write plain text before the ':', in quotes if it "
         "holds special characters",
         2},
        {"alias for a key", BYTES("{a: &x b, *x : c}"),
         "f:1:11: error: a key cannot be an alias; write plain text before the ':', in quotes if "
         "it holds special characters",
         1},
        {"merge key", BYTES("a: &x {b: c}\nd:\n  <<: *x\n"),
         "f:3:3: error: merge keys (<<) are not read; write the keys out", 1},
        {"one level too deep", BYTES("[[[[[[[[[[[[[[[[[a]]]]]]]]]]]]]]]]]"),
         "f:1:17: error: nested more than 16 levels deep; nothing here needs that", 1},
        {"too deep by aliases", BYTES("- &a [[[[[[[[b]]]]]]]]\n- [[[[[[[[*a]]]]]]]]\n"),
         "f:2:11: error: aliases multiply to more than 16 levels; write it out", 1},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        expect_errors(ROWS[i].name, ROWS[i].text, ROWS[i].want, ROWS[i].count);
    }
}

static void test_deepest(void **state)
{
    (void)state;
    struct yaml_document document =
        parse_good("deepest", BYTES("[[[[[[[[[[[[[[[[a]]]]]]]]]]]]]]]]"));
    yaml_document_clear(&document);
    document =
        parse_good("deepest by alias", BYTES("- &a [[[[[[[b]]]]]]]\n- [[[[[[[[*a]]]]]]]]\n"));
    yaml_document_clear(&document);
}

/* libyaml alone takes over a minute for these. */
static void test_deep_nesting_is_refused_at_once(void **state)
{
    (void)state;
    enum { LEVELS = 200 * 1000 };
    CLEANUP_FREE char *text = memory_alloc(LEVELS);
    memset(text, '[', LEVELS);
    expect_errors("brackets", (struct bytes){text, LEVELS},
                  "f:1:17: error: nested more than 16 levels deep; nothing here needs that", 1);
}

static void test_alias_bomb(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer text = BUFFER(4096);
    buffer_add_string(&text, "a: &a [x, x, x, x, x, x, x, x, x, x]\n");
    for (int c = 'b'; c <= 'i'; c++) {
        buffer_printf(&text, "%c: &%c [", c, c);
        for (int i = 0; i < 10; i++) {
            buffer_printf(&text, "*%c,", c - 1);
        }
        buffer_add_string(&text, "]\n");
    }
    expect_errors("bomb", buffer_bytes(&text),
                  "f:8:17: error: aliases multiply to more than 50000000 values; write it out", 1);
}

static void test_scalar_length(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer text = BUFFER(1024 * 1024);
    for (int i = 0; i < YAML_SCALAR_MAX; i++) {
        buffer_add_string(&text, "x");
    }
    struct yaml_document document = parse_good("longest", buffer_bytes(&text));
    assert_int_equal(document.root->text.n, YAML_SCALAR_MAX);
    yaml_document_clear(&document);
    buffer_add_string(&text, "x");
    expect_errors("too long", buffer_bytes(&text),
                  "f:1:1: error: a text of 65537 octets; at most 65536 are allowed, shorten it", 1);
}

static void test_shown(void **state)
{
    (void)state;
    assert_string_equal(shown(BYTES("a \x1b[31m\n\xc2\x9b"
                                    "b\xc3\xa4"))
                            .text,
                        "a ?[31m??b\xc3\xa4");
    CLEANUP(buffer_clear) struct buffer text = BUFFER(1024);
    for (int i = 0; i < SHOWN_MAX; i++) {
        buffer_add_string(&text, "\xc3\xa4");
    }
    struct shown cut = shown(buffer_bytes(&text));
    assert_int_equal(strlen(cut.text), SHOWN_MAX + 3);
    assert_string_equal(cut.text + SHOWN_MAX, "…");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spans),
        cmocka_unit_test(test_nulls),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_syntax_errors),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_deepest),
        cmocka_unit_test(test_deep_nesting_is_refused_at_once),
        cmocka_unit_test(test_alias_bomb),
        cmocka_unit_test(test_scalar_length),
        cmocka_unit_test(test_shown),
    };
    return cmocka_run_group_tests_name("config/yaml", tests, NULL, NULL);
}
