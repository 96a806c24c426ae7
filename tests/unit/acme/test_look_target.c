#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "acme/look_target.h"
#include "lib/base/memory.h"

struct row {
    const char *name;
    const char *url;
    const char *want; /* HOST:PORT; NULL: refused … */
    const char *why;  /* … with this in the error */
};

/* The look's own ports are 8080 and 8443. */
static const struct row rows[] = {
    {"http", "http://www.example.org/x", "www.example.org:80", NULL},
    {"https", "https://www.example.org/", "www.example.org:443", NULL},
    {"no path", "https://www.example.org", "www.example.org:443", NULL},
    {"the other's port", "http://www.example.org:443/", "www.example.org:443", NULL},
    {"port 80 by TLS", "https://www.example.org:80/", "www.example.org:80", NULL},
    {"upper case", "HTTPS://WWW.Example.ORG/", "www.example.org:443", NULL},
    {"a dot at the end", "https://www.example.org./", "www.example.org:443", NULL},
    {"our own http port", "http://www.example.org:8080/", "www.example.org:8080", NULL},
    {"our own https port", "https://www.example.org:8443/", "www.example.org:8443", NULL},
    {"a host that begins as an address", "http://127.0.0.1.example.org/",
     "127.0.0.1.example.org:80", NULL},
    {"a name alone", "http://localhost/", "localhost:80", NULL}, /* the address is judged */
    {"a user before the host", "http://127.0.0.1@www.example.org/", "www.example.org:80", NULL},

    {"another port", "http://www.example.org:81/", NULL, "ports 80 and 443"},
    {"a port of the inside", "http://www.example.org:25/", NULL, "ports 80 and 443"},
    {"port 0", "http://www.example.org:0/", NULL, "ports 80 and 443"},
    {"a port that wraps", "http://www.example.org:65616/", NULL, "redirects to"},
    {"ftp", "ftp://www.example.org/", NULL, "no HTTP"},
    {"file", "file:///etc/passwd", NULL, "redirects to"},
    {"gopher", "gopher://www.example.org:80/x", NULL, "no HTTP"},
    {"javascript", "javascript:alert(1)", NULL, "redirects to"},
    {"no URL", "http://", NULL, "no URL"},
    {"spaces", "http://a b/", NULL, "no URL"},

    {"an address", "http://127.0.0.1/", NULL, "an address"},
    {"a public address", "http://192.88.99.1/", NULL, "an address"},
    {"short", "http://127.1/", NULL, "an address"},
    {"hexadecimal", "http://0x7f000001/", NULL, "an address"},
    {"hexadecimal by octets", "http://0x7f.0.0.0x1/", NULL, "an address"},
    {"octal", "http://0177.0.0.1/", NULL, "an address"},
    {"one number", "http://2130706433/", NULL, "an address"},
    {"nought", "http://0/", NULL, "an address"},
    {"with a dot at the end", "http://127.0.0.1./", NULL, "an address"},
    {"percent-encoded", "http://%31%32%37.0.0.1/", NULL, "an address"},
    {"full-width digits", "http://\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.1/", NULL, "an address"},
    {"IPv6", "http://[::1]/", NULL, "an address"},
    {"IPv4 in IPv6", "http://[::ffff:127.0.0.1]/", NULL, "an address"},
    {"IPv6 with a zone", "http://[fe80::1%25lo]/", NULL, "an address"},
    {"a user before an address", "http://www.example.org@127.0.0.1/", NULL, "an address"},
    {"a backslash", "http://www.example.org\\@127.0.0.1/", NULL, "redirects to"},
    {"a fragment that looks like a host", "http://127.0.0.1#@www.example.org/", NULL, "an address"},
};

static void check_row(const struct row *row)
{
    const int own_ports[] = {8080, 8443};
    struct look_target target = {0};
    struct error e = {0};
    char found[512] = "";
    bool taken = look_target_parse(row->url, own_ports, &target, &e);
    if (taken) {
        assert_string_equal(target.url, row->url);
        snprintf(found, sizeof(found), "%s:%d", target.host, target.port);
    }
    look_target_clear(&target);
    if (taken != (row->want != NULL) || (taken && strcmp(found, row->want) != 0)) {
        fail_msg("%s: %s%s", row->name, found, e.text);
    }
    if (!taken && strstr(e.text, row->why) == NULL) {
        fail_msg("%s: \"%s\" has no \"%s\"", row->name, e.text, row->why);
    }
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        check_row(&rows[i]);
    }
}

/* A look that asks on no port of its own (`off` is 0) gives no leave for port 0. */
static void test_no_port_of_its_own(void **state)
{
    (void)state;
    const int own_ports[] = {0, 0};
    struct look_target target = {0};
    struct error e;
    assert_false(look_target_parse("http://www.example.org:0/", own_ports, &target, &e));
    assert_false(look_target_parse("http://www.example.org:8080/", own_ports, &target, &e));
    assert_true(look_target_parse("http://www.example.org/", own_ports, &target, &e));
    look_target_clear(&target);
}

static void test_a_long_url(void **state)
{
    (void)state;
    const int own_ports[] = {0, 0};
    struct look_target target = {0};
    struct error e;
    CLEANUP_FREE char *url = memory_printf("http://www.example.org/%0*d", LOOK_URL_MAX, 0);
    assert_false(look_target_parse(url, own_ports, &target, &e));
    assert_int_equal(e.code, ERROR_LIMIT);
    url[LOOK_URL_MAX] = '\0';
    assert_true(look_target_parse(url, own_ports, &target, &e));
    look_target_clear(&target);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_no_port_of_its_own),
        cmocka_unit_test(test_a_long_url),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
