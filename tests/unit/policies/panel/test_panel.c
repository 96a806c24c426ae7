/* A panel's file before, lines of one verb, and the file afterwards or the error; again, it is
 * unchanged. Elsewhere there are the domain other.test in /o.yaml and the shared policies google
 * and mail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/file.h"
#include "policies/panel/panel_file.h"
#include "policies/panel/panel_line.h"
#include "policies/panel/panel_reply.h"

/* False, so that all rows are told. */
#define FAIL_ROW(name, ...) (print_error("%s: ", (name)), print_error(__VA_ARGS__), false)

static const struct policy_file_defaults DEFAULTS = {.max_age_s = 604800};
enum { NOW_S = 1790000000, TEXT_MAX = 1024 * 1024 };

static const char *elsewhere(struct bytes domain, void *context)
{
    (void)context;
    return bytes_equal(domain, BYTES("other.test")) ? "/o.yaml" : NULL;
}

static bool has_shared(struct bytes name, void *context)
{
    (void)context;
    return bytes_equal(name, BYTES("google")) || bytes_equal(name, BYTES("mail"));
}

/* Of a domain on a shared policy, unless it is too new to be served. */
static const struct policy *policy_of(struct bytes domain, void *context)
{
    return bytes_starts_with(domain, BYTES("new")) ? NULL : context;
}

struct outcome {
    char directory[64];
    char path[96];
    struct policy *google;
    struct panel_edited edited;
    struct error e;
};

static void begin(struct outcome *o, const char *before)
{
    static const struct dns_name MX = {.n = 11, .text = "mx.google.g"};
    const struct policy_terms terms = {POLICY_ENFORCE, 604800, &MX, 1};
    struct error e;
    *o = (struct outcome){.directory = "/tmp/panel-XXXXXX"};
    assert_non_null(mkdtemp(o->directory));
    (void)snprintf(o->path, sizeof(o->path), "%s/panel.yaml", o->directory);
    assert_true(policy_new(&terms, &o->google, &e));
    if (before != NULL) {
        assert_true(file_write_new(o->path, bytes_of(before), 0644, &e));
    }
}

static void end(struct outcome *o)
{
    panel_edited_clear(&o->edited);
    policy_free(o->google);
    (void)unlink(o->path);
    (void)rmdir(o->directory);
}

static bool apply(struct outcome *o, enum panel_verb verb, const char *lines, bool ids_derived)
{
    CLEANUP(panel_edits_clear) struct panel_edits edits = {0};
    const struct panel_facts facts = {elsewhere, has_shared, policy_of, o->google};
    if (!panel_lines_parse(bytes_of(lines), verb, NULL, &edits, &o->e)) {
        return false;
    }
    const struct panel_task task = {edits.items, edits.count, &facts, ids_derived, NOW_S};
    panel_edited_clear(&o->edited);
    return panel_file_edit(o->path, &DEFAULTS, &task, &o->edited, &o->e);
}

static void read_back(struct outcome *o, struct buffer *text)
{
    struct error e;
    assert_true(file_read(o->path, text, NULL, &e));
}

/* Its errors name the file as PANEL. */
static void describe(const struct outcome *o, struct buffer *out)
{
    const char *path = strstr(o->e.text, o->path);
    if (o->e.line != 0) {
        buffer_printf(out, "%u:%u: ", o->e.line, o->e.column);
    }
    if (path == NULL) {
        buffer_add_string(out, o->e.text);
        return;
    }
    buffer_printf(out, "%.*sPANEL%s", (int)(path - o->e.text), o->e.text, path + strlen(o->path));
}

#define HEAD                                                                                       \
    "# Domains of a control panel: `mtasts-host add`, `set` and `remove` write here, a line for "  \
    "each.\n"                                                                                      \
    "# Mode none means on its way out: the server removes such a line once no sender holds "       \
    "more.\n"
#define OWN(name, mode, mx, max_age)                                                               \
    "  " name ": {mode: " mode ", mx: [" mx "], max_age: " max_age "}\n"
#define A OWN("a.test", "testing", "mx.a.test", "86400")

