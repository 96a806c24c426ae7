/* The panel's file from the command line: what it lists, what DNS says of it, what is written where
 * no server runs, and until when senders hold what is removed. */
#include "names.h"
#include "policies/panel/panel_line.h"
#include "publish/panel_direct.h"
#include "publish/panel_held.h"
#include "publish/panel_list.h"
#include "publish/panel_mx.h"

#define FAIL_ROW(name, ...) (print_error("%s: ", (name)), print_error(__VA_ARGS__), fail())

enum { NOW_S = 1800000000, MANY = 3500, PIECE = 700 };

/* --- The list --- */

struct text {
    struct bytes rest;
    size_t piece; /* octets of one reading */
    bool fails;
};

static bool read_some(struct buffer *more, bool *ret_end, struct error *e, void *context)
{
    struct text *text = context;
    if (text->fails) {
        return error_set(e, ERROR_SYSTEM, "cannot read");
    }
    size_t n = text->rest.n < text->piece ? text->rest.n : text->piece;
    buffer_add(more, (struct bytes){text->rest.p, n});
    text->rest = bytes_skip(text->rest, n);
    *ret_end = text->rest.n == 0;
    return true;
}

static void add_name(const struct policy_file_entry *entry, void *context)
{
    buffer_printf(context, "%.*s%s ", BYTES_ARG(entry->name), entry->policy != NULL ? "*" : "");
}

static bool list(struct text *text, struct buffer *out, struct error *e)
{
    const struct panel_source source = {
        .read = read_some, .context = text, .path = "P", .defaults = {.max_age_s = 1}};
    return panel_list_each(&source, add_name, out, e);
}

static void test_lists(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *text;
        const char *want; /* names, `*` behind those with a policy of their own */
        const char *error;
    } ROWS[] = {
        {"nothing at all", "", "", NULL},
        {"no domains", "domains: {}\n", "", NULL},
        {"one a line", "# t\ndomains:\n  # c\n\n  b.test: g\n  a.test: {mode: none}\n",
         "a.test* b.test ", NULL},
        {"on several lines",
         "domains:\n    a.test:\n      mode: testing\n      mx:\n        - m.test\n    b.test: g\n",
         "a.test* b.test ", NULL},
        {"between policies",
         "policies:\n  g: {mode: none}\ndomains:\n  a.test: g\npolicies2:\n  x: y\n", "a.test ",
         NULL},
        {"in braces", "domains: {a.test: g,\n  b.test: g}\n", "a.test b.test ", NULL},
        {"without a last line end", "domains:\n  a.test: g", "a.test ", NULL},
        {"CRLF", "domains:\r\n  a.test: g\r\n  b.test: g\r\n", "a.test b.test ", NULL},
        {"in error", "# t\ndomains:\n  a.test: g\n  b.test: {mode: x}\n", "", "P:4:"},
        {"in error behind what is no domain", "domains:\n  # c\n\n  a.test: {mode: x}\n", "",
         "P:4:"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        for (size_t piece = 1; piece < 100; piece += 33) {
            struct error e = {0};
            struct text text = {bytes_of(ROWS[i].text), piece, false};
            CLEANUP(buffer_clear) struct buffer out = BUFFER(1000);
            bool good = list(&text, &out, &e);
            buffer_add(&out, (struct bytes){"", 1});
            if (good != (ROWS[i].error == NULL) || strcmp(out.p, ROWS[i].want) != 0 ||
                (!good && strncmp(e.text, ROWS[i].error, strlen(ROWS[i].error)) != 0)) {
                FAIL_ROW(ROWS[i].name, "%s %s\n", out.p, good ? "" : e.text);
            }
        }
    }
}

static void test_many_in_pieces(void **state)
{
    (void)state;
    struct error e;
    CLEANUP(buffer_clear) struct buffer file = BUFFER(1 << 20);
    CLEANUP(buffer_clear) struct buffer out = BUFFER(1 << 20);
    buffer_add_string(&file, "domains:\n");
    for (int i = 0; i < MANY; i++) {
        buffer_printf(&file, "  d%d.test: g\n", i);
    }
    struct text text = {buffer_bytes(&file), PIECE, false};
    assert_true(list(&text, &out, &e));
    size_t count = 0;
    for (size_t i = 0; i < out.n; i++) {
        count += out.p[i] == ' ';
    }
    assert_int_equal(count, MANY);
    struct text broken = {.fails = true};
    assert_false(list(&broken, &out, &e));
    assert_string_equal(e.text, "cannot read");
}

