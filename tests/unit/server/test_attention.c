/* Each thing that wants a person, and what does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/buffer.h"
#include "lib/base/memory.h"
#include "server/attention.h"

/* Pictures own their texts; those here are nobody's. */
#define OWN(text) ((char[]){text})

enum { NOW_S = 1800000000, GRACE_S = 600 };

static struct diagnostic broken[] = {
    {SEVERITY_WARNING, OWN("/p/a.yaml"), 1, 1, OWN("odd")},
    {SEVERITY_ERROR, OWN("/p/b.yaml"), 1, 1, OWN("wrong")},
    {SEVERITY_ERROR, OWN("/p/b.yaml"), 2, 1, OWN("wrong")},
    {SEVERITY_ERROR, OWN("/p/c.yaml"), 1, 1, OWN("wrong")},
};
static struct diagnostic odd[] = {{SEVERITY_WARNING, OWN("/p/a.yaml"), 1, 1, OWN("odd")}};
static struct acme_status_ca cas[] = {
    {.name = OWN("fine")},
    {.name = OWN("letsencrypt"), .problem = OWN("the account is deactivated")},
};
static struct mirror_status_row rows_failing[] = {
    {.domain = OWN("fine.example"), .has_policy = true},
    {.domain = OWN("moment.example"),
     .has_policy = true,
     .failures = ATTENTION_MIRROR_FAILURES - 1,
     .problem = OWN("timeout")},
    {.domain = OWN("new.example"), .failures = 1, .problem = OWN("no such host")},
    {.domain = OWN("old.example"),
     .has_policy = true,
     .failures = ATTENTION_MIRROR_FAILURES,
     .problem = OWN("404")},
};
static struct mirror_status_row rows_odd[] = {
    {.domain = OWN("moment.example"), .has_policy = true, .failures = 1, .problem = OWN("timeout")},
    {.domain = OWN("none.example"),
     .has_policy = true,
     .doubt = OWN("the provider has withdrawn it")},
};