static const struct {
    const char *name;
    const char *before; /* NULL: there is no file */
    enum panel_verb verb;
    const char *lines;
    const char *after; /* NULL: */
    const char *error;
} ROWS[] = {
    /* add */
    {"the first one makes the file", NULL, PANEL_ADD, "a.test --mx mx.a.test", HEAD "domains:\n" A,
     NULL},
    {"beside others, behind the last, with their indentation", "domains:\n    z.test: google # z\n",
     PANEL_ADD, "a.test --mx mx.a.test --max-age 1h",
     "domains:\n    z.test: google # z\n    a.test: {mode: testing, mx: [mx.a.test], max_age: "
     "3600}\n",
     NULL},
    {"several hosts, each once", "domains:\n" A, PANEL_ADD,
     "b.test --mx mx1.b.test,MX1.b.test. --mx *.b.test",
     "domains:\n" A "  b.test: {mode: testing, mx: [mx1.b.test, \"*.b.test\"], max_age: 86400}\n",
     NULL},
    {"a shared policy", "domains:\n" A, PANEL_ADD, "b.test --policy Google",
     "domains:\n" A "  b.test: google\n", NULL},
    {"names that YAML would take for something else", NULL, PANEL_ADD, "163.test --policy mail",
     HEAD "domains:\n  \"163.test\": mail\n", NULL},
    {"a file without a final line end", "domains:\n  z.test: google", PANEL_ADD,
     "a.test --policy mail", "domains:\n  z.test: google\n  a.test: mail\n", NULL},
    {"a file with policies alone", "policies:\n  own: {mode: none}\n", PANEL_ADD,
     "a.test --policy own", "policies:\n  own: {mode: none}\ndomains:\n  a.test: own\n", NULL},
    {"domains before policies", "domains:\n  z.test: own\npolicies:\n  own: {mode: none}\n",
     PANEL_ADD, "a.test --policy own",
     "domains:\n  z.test: own\n  a.test: own\npolicies:\n  own: {mode: none}\n", NULL},
    {"comments and blank lines stay", "# t\ndomains:\n  # z\n  z.test: google\n\n# end\n",
     PANEL_ADD, "a.test --policy mail",
     "# t\ndomains:\n  # z\n  z.test: google\n  a.test: mail\n\n# end\n", NULL},
    {"one that is there so is left alone", "domains:\n" A, PANEL_ADD, "a.test --mx mx.a.test",
     "domains:\n" A, NULL},
    {"so is one that has gone on to enforce",
     "domains:\n" OWN("a.test", "enforce", "mx.a.test", "604800"), PANEL_ADD,
     "a.test --mx mx.a.test", "domains:\n" OWN("a.test", "enforce", "mx.a.test", "604800"), NULL},
    {"one that is there otherwise", "domains:\n" A, PANEL_ADD, "a.test --mx mx2.a.test", NULL,
     "1:1: a.test: it is there already, with another policy; change it with `set`"},
    {"more hosts than it has", "domains:\n" A, PANEL_ADD, "a.test --mx mx.a.test,mx2.a.test", NULL,
     "1:1: a.test: it is there already, with another policy; change it with `set`"},
    {"fewer hosts than it has", "domains:\n" OWN("a.test", "testing", "mx.a.test, b.test", "1d"),
     PANEL_ADD, "a.test --mx mx.a.test", NULL,
     "1:1: a.test: it is there already, with another policy; change it with `set`"},
    {"one on a shared policy for one of its own", "domains:\n  a.test: google\n", PANEL_ADD,
     "a.test --mx mx.a.test", NULL,
     "1:1: a.test: it is there already, with another policy; change it with `set`"},
    {"one on its way out comes back", "domains:\n" OWN("a.test", "none", "mx.a.test", "86400"),
     PANEL_ADD, "a.test --mx mx.a.test", "domains:\n" A, NULL},
    {"one of another file", NULL, PANEL_ADD, "other.test --policy google", NULL,
     "1:1: other.test: /o.yaml has it, which is not the panel's; edit it there"},
    {"no such shared policy", NULL, PANEL_ADD, "a.test --policy nosuch", NULL,
     "1:1: a.test: there is no shared policy nosuch; name one that stands under `policies` of a "
     "policy file that is served"},
    /* batches */
    {"a batch", NULL, PANEL_ADD, "# new\n\n  b.test  --policy google \r\na.test --mx mx.a.test\n",
     HEAD "domains:\n" A "  b.test: google\n", NULL},
    {"one bad line, and nothing of it", "domains:\n" A, PANEL_ADD,
     "b.test --policy google\nother.test --policy google\n", NULL,
     "2:1: other.test: /o.yaml has it, which is not the panel's; edit it there"},
    {"twice", NULL, PANEL_ADD, "a.test --policy mail\nb.test --policy mail\nA.test --policy mail",
     NULL, "3:1: a.test: it stands on line 1 already; remove one of them"},
    {"an empty batch", "domains:\n" A, PANEL_ADD, "\n# nothing\n", "domains:\n" A, NULL},
    {"a domain that is none", NULL, PANEL_ADD, "a.test --policy mail\n  a..test --policy mail",
     NULL, "2:3: *"},
    {"the policy host", NULL, PANEL_ADD, "_mta-sts.a.test --policy mail", NULL, "1:1: *"},
    {"no option", NULL, PANEL_ADD, "a.test b.test", NULL,
     "1:8: \"b.test\" is no option; write one domain a line"},
    {"no such option", NULL, PANEL_ADD, "a.test --ttl 1", NULL,
     "1:14: \"--ttl\" is no option here; write --policy, --mx, --mode or --max-age"},
    {"an option without a value", NULL, PANEL_ADD, "a.test --mx", NULL,
     "1:8: \"--mx\" wants a value behind it"},
    {"no policy", NULL, PANEL_ADD, "a.test", NULL,
     "1:1: say what policy it has: --policy NAME, or --mx HOST"},
    {"both policies", NULL, PANEL_ADD, "a.test --policy mail --mx mx.test", NULL,
     "1:1: --policy names a shared policy, whose terms are its own; leave out --mx, --mode and "
     "--max-age"},
    {"an mx that is none", NULL, PANEL_ADD, "a.test --mx mx.test,,b.test", NULL,
     "1:13: mx \"\": *"},
    {"a mode at first", NULL, PANEL_ADD, "a.test --mx mx.test --mode enforce", NULL,
     "1:1: a new domain begins in testing; `set` its mode when reports are clean"},
    {"a max_age that is none", NULL, PANEL_ADD, "a.test --mx mx.test --max-age soon", NULL,
     "1:31: \"soon\" is no max_age; write a duration of at most 31557600 seconds, as 1d"},
    {"one that is too long", NULL, PANEL_ADD, "a.test --mx mx.test --max-age 400d", NULL,
     "1:31: \"400d\" is no max_age; write a duration of at most 31557600 seconds, as 1d"},
    {"a shared policy's name that is none", NULL, PANEL_ADD, "a.test --policy a.b", NULL,
     "1:17: *"},
    /* set */
    {"its mode", "domains:\n" A "  z.test: google\n", PANEL_SET, "a.test --mode enforce",
     "domains:\n" OWN("a.test", "enforce", "mx.a.test", "86400") "  z.test: google\n", NULL},
    {"its max_age", "domains:\n" A, PANEL_SET, "a.test --max-age 1w",
     "domains:\n" OWN("a.test", "testing", "mx.a.test", "604800"), NULL},
    {"its hosts", "domains:\n" A, PANEL_SET, "a.test --mx mx2.a.test",
     "domains:\n" OWN("a.test", "testing", "mx2.a.test", "86400"), NULL},
    {"nothing that is not so", "domains:\n" A, PANEL_SET, "a.test --mode testing", "domains:\n" A,
     NULL},
    {"a shared policy in the place of its own, whose reports it keeps",
     "domains:\n  a.test:\n    mode: testing\n    mx:\n      - mx.a.test # primary\n    tlsrpt: "
     "\"mailto:r@a.test\"\n\n  b.test: mail\n",
     PANEL_SET, "a.test --policy google",
     "domains:\n  a.test: {policy: google, tlsrpt: [\"mailto:r@a.test\"]}\n\n  b.test: mail\n",
     NULL},
    {"the shared policy that it has", "domains:\n  a.test: google\n", PANEL_SET,
     "a.test --policy google", "domains:\n  a.test: google\n", NULL},
    {"one of its own in the place of a shared one", "domains:\n  a.test: google # g\n", PANEL_SET,
     "a.test --mx mx.a.test", "domains:\n" A, NULL},
    {"a shared policy's mode", "domains:\n  a.test: google\n", PANEL_SET, "a.test --mode enforce",
     NULL,
     "1:1: a.test: it uses the shared policy google, whose terms are those of all who do; give it "
     "a policy of its own with --mx, or another one with --policy"},
    {"one that is not there", "domains:\n" A, PANEL_SET, "b.test --mode enforce", NULL,
     "1:1: b.test: it is not there; begin with `add`"},
    {"one on its way out", "domains:\n" OWN("a.test", "none", "mx.a.test", "86400"), PANEL_SET,
     "a.test --mode enforce", NULL, "1:1: a.test: it is on its way out; bring it back with `add`"},
    {"mode none", "domains:\n" A, PANEL_SET, "a.test --mode none", NULL,
     "1:15: mode none is on its way out here; `remove` the domain instead"},
    {"a mode that is none", "domains:\n" A, PANEL_SET, "a.test --mode on", NULL,
     "1:15: \"on\" is no mode; write testing or enforce"},
    {"nothing", "domains:\n" A, PANEL_SET, "a.test", NULL,
     "1:1: say what policy it has: --policy NAME, or --mx HOST, --mode, --max-age"},
    /* remove */
    {"a policy of its own", "domains:\n" A, PANEL_REMOVE, "a.test",
     "domains:\n" OWN("a.test", "none", "mx.a.test", "86400"), NULL},
    {"a max_age is not longer than it was",
     "domains:\n" OWN("a.test", "enforce", "mx.a.test", "600"), PANEL_REMOVE, "a.test",
     "domains:\n" OWN("a.test", "none", "mx.a.test", "600"), NULL},
    {"a shared one", "domains:\n  a.test: google\n  b.test: google\n", PANEL_REMOVE, "b.test",
     "domains:\n  a.test: google\n" OWN("b.test", "none", "mx.google.g", "86400"), NULL},
    {"a shared one that nobody serves yet", "domains:\n  new.test: google\n", PANEL_REMOVE,
     "new.test", NULL,
     "1:1: new.test: what its shared policy google says is not known yet; try again once it is "
     "served, or take the domain out with --now"},
    {"one that is not there", "domains:\n" A, PANEL_REMOVE, "b.test", "domains:\n" A, NULL},
    {"one of another file", "domains:\n" A, PANEL_REMOVE, "other.test", NULL,
     "1:1: other.test: /o.yaml has it, which is not the panel's; edit it there"},
    {"options", "domains:\n" A, PANEL_REMOVE, "a.test --mode testing", NULL,
     "1:1: a domain that is removed takes no options"},
    {"at once", "domains:\n" A "  # b\n  b.test: google\n", PANEL_REMOVE_NOW, "a.test",
     "domains:\n  # b\n  b.test: google\n", NULL},
    {"at once, in the middle and on several lines",
     "domains:\n  a.test: google\n  b.test:\n    policy: google\n  c.test: mail\n",
     PANEL_REMOVE_NOW, "b.test", "domains:\n  a.test: google\n  c.test: mail\n", NULL},
    {"the last one", "# t\ndomains: # d\n" A, PANEL_REMOVE_NOW, "a.test", "# t\ndomains: {}\n",
     NULL},
    {"all of them", "domains:\n  b.test: mail\n" A, PANEL_REMOVE_NOW, "a.test\nb.test",
     "domains: {}\n", NULL},
    {"who expires is on its way out",
     "domains:\n  b.test: mail\n" OWN("c.test", "none", "mx.c.test", "1d") A, PANEL_EXPIRE,
     "a.test\nb.test\nc.test\nd.test", "domains:\n  b.test: mail\n" A, NULL},
    /* files that nobody can edit so */
    {"one in error", "domains:\n  a.test: {mode: testing}\n", PANEL_ADD, "b.test --policy mail",
     NULL, "PANEL:2:*"},
    {"domains in braces", "domains: {a.test: google}\n", PANEL_ADD, "b.test --policy mail", NULL,
     "PANEL:1:10: domains stand in one line here; write each on a line of its own"},
    {"one in braces", "domains: {a.test: google}\n", PANEL_REMOVE_NOW, "a.test", NULL,
     "PANEL:1:11: a.test does not stand on a line of its own; write it so"},
    {"all in braces", "{policies: {own: {mode: none}}}\n", PANEL_ADD, "b.test --policy mail", NULL,
     "PANEL:1:1: this file is one line in braces; write its keys on lines"},
    {"an anchor", "domains:\n  a.test: &a {mode: testing, mx: m.test}\n  b.test: *a\n",
     PANEL_REMOVE_NOW, "a.test", NULL,
     "PANEL:2:3: a.test is shared through an alias (& and *); write it out"},
    {"an alias goes", "domains:\n  a.test: &a {mode: testing, mx: m.test}\n  b.test: *a\n",
     PANEL_REMOVE_NOW, "b.test", NULL, "PANEL:3:*"},
};