/* --- MX records --- */

static const struct names_row NAMES[] = {
    {"all.x", NAMES_MX, "mx1.x"},
    {"some.x", NAMES_MX, "mx1.x"},
    {"some.x", NAMES_MX, "other.x"},
    {"none.x", NAMES_MX, "far.y"},
    {"null.x", NAMES_MX, ""},
    {"self.x", NAMES_A, "192.0.2.1"},
    {NULL, 0, NULL},
};

static const char POLICIES[] = "policies:\n"
                               "  strict: {mode: enforce, mx: [mx1.x], max_age: 1d}\n"
                               "domains:\n"
                               "  ours.x: strict\n"
                               "  some.x: {mode: testing, mx: [mx1.x], max_age: 1d}\n";

static void parse(const char *line, enum panel_verb verb, struct panel_edits *edits)
{
    struct error e;
    if (!panel_lines_parse(bytes_of(line), verb, NULL, edits, &e)) {
        fail_msg("%s: %s", line, e.text);
    }
}

static void test_mx(void **state)
{
    (void)state;
    static const struct {
        enum panel_verb verb;
        const char *line;
        enum panel_mx_verdict want;
        const char *told; /* NULL: nothing */
    } ROWS[] = {
        {PANEL_ADD, "all.x --mx mx1.x", PANEL_MX_GOOD, NULL},
        {PANEL_ADD, "all.x --policy strict", PANEL_MX_GOOD, NULL},
        {PANEL_ADD, "self.x --mx self.x", PANEL_MX_GOOD, NULL},
        {PANEL_ADD, "some.x --mx mx1.x", PANEL_MX_GOOD,
         "lacks the MX other.x: senders will report"},
        {PANEL_ADD, "some.x --policy strict", PANEL_MX_NOT_COVERED, "senders would pass it over"},
        {PANEL_SET, "some.x --mode enforce", PANEL_MX_NOT_COVERED, "senders would pass it over"},
        {PANEL_SET, "some.x --max-age 1h", PANEL_MX_GOOD, "senders will report it"},
        {PANEL_ADD, "none.x --mx mx1.x", PANEL_MX_NOT_COVERED, "none of its MX hosts, far.y"},
        {PANEL_ADD, "null.x --mx mx1.x", PANEL_MX_NOT_COVERED, "takes no mail (RFC 7505)"},
        {PANEL_ADD, "nosuch.x --mx mx1.x", PANEL_MX_NOT_KNOWN, "are not known"},
        {PANEL_ADD, "all.x --policy unheard", PANEL_MX_GOOD, NULL}, /* the edit says so */
        {PANEL_ADD, "all.x --mx mx1.x\nnone.x --mx mx1.x\nnosuch.x --mx mx1.x", PANEL_MX_NOT_KNOWN,
         "-:2:1: error: none.x"},
    };
    struct error e;
    struct checkout c;
    struct names names;
    checkout_make(&c, "", POLICIES);
    checkout_load(&c);
    names_start(&names, NAMES);
    const char *const servers[] = {names.address};
    struct dns_resolver *resolver = NULL;
    assert_true(dns_resolver_new(servers, 1, &resolver, &e));
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        CLEANUP(panel_edits_clear) struct panel_edits edits = {0};
        CLEANUP(diagnostics_clear) struct diagnostics d = {0};
        parse(ROWS[i].line, ROWS[i].verb, &edits);
        enum panel_mx_verdict got = panel_mx_look(&edits, "-", c.workspace.catalogue, resolver, &d);
        CLEANUP_FREE char *told = d.count != 0 ? diagnostic_format(&d.items[0]) : NULL;
        if (got != ROWS[i].want || (told == NULL) != (ROWS[i].told == NULL) ||
            (told != NULL && strstr(told, ROWS[i].told) == NULL)) {
            FAIL_ROW(ROWS[i].line, "%d %s\n", (int)got, told != NULL ? told : "");
        }
    }
    dns_resolver_free(resolver);
    names_stop(&names);
    checkout_clear(&c);
}

/* --- Without a server --- */

static void edit(const struct checkout *c, enum panel_verb verb, const char *lines,
                 const char *want)
{
    struct error e;
    CLEANUP(panel_edits_clear) struct panel_edits edits = {0};
    CLEANUP(panel_edited_clear) struct panel_edited edited = {0};
    parse(lines, verb, &edits);
    bool good =
        panel_direct_edit(c->workspace.settings, c->workspace.catalogue, &edits, &edited, &e);
    const char *got = good ? panel_outcome_name(edited.items[0].outcome) : e.text;
    if (strstr(got, want) == NULL) {
        FAIL_ROW(lines, "%s\n", got);
    }
}

