/* What the answer of `status` gives as metrics, row by row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/memory.h"
#include "server/metrics.h"

enum { NOW_S = 1800000000 };

/* WANT is a line of what STATUS gives; a row that begins with "!" must not be in it. */
static const struct {
    const char *name;
    const char *status;
    const char *want;
} ROWS[] = {
    {"a number", "{\"domains\": 3}", "\nmtasts_host_domains 3\n"},
    {"its type", "{\"domains\": 3}", "\n# TYPE mtasts_host_domains gauge\n"},
    {"a counter", "{\"reloads\": 2}", "\n# TYPE mtasts_host_reloads_total counter\n"},
    {"what is not in it", "{\"domains\": 3}", "!mtasts_host_files"},
    {"no number", "{\"domains\": \"3\"}", "!mtasts_host_domains"},
    {"in a member", "{\"connections\": {\"current\": 7}}", "\nmtasts_host_connections 7\n"},
    {"by label", "{\"handshakes\": {\"done\": 5, \"refused\": 1}}",
     "\nmtasts_host_handshakes_total{outcome=\"done\"} 5\n"
     "mtasts_host_handshakes_total{outcome=\"refused\"} 1\n"},
    {"in a member of a member", "{\"acme\": {\"hosts\": {\"valid\": 4}}}",
     "\nmtasts_host_acme_hosts{state=\"valid\"} 4\n"},
    {"by two labels", "{\"answers\": {\"http/2\": {\"200\": 9}}}",
     "\nmtasts_host_answers_total{protocol=\"http/2\",status=\"200\"} 9\n"},
    {"a label with a quote", "{\"handshakes\": {\"a\\\"b\\\\c\": 1}}",
     "{outcome=\"a\\\"b\\\\c\"} 1\n"},
    {"a moment to come", "{\"nearest_expiry\": 1800000060}",
     "\nmtasts_host_certificates_nearest_expiry_seconds 60\n"},
    {"a moment that is past", "{\"nearest_expiry\": 1799999990}",
     "\nmtasts_host_certificates_nearest_expiry_seconds -10\n"},
    {"no moment", "{\"nearest_expiry\": null}", "!nearest_expiry"},
    {"an age", "{\"mirror\": {\"oldest\": 1799999000}}",
     "\nmtasts_host_mirrors_oldest_seconds 1000\n"},
    {"the version", "{\"version\": \"1.2\"}", "mtasts_host_build_info{version=\"1.2\"} 1\n"},
    {"no version", "{}", "!build_info"},
    {"the state", "{\"state\": \"serving\"}",
     "\nmtasts_host_state{state=\"loading\"} 0\nmtasts_host_state{state=\"serving\"} 1\n"},
    {"attention", "{\"attention\": [{\"code\": \"files-in-error\", \"count\": 2}]}",
     "\nmtasts_host_attention{code=\"files-in-error\"} 2\n"},
    {"no attention", "{\"attention\": []}", "\nmtasts_host_attention{code=\"files-in-error\"} 0\n"},
    {"an older server's", "{}", "!attention{"},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        CLEANUP(buffer_clear) struct buffer text = BUFFER(METRICS_TEXT_MAX);
        json_t *status = json_loads(ROWS[i].status, 0, NULL);
        assert_non_null(status);
        buffer_add_string(&text, "\n");
        metrics_text(status, NOW_S, &text);
        json_decref(status);
        buffer_add(&text, (struct bytes){"", 1});
        bool wanted = ROWS[i].want[0] != '!';
        if ((strstr(text.p, ROWS[i].want + !wanted) != NULL) != wanted) {
            fail_msg("%s: %s: %s", ROWS[i].name, ROWS[i].want, text.p);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