/* "…*" is a beginning. */
static bool is_like(struct bytes text, const char *want)
{
    size_t n = strlen(want);
    bool open = n != 0 && want[n - 1] == '*';
    return open ? bytes_starts_with(text, (struct bytes){want, n - 1})
                : bytes_equal(text, bytes_of(want));
}

static bool is_unchanged(size_t i, struct outcome *o)
{
    bool again = apply(o, ROWS[i].verb, ROWS[i].lines, true);
    return (again && !o->edited.changed) ||
           FAIL_ROW(ROWS[i].name, "a second time: %s\n", again ? "it changed" : o->e.text);
}

static bool check_row(size_t i, struct outcome *o)
{
    CLEANUP(buffer_clear) struct buffer text = BUFFER(TEXT_MAX);
    CLEANUP(buffer_clear) struct buffer error = BUFFER(TEXT_MAX);
    bool made = apply(o, ROWS[i].verb, ROWS[i].lines, true);
    if (made != (ROWS[i].after != NULL)) {
        return FAIL_ROW(ROWS[i].name, "%s\n", made ? "an error was expected" : o->e.text);
    }
    if (!made) {
        describe(o, &error);
        if (!is_like(buffer_bytes(&error), ROWS[i].error)) {
            return FAIL_ROW(ROWS[i].name, "got the error\n%s\n", error.p);
        }
    }
    if (ROWS[i].before != NULL || made) {
        read_back(o, &text);
    }
    const char *want = made ? ROWS[i].after : ROWS[i].before;
    if (want != NULL && !bytes_equal(buffer_bytes(&text), bytes_of(want))) {
        return FAIL_ROW(ROWS[i].name, "got\n%s\n", text.p);
    }
    return ROWS[i].after == NULL || is_unchanged(i, o);
}

