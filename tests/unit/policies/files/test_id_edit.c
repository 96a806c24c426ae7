/* tests/data/id_edit: `input` is a policy file, `edits` has a line `policy NAME ID` or
 * `domain NAME ID` each, and `want` is the file afterwards or the error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "gallery.h"
#include "policies/files/id_edit.h"
#include "policies/files/policy_file.h"

enum { CASES_MIN = 35, EDITS_MAX = 16, MANY = 20000 };

static struct bytes next_word(struct bytes *rest)
{
    size_t n = strcspn(rest->p, " \n");
    struct bytes word = {rest->p, n};
    *rest = bytes_skip(*rest, n + 1);
    return word;
}

static size_t read_edits(struct bytes text, struct id_edit edits[static EDITS_MAX])
{
    size_t count = 0;
    while (text.n != 0 && count < EDITS_MAX) {
        struct bytes section = next_word(&text);
        struct id_edit *edit = &edits[count++];
        *edit = (struct id_edit){.section = bytes_equal(section, BYTES("policy")) ? ID_EDIT_POLICIES
                                                                                  : ID_EDIT_DOMAINS,
                                 .name = next_word(&text)};
        struct bytes id = next_word(&text);
        assert_true(id.n <= POLICY_ID_MAX);
        memcpy(edit->id.text, id.p, id.n);
    }
    return count;
}

static void produce(const char *directory, struct bytes input, struct buffer *out)
{
    CLEANUP(buffer_clear) struct buffer text = gallery_read(directory, "edits");
    CLEANUP(buffer_clear) struct buffer again = BUFFER(GALLERY_FILE_MAX);
    struct id_edit edits[EDITS_MAX];
    size_t count = read_edits(buffer_bytes(&text), edits);
    assert_true(count != 0);
    struct error e = {0};
    if (!id_edit_apply(input, edits, count, out, &e)) {
        assert_int_equal(out->n, 0);
        buffer_printf(out, "policies.yaml:%u:%u: error: %s\n", e.line, e.column, e.text);
        return;
    }
    /* Made twice, it is made once. */
    assert_true(id_edit_apply(buffer_bytes(out), edits, count, &again, &e));
    assert_true(bytes_equal(buffer_bytes(out), buffer_bytes(&again)));
}

static void files_are_edited_or_refused_as_wanted(void **state)
{
    (void)state;
    size_t count = 0;
    assert_int_equal(gallery_run(TEST_DATA_DIR "/id_edit", produce, &count), 0);
    assert_true(count >= CASES_MIN);
}

static const char one_domain[] = "domains:\n  example.org: {mode: none, id: a1}\n";

static void appends_and_leaves_the_rest_alone(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer out = BUFFER(1024);
    struct error e = {0};
    const struct id_edit edit = {ID_EDIT_DOMAINS, BYTES("example.org"), {"b2"}};
    buffer_add_string(&out, "before\n");
    assert_true(id_edit_apply(bytes_of(one_domain), &edit, 1, &out, &e));
    assert_string_equal(out.p, "before\ndomains:\n  example.org: {mode: none, id: \"b2\"}\n");
}

static void no_edits_change_nothing(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer out = BUFFER(1024);
    struct error e = {0};
    assert_true(id_edit_apply(bytes_of(one_domain), NULL, 0, &out, &e));
    assert_string_equal(out.p, one_domain);
}

struct refusal {
    const char *name;
    struct id_edit edit;
    enum error_code code;
};

static void refusals_have_codes(void **state)
{
    (void)state;
    static const char text[] = "policies: {google: {mode: none}}\n"
                               "domains:\n"
                               "  example.org: google\n"
                               "  example.net: {mode: none, id: &i a}\n";
    static const struct refusal rows[] = {
        {"no such domain", {ID_EDIT_DOMAINS, {"example.com", 11}, {"a"}}, ERROR_NOT_FOUND},
        {"a policy, not a domain", {ID_EDIT_DOMAINS, {"google", 6}, {"a"}}, ERROR_NOT_FOUND},
        {"no such section entry", {ID_EDIT_POLICIES, {"example.org", 11}, {"a"}}, ERROR_NOT_FOUND},
        {"shared policy's id", {ID_EDIT_DOMAINS, {"example.org", 11}, {"a"}}, ERROR_CONFLICT},
        {"anchored id", {ID_EDIT_DOMAINS, {"example.net", 11}, {"a"}}, ERROR_CONFLICT},
        {"bad id", {ID_EDIT_POLICIES, {"google", 6}, {"a-b"}}, ERROR_SYNTAX},
        {"empty id", {ID_EDIT_POLICIES, {"google", 6}, {""}}, ERROR_SYNTAX},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP(buffer_clear) struct buffer out = BUFFER(1024);
        struct error e = {0};
        bool applied = id_edit_apply(bytes_of(text), &rows[i].edit, 1, &out, &e);
        if (applied || e.code != rows[i].code || e.text[0] == '\0' || out.n != 0) {
            fail_msg("%s: %s, code %d, \"%s\"", rows[i].name, applied ? "applied" : "refused",
                     (int)e.code, e.text);
        }
    }
}

/* One pass, not one per edit: quadratic work would pass the test's time limit. */
static void many_edits_are_one_pass(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer text = BUFFER(16 * 1024 * 1024);
    CLEANUP(buffer_clear) struct buffer want = BUFFER(16 * 1024 * 1024);
    CLEANUP(buffer_clear) struct buffer out = BUFFER(16 * 1024 * 1024);
    CLEANUP_FREE struct id_edit *edits = memory_zero(MANY, sizeof(*edits));
    char(*names)[24] = memory_zero(MANY, sizeof(*names));
    buffer_add_string(&text, "domains:\n");
    buffer_add_string(&want, "domains:\n");
    for (int i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof(names[i]), "d%d.example", i);
        /* The edits come in the opposite order. */
        struct id_edit *edit = &edits[MANY - 1 - i];
        *edit = (struct id_edit){.section = ID_EDIT_DOMAINS, .name = bytes_of(names[i])};
        snprintf(edit->id.text, sizeof(edit->id.text), "new%d", i);
        const char *old = i % 2 == 0 ? "    id: old\n" : "";
        buffer_printf(&text, "  %s:\n    mode: none # %d\n%s\n", names[i], i, old);
        buffer_printf(&want, "  %s:\n    mode: none # %d\n    id: \"new%d\"\n\n", names[i], i, i);
    }
    struct error e = {0};
    assert_true(id_edit_apply(buffer_bytes(&text), edits, MANY, &out, &e));
    assert_true(bytes_equal(buffer_bytes(&out), buffer_bytes(&want)));
    free(names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_edited_or_refused_as_wanted),
        cmocka_unit_test(appends_and_leaves_the_rest_alone),
        cmocka_unit_test(no_edits_change_nothing),
        cmocka_unit_test(refusals_have_codes),
        cmocka_unit_test(many_edits_are_one_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
