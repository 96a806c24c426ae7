/* tests/data/policy_edit: `input` is a policy file, `edit` says what is meant (`domain NAME` or
 * `policy NAME`, then pairs of words: `mode none`, `max_age 86400`, `add HOST`, `remove HOST`), and
 * `want` is the file afterwards or the error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "gallery.h"
#include "policies/files/policy_edit.h"
#include "policies/files/policy_file.h"

enum { CASES_MIN = 80, NAMES_MAX = 8 };

/* One edit as a case has it. */
struct meant {
    struct policy_edit edit;
    struct dns_name add[NAMES_MAX];
    struct dns_name remove[NAMES_MAX];
};

static struct bytes next_word(struct bytes *rest)
{
    size_t n = strcspn(rest->p, " \n");
    struct bytes word = {rest->p, n};
    *rest = bytes_skip(*rest, n + 1);
    return word;
}

static struct dns_name name_of(struct bytes text)
{
    struct dns_name name = {.n = (unsigned char)text.n};
    memcpy(name.text, text.p, text.n);
    return name;
}

static void read_term(struct bytes key, struct bytes value, struct meant *meant)
{
    struct policy_edit *edit = &meant->edit;
    if (bytes_equal(key, BYTES("mode"))) {
        edit->set_mode = true;
        assert_true(policy_mode_parse(value, &edit->mode));
    } else if (bytes_equal(key, BYTES("max_age"))) {
        edit->set_max_age = true;
        edit->max_age_s = (uint32_t)strtoul(value.p, NULL, 10);
    } else if (bytes_equal(key, BYTES("add"))) {
        assert_true(edit->mx_add_count < NAMES_MAX);
        meant->add[edit->mx_add_count++] = name_of(value);
    } else {
        assert_true(bytes_equal(key, BYTES("remove")) && edit->mx_remove_count < NAMES_MAX);
        meant->remove[edit->mx_remove_count++] = name_of(value);
    }
}

static void read_edit(struct bytes text, struct meant *meant)
{
    *meant = (struct meant){0};
    meant->edit.section =
        bytes_equal(next_word(&text), BYTES("policy")) ? ID_EDIT_POLICIES : ID_EDIT_DOMAINS;
    meant->edit.name = next_word(&text);
    while (text.n != 0) {
        struct bytes key = next_word(&text);
        read_term(key, next_word(&text), meant);
    }
    meant->edit.mx_add = meant->add;
    meant->edit.mx_remove = meant->remove;
}

/* The shared policy that the domain uses. */
static struct policy *basis_of(struct bytes input, const struct policy_edit *edit,
                               struct buffer *ret_tlsrpt)
{
    const struct policy_file_defaults defaults = {.max_age_s = 604800};
    CLEANUP(diagnostics_clear) struct diagnostics d = {0};
    struct policy_file file;
    if (!policy_file_parse(input, "", &defaults, &file, &d)) {
        return NULL;
    }
    struct policy *basis = NULL;
    const struct policy_file_entry *domain = policy_file_find_domain(&file, edit->name);
    if (domain != NULL && domain->shared.n != 0) {
        const struct policy_file_entry *shared = policy_file_find_policy(&file, domain->shared);
        basis = shared != NULL ? policy_ref(shared->policy) : NULL;
        buffer_add(ret_tlsrpt, shared != NULL ? shared->tlsrpt : BYTES(""));
    }
    policy_file_clear(&file);
    return basis;
}

static void produce(const char *directory, struct bytes input, struct buffer *out)
{
    CLEANUP(buffer_clear) struct buffer text = gallery_read(directory, "edit");
    CLEANUP(buffer_clear) struct buffer again = BUFFER(GALLERY_FILE_MAX);
    struct meant meant;
    read_edit(buffer_bytes(&text), &meant);
    CLEANUP(buffer_clear) struct buffer tlsrpt = BUFFER(GALLERY_FILE_MAX);
    struct policy *basis = basis_of(input, &meant.edit, &tlsrpt);
    meant.edit.basis = basis;
    meant.edit.basis_tlsrpt = buffer_bytes(&tlsrpt);
    struct error e = {0};
    if (!policy_edit_apply(input, &meant.edit, out, &e)) {
        assert_int_equal(out->n, 0);
        buffer_printf(out, "policies.yaml:%u:%u: error: %s\n", e.line, e.column, e.text);
    } else {
        /* Made twice, it is made once. */
        assert_true(policy_edit_apply(buffer_bytes(out), &meant.edit, &again, &e));
        assert_true(bytes_equal(buffer_bytes(out), buffer_bytes(&again)));
    }
    if (basis != NULL) {
        policy_free(basis);
    }
}

static void files_are_edited_or_refused_as_wanted(void **state)
{
    (void)state;
    size_t count = 0;
    assert_int_equal(gallery_run(TEST_DATA_DIR "/policy_edit", produce, &count), 0);
    assert_true(count >= CASES_MIN);
}

static void a_max_age_that_was_left_out_is_written(void **state)
{
    (void)state;
    /* Edits are checked with a default of one day: that must not be taken for what stands there. */
    static const char text[] = "domains: {a.example: {mode: none}}\n";
    const struct policy_edit edit = {
        .section = ID_EDIT_DOMAINS,
        .name = BYTES("a.example"),
        .set_max_age = true,
        .max_age_s = 86400,
    };
    CLEANUP(buffer_clear) struct buffer out = BUFFER(1024);
    struct error e = {0};
    assert_true(policy_edit_apply(bytes_of(text), &edit, &out, &e));
    assert_string_equal(out.p, "domains: {a.example: {mode: none, max_age: 86400}}\n");
}

struct refusal {
    const char *name;
    const char *domain;
    enum policy_mode mode;
    enum error_code code;
};

static void refusals_have_codes(void **state)
{
    (void)state;
    static const char text[] = "policies: {google: {mode: none}}\n"
                               "domains:\n"
                               "  example.org: google\n"
                               "  example.net: {mode: none}\n"
                               "  example.com: {mode: &m none, id: a}\n";
    static const struct refusal rows[] = {
        {"no such domain", "example.edu", POLICY_NONE, ERROR_NOT_FOUND},
        {"a shared policy that is not given", "example.org", POLICY_NONE, ERROR_CONFLICT},
        {"enforce without mx", "example.net", POLICY_ENFORCE, ERROR_SYNTAX},
        {"anchored", "example.com", POLICY_TESTING, ERROR_SYNTAX},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP(buffer_clear) struct buffer out = BUFFER(1024);
        struct error e = {0};
        const struct policy_edit edit = {.section = ID_EDIT_DOMAINS,
                                         .name = bytes_of(rows[i].domain),
                                         .set_mode = true,
                                         .mode = rows[i].mode};
        bool applied = policy_edit_apply(bytes_of(text), &edit, &out, &e);
        if (applied || e.code != rows[i].code || e.text[0] == '\0' || out.n != 0) {
            fail_msg("%s: %s, code %d, \"%s\"", rows[i].name, applied ? "applied" : "refused",
                     (int)e.code, e.text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_edited_or_refused_as_wanted),
        cmocka_unit_test(a_max_age_that_was_left_out_is_written),
        cmocka_unit_test(refusals_have_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