static const struct {
    const char *name;
    struct attention_facts facts;
    struct loader_status loaded;
    struct acme_status acme;
    struct mirror_status mirror;
    bool has_acme;
    const char *want; /* "CODE COUNT SUBJECT" of all that is found, one a line */
    const char *text; /* a part of the first one's */
} rows[] = {
    {.name = "all is well", .want = ""},
    {.name = "loading",
     .facts.loading = "Loading: policies",
     .want = "loading 1 -\n",
     .text = "Loading: policies; "},
    {.name = "stopping", .facts.stopping = true, .want = "stopping 1 -\n", .text = "is stopping"},
    {.name = "configuration in error",
     .facts.configuration_problem = "/m.yaml:3:1: error: x",
     .want = "configuration-in-error 1 -\n",
     .text = "/m.yaml:3:1: error: x; mend it"},
    {.name = "restart needed",
     .facts.restart_keys = "workers,state",
     .want = "restart-needed 2 workers,state\n",
     .text = "workers,state; restart the server"},
    {.name = "no restart needed", .facts.restart_keys = "", .want = ""},
    {.name = "files in error",
     .loaded = {.counts.files_in_error = 2,
                .diagnostics = {.items = broken, .count = 4, .errors = 3}},
     .want = "files-in-error 2 /p/b.yaml\n",
     .text = "2 files are in error"},
    {.name = "certificate files alone in error",
     .loaded.diagnostics = {.items = broken + 3, .count = 1, .errors = 1},
     .want = "files-in-error 1 /p/c.yaml\n",
     .text = "1 file is in error"},
    {.name = "more files in error than are listed",
     .loaded = {.counts.files_in_error = 5000,
                .diagnostics = {.items = broken, .count = 4, .errors = 9000, .dropped = 8000}},
     .want = "files-in-error 5000 /p/b.yaml\n"},
    {.name = "warnings", .loaded.diagnostics = {.items = odd, .count = 1}, .want = ""},
    {.name = "certificates that we may not read, which is one error of the first",
     .loaded = {.certificates_in_error = 197,
                .denied = {197, OWN("/p/c.yaml"), OWN("cannot list /p"), OWN("let x read it")},
                .diagnostics = {.items = broken + 3, .count = 1, .errors = 1}},
     .want = "certificates-denied 197 /p/c.yaml\n",
     .text = "197 paths of certificates may not be read by the server's user: cannot list /p; let "
             "x read it"},
    {.name = "beside them, files in error",
     .loaded = {.certificates_in_error = 1,
                .denied = {1, OWN("/p/c.yaml"), OWN("cannot list /p"), OWN("let x read it")},
                .counts.files_in_error = 1,
                .diagnostics = {.items = broken, .count = 4, .errors = 3}},
     .want = "files-in-error 1 /p/b.yaml\ncertificates-denied 1 /p/c.yaml\n"},
    {.name = "beside them, removals held",
     .loaded = {.certificates_in_error = 1,
                .denied = {1, OWN("/p/c.yaml"), OWN("cannot list /p"), OWN("let x read it")},
                .counts.removals_held = 2},
     .want = "certificates-denied 1 /p/c.yaml\nremovals-held 2 -\n"},
    {.name = "removals held, which are an error of the directory",
     .loaded = {.counts.removals_held = 120,
                .diagnostics = {.items = broken + 3, .count = 1, .errors = 1}},
     .want = "removals-held 120 -\n",
     .text = "120 domains is held; put the files back, or \"mtasts-host reload --accept-removals\" "
             "accepts it, with PATH that of one file or directory that \"problems\" names"},
    {.name = "a file that is not closed, which is an error of it",
     .loaded = {.counts = {.files_still_open = 1, .files_in_error = 1},
                .diagnostics = {.items = broken + 3, .count = 1, .errors = 1}},
     .want = "still-open 1 -\n",
     .text =
         "1 file takes something away and is not closed, or cut off at the end, so what it took "
         "is served still; let the writer finish, save anew, or \"mtasts-host reload "
         "--accept-removals\""},
    {.name = "beside files that are not closed, others in error",
     .loaded = {.counts = {.files_still_open = 2, .files_in_error = 5},
                .diagnostics = {.items = broken, .count = 4, .errors = 3}},
     .want = "files-in-error 3 -\nstill-open 2 -\n"},
    {.name = "beside removals that are held, certificates in error",
     .loaded = {.counts.removals_held = 2,
                .certificates_in_error = 1,
                .diagnostics = {.items = broken, .count = 4, .errors = 3}},
     .want = "files-in-error 1 -\nremovals-held 2 -\n"},
    {.name = "what is served is not remembered",
     .loaded.memory_problem = OWN("/s/served.db: No space left on device"),
     .want = "not-remembered 1 -\n",
     .text = "by mistake: /s/served.db: No space left on device; mend that"},
    {.name = "names without a certificate within the grace",
     .loaded.found.names_without_certificate = 5,
     .want = ""},
    {.name = "names without a certificate past it",
     .loaded.found = {.names_without_certificate = 5,
                      .concerns.without = {2, OWN("mta-sts.a.test")}},
     .want = "names-without-certificate 2 mta-sts.a.test\n",
     .text = "mta-sts.a.test and others; put one where `certificates` points"},
    {.name = "with ACME: tenants that do not point here yet",
     .has_acme = true,
     .loaded.found = {.names_without_certificate = 5, .concerns.without.count = 5},
     .acme.hosts[ACME_STATE_WAITING] = 5,
     .want = ""},
    {.name = "with ACME: one that does",
     .has_acme = true,
     .loaded.found = {.names_without_certificate = 5, .concerns.without.count = 5},
     .acme.without = {1, OWN("mta-sts.b.test")},
     .want = "names-without-certificate 1 mta-sts.b.test\n",
     .text = "1 name had no certificate for an hour, so senders get no policy: mta-sts.b.test; "
             "\"mtasts-host cert list\" says why"},
    {.name = "a certificate from files that ends",
     .loaded.found.concerns.ending = {1, OWN("mta-sts.a.test"), OWN("/c/a.pem"), NOW_S + 86400},
     .want = "certificates-ending 1 mta-sts.a.test\n",
     .text = "1 certificate ends soon and nobody has renewed it: mta-sts.a.test in /c/a.pem; "},
    {.name = "a certificate by ACME that ends",
     .has_acme = true,
     .acme.ending = {3, OWN("mta-sts.b.test")},
     .want = "certificates-ending 3 mta-sts.b.test\n",
     .text = "3 certificates end soon and nobody has renewed them: mta-sts.b.test; "},
    {.name = "ACME cannot order",
     .has_acme = true,
     .acme.problem = OWN("the disk is full"),
     .want = "acme-cannot-order 1 -\n",
     .text = "no certificate can be ordered: the disk is full"},
    {.name = "a CA that does not take orders",
     .has_acme = true,
     .acme = {.cas = cas, .ca_count = 2},
     .want = "acme-cannot-order 1 letsencrypt\n",
     .text = "no certificate can be ordered at letsencrypt: the account is deactivated"},
    {.name = "another process orders", .has_acme = true, .acme.orders = false, .want = ""},
    {.name = "mirrors that fail",
     .mirror = {rows_failing, 4},
     .want = "mirrors-failing 2 new.example\n",
     .text = "no such host; domains that are to have it wait"},
    {.name = "mirrors that do not, or for a moment", .mirror = {rows_odd, 2}, .want = ""},
    {.name = "several",
     .facts.restart_keys = "workers",
     .loaded = {.counts.removals_held = 1},
     .mirror = {rows_failing + 3, 1},
     .want = "restart-needed 1 workers\nremovals-held 1 -\nmirrors-failing 1 old.example\n",
     .text = "workers"},
};

