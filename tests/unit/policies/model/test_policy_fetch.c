/* Fetches from a real HTTPS server (policy_server.py) with certificates of a CA of its own. */
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../lib/dns/knot.h"
#include "lib/base/memory.h"
#include "policies/model/policy.h"
#include "policies/model/policy_fetch.h"

static struct {
    char directory[32];
    char *certificate;
    char *key;
    pid_t pid;
    int hold; /* the server's standard input: it ends when this closes */
    char current[32];
    char old[32];
} server;

static const char policy[] =
    "version: STSv1\r\nmode: enforce\r\nmx: mx.example.org\r\nmax_age: 604800\r\n";

static void make_certificate(void)
{
    strcpy(server.directory, "/tmp/mtasts-fetch.XXXXXX");
    assert_non_null(mkdtemp(server.directory));
    server.certificate = memory_printf("%s/certificate.pem", server.directory);
    server.key = memory_printf("%s/key.pem", server.directory);
    CLEANUP_FREE char *command = memory_printf(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
        "-subj /CN=test -addext 'subjectAltName=DNS:mta-sts.good.example,%s' "
        "-keyout %s -out %s 2>/dev/null",
        "DNS:mta-sts.gzip.example,DNS:mta-sts.bomb.example,DNS:mta-sts.nogzip.example,"
        "DNS:mta-sts.coding.example,DNS:mta-sts.charset.example,DNS:mta-sts.empty.example,DNS:mta-"
        "sts.largest.example,"
        "DNS:mta-sts.larger.example,DNS:mta-sts.endless.example,DNS:mta-sts.html.example,"
        "DNS:mta-sts.similar.example,DNS:mta-sts.untyped.example,DNS:mta-sts.redirect.example,"
        "DNS:mta-sts.missing.example,DNS:mta-sts.gone.example,DNS:mta-sts.created.example,"
        "DNS:mta-sts.broken.example,DNS:mta-sts.slow.example,DNS:mta-sts.short.example,"
        "DNS:mta-sts.fields.example,DNS:mta-sts.hints.example",
        server.key, server.certificate);
    assert_int_equal(system(command), 0);
}

