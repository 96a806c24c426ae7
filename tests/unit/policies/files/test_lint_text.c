/* Lint of what others publish: the text of a policy, the text of a TXT record. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/file.h"
#include "policies/files/lint_text.h"

#define POLICY "version: STSv1\r\nmode: enforce\r\nmx: *.x\r\nmx: old.y\r\nmax_age: 604800\r\n"

struct row {
    const char *name;
    const char *text; /* NULL: there is no such file */
    const char *host;
    size_t errors;
    const char *told; /* in some diagnostic */
};

static const struct row rows[] = {
    {"good", POLICY, NULL, 0, NULL},
    {"hosts that match", POLICY, "mx.x", 0, "old.y matches none of the hosts"},
    {"one that does not", POLICY, "mx.z", 1, "mx.z matches no mx pattern"},
    {"mode none asks for no host", "version: STSv1\r\nmode: none\r\nmax_age: 604800\r\n", "mx.z", 0,
     NULL},
    {"no policy", "mode: maybe\n", NULL, 2, "mode"},
    {"no file", NULL, NULL, 1, "No such file"},
};

static bool is_told(const struct diagnostics *d, const char *text)
{
    for (size_t i = 0; i < d->count; i++) {
        if (strstr(d->items[i].text, text) != NULL) {
            return true;
        }
    }
    return false;
}

static void test_policies(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const struct row *row = &rows[i];
        struct error e;
        struct diagnostics d = {0};
        struct lint_hosts hosts = {0};
        char path[] = "/tmp/mtasts-lint-XXXXXX";
        close(mkstemp(path));
        assert_true(lint_hosts_parse(&row->host, row->host != NULL, &hosts, &e));
        if (row->text != NULL) {
            assert_true(file_replace(path, bytes_of(row->text), 0600, &e));
        } else {
            assert_int_equal(unlink(path), 0);
        }
        print_message("%s\n", row->name);
        lint_text(path, &hosts, &d);
        assert_true(row->errors != 0 ? d.errors != 0 : d.errors == 0);
        assert_true(row->told == NULL || is_told(&d, row->told));
        diagnostics_clear(&d);
        lint_hosts_clear(&hosts);
        (void)unlink(path);
    }
}

struct record_row {
    const char *name;
    const char *texts[3];
    size_t count;
    size_t errors;
    size_t diagnostics;
};

static const struct record_row record_rows[] = {
    {"one", {"v=STSv1; id=20260602001;"}, 1, 0, 0},
    {"one that was meant", {"v=STSv2; id=1;"}, 1, 1, 1},
    {"without an id", {"v=STSv1;"}, 1, 1, 1},
    {"beside another kind", {"v=STSv1; id=1;", "v=spf1 -all"}, 2, 0, 1},
    {"two", {"v=STSv1; id=1;", "v=STSv1; id=2;"}, 2, 1, 1},
    {"none among several", {"v=spf1 -all", "x"}, 2, 1, 3},
};

static void test_records(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(record_rows); i++) {
        const struct record_row *row = &record_rows[i];
        struct diagnostics d = {0};
        print_message("%s\n", row->name);
        lint_records(row->texts, row->count, &d);
        assert_int_equal(d.errors, row->errors);
        assert_int_equal(d.count, row->diagnostics);
        diagnostics_clear(&d);
    }
}

static void test_names(void **state)
{
    (void)state;
    static const char *const wrong[] = {"a.x", "a b"};
    struct error e;
    struct lint_hosts hosts = {0};
    assert_true(lint_is_text("mta-sts.txt"));
    assert_false(lint_is_text("a.yaml"));
    assert_false(lint_hosts_parse(wrong, 2, &hosts, &e));
    assert_non_null(strstr(e.text, "--mx a b"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_policies),
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