static void find(size_t row, int64_t now_s, struct attentions *found)
{
    struct attention_facts facts = rows[row].facts;
    facts.loaded = &rows[row].loaded;
    facts.acme = rows[row].has_acme ? &rows[row].acme : NULL;
    facts.mirror = &rows[row].mirror;
    facts.now_s = now_s;
    attentions_find(&facts, found);
}

static void test_each(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP(buffer_clear) struct buffer got = BUFFER(4096);
        const char *text = NULL; /* the first one's */
        struct attentions found = {0};
        find(i, NOW_S, &found);
        find(i, NOW_S + GRACE_S, &found);
        for (int code = 0; code < ATTENTION_CODES; code++) {
            const struct attention *item = &found.items[code];
            if (item->count != 0) {
                buffer_printf(&got, "%s %zu %s\n", attention_name((enum attention_code)code),
                              item->count, item->subject != NULL ? item->subject : "-");
                text = text != NULL ? text : item->text;
                assert_int_equal(item->since_s, NOW_S);
                assert_non_null(strstr(item->text, "; "));
            }
        }
        if (!bytes_equal(buffer_bytes(&got), bytes_of(rows[i].want)) ||
            (rows[i].text != NULL && strstr(text, rows[i].text) == NULL)) {
            fail_msg("%s: got \"%s\", \"%s\"", rows[i].name, got.p, text);
        }
        attentions_clear(&found);
    }
}

/* One that got no row would be told by nobody. */
static void test_every_code_has_a_row(void **state)
{
    (void)state;
    for (int code = 0; code < ATTENTION_CODES; code++) {
        size_t found = 0;
        const char *name = attention_name((enum attention_code)code);
        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
            found += strncmp(rows[i].want, name, strlen(name)) == 0;
        }
        if (found == 0) {
            fail_msg("no row for %s", name);
        }
    }
}

static size_t row_named(const char *name)
{
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (strcmp(rows[i].name, name) == 0) {
            return i;
        }
    }
    fail_msg("no row \"%s\"", name);
    return 0;
}