static void test_rows(void **state)
{
    (void)state;
    bool good = true;
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        struct outcome o;
        begin(&o, ROWS[i].before);
        good = check_row(i, &o) && good;
        end(&o);
    }
    assert_true(good);
}

static void test_ids_name_their_text(void **state)
{
    (void)state;
    struct outcome o;
    CLEANUP(buffer_clear) struct buffer first = BUFFER(TEXT_MAX);
    CLEANUP(buffer_clear) struct buffer second = BUFFER(TEXT_MAX);
    begin(&o, NULL);
    assert_true(apply(&o, PANEL_ADD, "a.test --mx mx.a.test", false));
    assert_int_equal(o.edited.items[0].outcome, PANEL_ADDED);
    assert_int_equal(policy_id_judge(bytes_of(o.edited.items[0].id.text), o.edited.items[0].policy),
                     POLICY_ID_CURRENT);
    read_back(&o, &first);
    assert_non_null(strstr(first.p, o.edited.items[0].id.text));
    assert_true(apply(&o, PANEL_SET, "a.test --mode enforce", true)); /* one that is there stays */
    assert_int_equal(o.edited.items[0].outcome, PANEL_CHANGED);
    read_back(&o, &second);
    assert_non_null(strstr(second.p, o.edited.items[0].id.text));
    assert_null(strstr(first.p, o.edited.items[0].id.text));
    end(&o);
}