static void test_direct(void **state)
{
    (void)state;
    struct checkout c;
    checkout_make(&c, "", POLICIES);
    checkout_load(&c);
    edit(&c, PANEL_ADD, "new.x --policy strict", "cannot look at"); /* there is no state yet */
    CLEANUP_FREE char *directory = checkout_path(&c, "state");
    assert_int_equal(mkdir(directory, 0700), 0);
    edit(&c, PANEL_ADD, "new.x --policy strict", "added");
    edit(&c, PANEL_ADD, "ours.x --policy strict", "a.yaml has it");
    edit(&c, PANEL_ADD, "new2.x --policy nosuch", "there is no shared policy nosuch");
    checkout_load(&c); /* which has the panel's file now */
    edit(&c, PANEL_ADD, "new.x --policy strict", "unchanged");
    edit(&c, PANEL_REMOVE, "new.x", "retired");
    checkout_write(&c, "policies.d/b.yaml", "domains:\n  ours.x: strict\n");
    checkout_load(&c);
    edit(&c, PANEL_ADD, "ours.x --policy strict", "more than one file");
    if (geteuid() == 0) { /* what root writes is the directory's owner's */
        struct stat status;
        enum { OTHER = 65534 };
        CLEANUP_FREE char *panel = checkout_path(&c, "state/panel.yaml");
        assert_int_equal(unlink(panel), 0);
        assert_int_equal(chmod(c.top, 0755), 0);
        assert_int_equal(chown(directory, OTHER, OTHER), 0);
        edit(&c, PANEL_ADD, "new3.x --policy strict", "added");
        assert_int_equal(stat(panel, &status), 0);
        assert_int_equal(status.st_uid, OTHER);
        assert_int_equal(status.st_gid, OTHER);
        assert_int_equal(geteuid(), 0);
    }
    checkout_clear(&c);
}

/* --- What senders hold --- */

#define BODY(mode, max_age)                                                                        \
    "version: STSv1\r\nmode: " mode "\r\nmx: m.x\r\nmax_age: " max_age "\r\n"

static json_t *answer(const json_t *request, void *context)
{
    const char *command = json_string_value(json_object_get(request, "command"));
    if (strcmp(command, "serving") == 0) {
        return json_pack("{s:s?}", "body", context);
    }
    return json_pack("{s:b,s:I,s:n,s:[{s:s,s:I},{s:s,s:I}]}", "known", 1, "held_until",
                     (json_int_t)NOW_S + 500, "text", "held", "text", BODY("enforce", "900"),
                     "until", (json_int_t)NOW_S + 500, "text", BODY("none", "900"), "until",
                     (json_int_t)NOW_S + 900);
}

static int64_t held(const struct checkout *c,
                    char *body, /* NOLINT(readability-non-const-parameter): handed on */
                    bool *ret_known)
{
    struct served served = {.answer = answer, .context = body};
    struct served_history history = {.control = settings_control(c->workspace.settings)};
    served_start(&served, c);
    int64_t until_s = panel_held_until(&history, "ours.x", NOW_S, ret_known);
    served_stop(&served);
    served_history_clear(&history);
    return until_s;
}

static void test_held(void **state)
{
    (void)state;
    static char long_one[] = BODY("enforce", "1000");
    static char short_one[] = BODY("testing", "10");
    static char none[] = BODY("none", "5000");
    struct checkout c;
    bool known = false;
    checkout_make(&c, "", POLICIES);
    checkout_load(&c);
    assert_int_equal(held(&c, long_one, &known), NOW_S + 1000);
    assert_true(known);
    assert_int_equal(held(&c, short_one, &known), NOW_S + 500); /* an older one is held longer */
    assert_int_equal(held(&c, none, &known), NOW_S + 500);      /* mode none asks for nothing */
    assert_int_equal(held(&c, NULL, &known), NOW_S + 500);
    CLEANUP_FREE char *nobody = checkout_path(&c, "nobody.sock");
    struct served_history history = {.control = nobody};
    assert_int_equal(panel_held_until(&history, "ours.x", NOW_S, &known), 0);
    assert_false(known);
    served_history_clear(&history);
    checkout_clear(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists), cmocka_unit_test(test_many_in_pieces),
        cmocka_unit_test(test_mx),    cmocka_unit_test(test_direct),
        cmocka_unit_test(test_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