static void test_since_stays_while_it_stands(void **state)
{
    (void)state;
    struct attentions found = {0};
    const struct attention *restart = &found.items[ATTENTION_RESTART_NEEDED];
    const struct attention *held = &found.items[ATTENTION_REMOVALS_HELD];
    find(row_named("restart needed"), NOW_S, &found);
    find(row_named("several"), NOW_S + 10, &found);
    assert_int_equal(restart->since_s, NOW_S);
    assert_int_equal(held->since_s, NOW_S + 10);
    find(row_named("all is well"), NOW_S + 20, &found);
    assert_int_equal(restart->since_s, 0);
    find(row_named("restart needed"), NOW_S + 30, &found);
    assert_int_equal(restart->since_s, NOW_S + 30);

    json_t *list = attentions_json(&found);
    CLEANUP_FREE char *text = json_dumps(list, JSON_COMPACT);
    assert_string_equal(text,
                        "[{\"code\":\"restart-needed\",\"subject\":\"workers,state\",\"count\":2,"
                        "\"since\":1800000030,\"text\":\"changes of the main configuration "
                        "wait for a restart: workers,state; restart the server\"}]");
    json_decref(list);
    attentions_clear(&found);
}

/* The problem of a moment is none. */
static void test_acme_has_a_grace(void **state)
{
    (void)state;
    struct attentions found = {0};
    const struct attention *acme = &found.items[ATTENTION_ACME_CANNOT_ORDER];
    find(row_named("ACME cannot order"), NOW_S, &found);
    find(row_named("ACME cannot order"), NOW_S + GRACE_S - 1, &found);
    assert_int_equal(acme->count, 0);
    assert_null(acme->text);
    find(row_named("all is well"), NOW_S + GRACE_S, &found);
    find(row_named("ACME cannot order"), NOW_S + GRACE_S + 1, &found);
    assert_int_equal(acme->count, 0);
    find(row_named("ACME cannot order"), NOW_S + 2 * GRACE_S + 1, &found);
    assert_int_equal(acme->count, 1);
    assert_int_equal(acme->since_s, NOW_S + GRACE_S + 1);
    attentions_clear(&found);
}

/* What the log has of FOUND since the last call; the caller frees it. */
static char *logged(struct attentions *found)
{
    int ends[2];
    char text[4096] = "";
    assert_int_equal(pipe(ends), 0);
    struct log *log = log_new(ends[1], LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
    attentions_log(found, log);
    log_free(log);
    close(ends[1]);
    assert_true(read(ends[0], text, sizeof(text) - 1) >= 0);
    close(ends[0]);
    return memory_string(text);
}

static void test_the_log_has_no_token_of_a_ca(void **state)
{
    (void)state;
    struct acme_status_ca paused = {
        .name = OWN("ca"),
        .problem = OWN("your account is paused https://ca.example/unpause?jwt=abc"),
    };
    const struct acme_status acme = {.cas = &paused, .ca_count = 1};
    struct attentions found = {0};
    attentions_find(&(struct attention_facts){.acme = &acme, .now_s = NOW_S}, &found);
    attentions_find(&(struct attention_facts){.acme = &acme, .now_s = NOW_S + GRACE_S}, &found);
    assert_non_null(strstr(found.items[ATTENTION_ACME_CANNOT_ORDER].text, "?jwt=abc; mend"));
    CLEANUP_FREE char *line = logged(&found);
    assert_non_null(strstr(line, "paused https://ca.example/unpause?"));
    assert_null(strstr(line, "abc"));
    attentions_clear(&found);
}

static void test_the_log_has_each_once(void **state)
{
    (void)state;
    struct attentions found = {0};
    find(row_named("restart needed"), NOW_S, &found);
    CLEANUP_FREE char *first = logged(&found);
    assert_non_null(strstr(first, " warning server.attention code=restart-needed count=2 text="));
    find(row_named("restart needed"), NOW_S + 1, &found);
    CLEANUP_FREE char *second = logged(&found);
    assert_string_equal(second, "");
    find(row_named("all is well"), NOW_S + 2, &found);
    CLEANUP_FREE char *third = logged(&found);
    assert_non_null(strstr(third, " info server.attention.over code=restart-needed\n"));
    CLEANUP_FREE char *fourth = logged(&found);
    assert_string_equal(fourth, "");
    attentions_clear(&found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each),
        cmocka_unit_test(test_every_code_has_a_row),
        cmocka_unit_test(test_since_stays_while_it_stands),
        cmocka_unit_test(test_acme_has_a_grace),
        cmocka_unit_test(test_the_log_has_each_once),
        cmocka_unit_test(test_the_log_has_no_token_of_a_ca),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