static void test_ten_thousand_in_one_edit(void **state)
{
    (void)state;
    struct outcome o;
    CLEANUP(buffer_clear) struct buffer lines = BUFFER(PANEL_TEXT_MAX);
    begin(&o, NULL);
    for (int i = 0; i < PANEL_EDITS_MAX; i++) {
        buffer_printf(&lines, "d%d.test --policy google\n", i);
    }
    assert_true(apply(&o, PANEL_ADD, lines.p, true));
    assert_int_equal(o.edited.count, PANEL_EDITS_MAX);
    assert_int_equal(o.edited.items[PANEL_EDITS_MAX - 1].outcome, PANEL_ADDED);
    buffer_add_string(&lines, "more.test --policy google\n");
    assert_false(apply(&o, PANEL_ADD, lines.p, true));
    assert_int_equal(o.e.code, ERROR_LIMIT);
    assert_int_equal(o.e.line, PANEL_EDITS_MAX + 1);
    end(&o);
}

static void test_a_batch_is_bounded_in_its_patterns(void **state)
{
    (void)state;
    CLEANUP(panel_edits_clear) struct panel_edits edits = {0};
    CLEANUP(buffer_clear) struct buffer lines = BUFFER(PANEL_TEXT_MAX);
    struct panel_edit pattern = {0};
    struct error e;
    for (int i = 0; i < PANEL_MX_MAX; i++) {
        char host[32];
        (void)snprintf(host, sizeof(host), "m%d.test", i);
        assert_true(panel_edit_read_option(&pattern, BYTES("mx"), bytes_of(host), &e));
    }
    assert_false(panel_edit_read_option(&pattern, BYTES("mx"), BYTES("one.more.test"), &e));
    for (int i = 0; i < 1000; i++) {
        buffer_printf(&lines, "d%d.test\n", i);
    }
    assert_false(panel_lines_parse(buffer_bytes(&lines), PANEL_ADD, &pattern, &edits, &e));
    assert_int_equal(e.code, ERROR_LIMIT);
    assert_int_equal(e.line, PANEL_MX_SUM_MAX / PANEL_MX_MAX + 1);
    assert_int_equal(edits.count, 0);
    free(pattern.mx);
}