static int start(void **state)
{
    (void)state;
    int in[2];
    int out[2];
    make_certificate();
    assert_int_equal(pipe2(in, O_CLOEXEC) | pipe2(out, O_CLOEXEC), 0);
    server.pid = fork();
    assert_true(server.pid >= 0);
    if (server.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(in[0], STDIN_FILENO);
        dup2(out[1], STDOUT_FILENO);
        execlp("python3", "python3", TEST_DATA_DIR "/../unit/policies/model/policy_server.py",
               server.certificate, server.key, (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    server.hold = in[1];
    FILE *ports = fdopen(out[0], "r");
    unsigned current = 0;
    unsigned old = 0;
    assert_int_equal(fscanf(ports, "%u %u", &current, &old), 2);
    fclose(ports);
    snprintf(server.current, sizeof(server.current), "127.0.0.1:%u", current);
    snprintf(server.old, sizeof(server.old), "127.0.0.1:%u", old);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    close(server.hold);
    if (server.pid > 0) { /* 0: it was never begun; kill(2) would take that for all of us */
        kill(server.pid, SIGKILL);
        waitpid(server.pid, NULL, 0);
    }
    nftw(server.directory, remove_path, 16, FTW_DEPTH | FTW_PHYS);
    free(server.certificate);
    free(server.key);
    return 0;
}

static void test_fetches_as_senders_do(void **state)
{
    (void)state;
    static const struct {
        const char *domain;
        enum error_code code;
        const char *error;
        int64_t timeout_ms;
    } rows[] = {
        {"good.example", ERROR_NONE, NULL, 0},
        {"charset.example", ERROR_NONE, NULL, 0},
        {"gzip.example", ERROR_NONE, NULL, 0},
        {"bomb.example", ERROR_LIMIT, "more than 65536 octets", 0},
        {"nogzip.example", ERROR_SYNTAX, "without a Content-Encoding", 0},
        {"coding.example", ERROR_SYNTAX, "without a Content-Encoding", 0},
        {"empty.example", ERROR_NONE, NULL, 0},
        {"largest.example", ERROR_NONE, NULL, 0},
        {"larger.example", ERROR_LIMIT, "more than 65536 octets", 0},
        {"endless.example", ERROR_LIMIT, "more than 65536 octets", 0},
        {"html.example", ERROR_SYNTAX, "content type \"text/html\"", 0},
        {"similar.example", ERROR_SYNTAX, "content type \"text/plainer\"", 0},
        {"untyped.example", ERROR_SYNTAX, "content type \"\"", 0},
        {"redirect.example", ERROR_SYNTAX, "status 301; senders follow no redirect", 0},
        {"missing.example", ERROR_NOT_FOUND, "status 404", 0},
        {"gone.example", ERROR_NOT_FOUND, "status 410", 0},
        {"created.example", ERROR_SYNTAX, "status 201", 0},
        {"broken.example", ERROR_RETRY, "status 500", 0},
        {"fields.example", ERROR_SYNTAX, "header fields are too long; correct the server", 0},
        {"hints.example", ERROR_SYNTAX, "header fields are too long; correct the server", 0},
        {"short.example", ERROR_RETRY, "try again", 0},
        {"slow.example", ERROR_RETRY, "timed out", 300},
        {"unnamed.example", ERROR_SYNTAX, "senders refuse the certificate", 0},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP(buffer_clear) struct buffer text = BUFFER(POLICY_BODY_MAX);
        struct error e = {0};
        struct policy_fetch_options options = {.connect_to = server.current,
                                               .ca_file = server.certificate,
                                               .timeout_ms = rows[i].timeout_ms};
        bool ok = policy_fetch(bytes_of(rows[i].domain), &options, &text, &e);
        if (ok != (rows[i].error == NULL) || e.code != rows[i].code ||
            (!ok && (strstr(e.text, rows[i].error) == NULL || text.n != 0))) {
            fail_msg("%s: %d, error \"%s\"", rows[i].domain, e.code, e.text);
        }
        if (ok && i < 2) {
            assert_string_equal(text.p, policy);
        }
    }
}

static void test_appends_up_to_the_buffers_cap(void **state)
{
    (void)state;
    struct policy_fetch_options options = {.connect_to = server.current,
                                           .ca_file = server.certificate};
    CLEANUP(buffer_clear) struct buffer text = BUFFER(sizeof(policy));
    struct error e = {0};
    buffer_add(&text, BYTES("x"));
    assert_true(policy_fetch(BYTES("good.example"), &options, &text, &e));
    assert_int_equal(text.n, sizeof(policy));
    assert_false(policy_fetch(BYTES("good.example"), &options, &text, &e));
    assert_int_equal(e.code, ERROR_LIMIT);
    assert_int_equal(text.n, sizeof(policy));
}

/* Trusts a CA besides the system's as one in their place. */
static void test_trusts_more_than_the_system(void **state)
{
    (void)state;
    struct policy_fetch_options options = {.connect_to = server.current,
                                           .more_ca_file = server.certificate};
    CLEANUP(buffer_clear) struct buffer text = BUFFER(POLICY_BODY_MAX);
    struct error e = {0};
    if (!policy_fetch(BYTES("good.example"), &options, &text, &e)) {
        fail_msg("%s", e.text);
    }
}

static void test_refuses_what_cannot_be_trusted(void **state)
{
    (void)state;
    CLEANUP_FREE char *no_file = memory_printf("%s/none.pem", server.directory);
    CLEANUP(address_rule_cleanup) struct address_rule *rule = address_rule_new(NULL, 0, false);
    const struct {
        const char *name;
        struct policy_fetch_options options;
        enum error_code code;
        const char *error;
    } rows[] = {
        {"a CA that the system does not know",
         {.connect_to = server.current},
         ERROR_SYNTAX,
         "certificate"},
        {"no file of CAs",
         {.connect_to = server.current, .ca_file = no_file},
         ERROR_SYNTAX,
         "readable file"},
        {"no file of CAs besides the system's",
         {.connect_to = server.current, .more_ca_file = no_file},
         ERROR_SYNTAX,
         "readable file"},
        {"TLS 1.1",
         {.connect_to = server.old, .ca_file = server.certificate},
         ERROR_SYNTAX,
         "TLS 1.2"},
        {"nobody there", {.connect_to = "127.0.0.1:1"}, ERROR_RETRY, "try again"},
        {"an address inside",
         {.connect_to = server.current, .rule = rule, .rule_option = "a.option"},
         ERROR_CONFLICT,
         "https://mta-sts.good.example/.well-known/mta-sts.txt: 127.0.0.1 is not a public address; "
         "correct the DNS, or add it to a.option where it is yours"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP(buffer_clear) struct buffer text = BUFFER(POLICY_BODY_MAX);
        struct error e = {0};
        if (policy_fetch(BYTES("good.example"), &rows[i].options, &text, &e) ||
            e.code != rows[i].code || strstr(e.text, rows[i].error) == NULL) {
            fail_msg("%s: %d %s", rows[i].name, e.code, e.text);
        }
    }
}

/* Addresses come from the resolver given, and from nowhere else. */
static void test_asks_the_resolver(void **state)
{
    (void)state;
    static const struct {
        const char *domain;
        enum error_code code; /* ERROR_NONE: got as far as the address */
        const char *error;
    } rows[] = {
        {"nowhere.example.org", ERROR_NOT_FOUND, "no such name"},
        {"mailonly.example.org", ERROR_NOT_FOUND, "has no address"},
        {"refused.example", ERROR_RETRY, "REFUSED"},
        {"example.org", ERROR_NONE, "https://mta-sts.example.org/"},
    };
    struct knot knot;
    knot_start(&knot, "$ORIGIN example.org.\n$TTL 60\n"
                      "@ SOA ns hostmaster 1 3600 600 86400 1\n@ NS ns\nns A 127.0.0.1\n"
                      "mta-sts A 127.0.0.1\nmta-sts AAAA ::1\nmta-sts.mailonly MX 10 ns\n");
    const char *servers[] = {knot.server};
    struct dns_resolver *resolver = NULL;
    struct error e = {0};
    assert_true(dns_resolver_new(servers, 1, &resolver, &e));
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP(buffer_clear) struct buffer text = BUFFER(POLICY_BODY_MAX);
        struct policy_fetch_options options = {.resolver = resolver};
        /* Whatever may listen on this machine's port 443, it has no certificate for the name. */
        assert_false(policy_fetch(bytes_of(rows[i].domain), &options, &text, &e));
        if ((rows[i].code != ERROR_NONE && e.code != rows[i].code) ||
            (rows[i].code == ERROR_NONE && e.code == ERROR_NOT_FOUND) ||
            strstr(e.text, rows[i].error) == NULL) {
            fail_msg("%s: %d %s", rows[i].domain, e.code, e.text);
        }
    }
    dns_resolver_free(resolver);
    knot_stop(&knot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fetches_as_senders_do),
        cmocka_unit_test(test_appends_up_to_the_buffers_cap),
        cmocka_unit_test(test_trusts_more_than_the_system),
        cmocka_unit_test(test_refuses_what_cannot_be_trusted),
        cmocka_unit_test(test_asks_the_resolver),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
