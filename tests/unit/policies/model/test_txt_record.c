#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/memory.h"
#include "policies/model/txt_record.h"

enum { TEXT_MAX = 64 * 1024 };

#define A_50  "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee"
#define A_250 A_50 A_50 A_50 A_50 A_50

static void test_data(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer out = BUFFER(TEXT_MAX);
    txt_record_sts(BYTES("20260602001"), &out);
    assert_string_equal(out.p, "v=STSv1; id=20260602001;");
    buffer_reset(&out);
    txt_record_tlsrpt(BYTES("mailto:a@example.org,https://b.example/v1"), &out);
    assert_string_equal(out.p, "v=TLSRPTv1; rua=mailto:a@example.org,https://b.example/v1");
}

static void test_report_uris(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *uri;
        const char *want; /* NULL: refused */
        const char *error;
    } rows[] = {
        {"mail", "mailto:tls@example.org", "mailto:tls@example.org", NULL},
        {"scheme in upper case", "MAILTO:tls@example.org", "mailto:tls@example.org", NULL},
        {"mail with a subject", "mailto:tls@example.org?subject=a",
         "mailto:tls@example.org?subject=a", NULL},
        {"https", "https://reports.example.org/v1", "https://reports.example.org/v1", NULL},
        {"https without a path", "HTTPS://reports.example.org", "https://reports.example.org",
         NULL},
        {"https with a port", "https://reports.example.org:8443/v1?a=b",
         "https://reports.example.org:8443/v1?a=b", NULL},
        {"the record's separators", "https://r.example/a!b,c;d", "https://r.example/a%21b%2Cc%3Bd",
         NULL},
        {"separators in a mail address", "mailto:a!b;c@example.org", "mailto:a%21b%3Bc@example.org",
         NULL},
        {"encoded already", "https://r.example/a%2cb", "https://r.example/a%2cb", NULL},
        {"empty", "", NULL, "neither a mailto: nor an https:"},
        {"an address alone", "tls@example.org", NULL, "neither a mailto: nor an https:"},
        {"http", "http://reports.example.org", NULL, "neither a mailto: nor an https:"},
        {"mail without an address", "mailto:", NULL, "no mail address"},
        {"mail without a domain", "mailto:tls", NULL, "no mail address"},
        {"mail without a local part", "mailto:@example.org", NULL, "no mail address"},
        {"an empty domain", "mailto:tls@", NULL, "name is empty"},
        {"a domain of one's own", "mailto:tls@exa_mple.org", NULL, "underscore"},
        {"two addresses", "mailto:a@example.org,b@example.org", NULL, "more than one"},
        {"https without a host", "https:///v1", NULL, "name is empty"},
        {"https with a user", "https://me@r.example/", NULL, "other than a host and a port"},
        {"https with a password", "https://me:pw@r.example/", NULL, "other than a host and a port"},
        {"port 0", "https://r.example:0/", NULL, "other than a host and a port"},
        {"port 65536", "https://r.example:65536/", NULL, "other than a host and a port"},
        {"port of many digits", "https://r.example:99999999999999999999/", NULL,
         "other than a host and a port"},
        {"an empty port", "https://r.example:/", NULL, "other than a host and a port"},
        {"white space", "mailto:a b@example.org", NULL, "percent-encode"},
        {"a quote", "https://r.example/\"", NULL, "percent-encode"},
        {"a line end", "https://r.example/\n", NULL, "percent-encode"},
        {"not ASCII", "https://r.example/ü", NULL, "percent-encode"},
        {"half an escape", "https://r.example/%2", NULL, "two hex digits"},
        {"no escape", "https://r.example/%zz", NULL, "two hex digits"},
        {"1,001 octets", "https://r.example/" A_250 A_250 A_250 A_250, NULL, "may have 1000"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP(buffer_clear) struct buffer out = BUFFER(TEXT_MAX);
        struct error e = {0};
        bool ok = txt_record_tlsrpt_uri(bytes_of(rows[i].uri), &out, &e);
        const char *got = out.p != NULL ? out.p : "";
        if (ok != (rows[i].want != NULL) || (ok && strcmp(got, rows[i].want) != 0) ||
            (!ok && (strstr(e.text, rows[i].error) == NULL || out.n != 0))) {
            fail_msg("%s: \"%s\", error \"%s\"", rows[i].name, got, e.text);
        }
    }
}

static void test_lines(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct bytes data;
        const char *strings;
    } rows[] = {
        {"plain", BYTES("v=STSv1; id=1;"), "\"v=STSv1; id=1;\""},
        {"empty", BYTES(""), "\"\""},
        {"quotes and backslashes", BYTES("a\"b\\c"), "\"a\\\"b\\\\c\""},
        {"controls and octets past ASCII", BYTES("\n\0\x7f\xff"), "\"\\010\\000\\127\\255\""},
        {"255 octets", BYTES(A_250 "12345"), "\"" A_250 "12345\""},
        {"256 octets", BYTES(A_250 "123456"), "\"" A_250 "12345\" \"6\""},
        {"255 octets before they are escaped", BYTES(A_250 "\"\"\"\"\"\""),
         "\"" A_250 "\\\"\\\"\\\"\\\"\\\"\" \"\\\"\""},
        {"510 octets", BYTES(A_250 "12345" A_250 "12345"), "\"" A_250 "12345\" \"" A_250 "12345\""},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct txt_record record = {BYTES("_mta-sts.example.org"), rows[i].data, 300};
        CLEANUP(buffer_clear) struct buffer out = BUFFER(TEXT_MAX);
        CLEANUP_FREE char *zone =
            memory_printf("_mta-sts.example.org. 300 IN TXT %s\n", rows[i].strings);
        CLEANUP_FREE char *update = memory_printf("update delete _mta-sts.example.org. TXT\n"
                                                  "update delete _mta-sts.example.org. CNAME\n"
                                                  "update add _mta-sts.example.org. 300 TXT %s\n"
                                                  "send\n",
                                                  rows[i].strings);
        txt_record_zone_line(&record, &out);
        if (strcmp(out.p, zone) != 0) {
            fail_msg("%s: %s", rows[i].name, out.p);
        }
        buffer_reset(&out);
        txt_record_nsupdate_lines(&record, &out);
        if (strcmp(out.p, update) != 0) {
            fail_msg("%s: %s", rows[i].name, out.p);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_data),
        cmocka_unit_test(test_report_uris),
        cmocka_unit_test(test_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