static void test_a_line_says_what_it_was_read_from(void **state)
{
    (void)state;
    static const char *const LINES[] = {
        "a.test --policy google\n",
        "a.test --mx mx1.a.test,*.a.test --mode enforce --max-age 600s\n",
        "a.test --max-age 0s\n",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(LINES); i++) {
        CLEANUP(panel_edits_clear) struct panel_edits edits = {0};
        CLEANUP(buffer_clear) struct buffer out = BUFFER(TEXT_MAX);
        struct error e;
        assert_true(panel_lines_parse(bytes_of(LINES[i]), PANEL_SET, NULL, &edits, &e));
        panel_line_print(&edits.items[0], &out);
        assert_string_equal(out.p, LINES[i]);
    }
}

static void test_replies(void **state)
{
    (void)state;
    struct outcome o;
    struct error e;
    enum panel_verb verb = PANEL_EXPIRE;
    begin(&o, NULL);
    assert_false(apply(&o, PANEL_ADD, "a.test", true));
    json_t *reply = panel_reply_refused(&o.e);
    assert_true(panel_reply_is_refused(reply, &e));
    assert_string_equal(e.text, o.e.text);
    assert_int_equal(e.line, 1);
    json_decref(reply);
    for (enum panel_verb v = PANEL_ADD; v < PANEL_EXPIRE; v++) {
        assert_true(panel_verb_parse(panel_verb_name(v), &verb));
        assert_int_equal(verb, v);
    }
    assert_null(panel_verb_name(PANEL_EXPIRE)); /* is for nobody to ask */
    assert_false(panel_verb_parse(NULL, &verb));
    assert_false(panel_verb_parse("expire", &verb));
    end(&o);
}

static void test_an_empty_file_is_made_once(void **state)
{
    (void)state;
    struct outcome o;
    struct error e;
    CLEANUP(buffer_clear) struct buffer text = BUFFER(TEXT_MAX);
    begin(&o, NULL);
    assert_true(panel_file_make(o.path, &e));
    assert_true(panel_file_make(o.path, &e));
    read_back(&o, &text);
    assert_string_equal(text.p, HEAD "domains: {}\n");
    assert_true(apply(&o, PANEL_ADD, "a.test --policy mail", true));
    end(&o);
    assert_false(panel_file_make(o.path, &e)); /* its directory is gone */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_ids_name_their_text),
        cmocka_unit_test(test_ten_thousand_in_one_edit),
        cmocka_unit_test(test_a_batch_is_bounded_in_its_patterns),
        cmocka_unit_test(test_a_line_says_what_it_was_read_from),
        cmocka_unit_test(test_replies),
        cmocka_unit_test(test_an_empty_file_is_made_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
