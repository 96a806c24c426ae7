#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/memory.h"
#include "lib/dns/name.h"

#define LABEL_63 "abcdefghijklmnopqrstuvwxyz0123456789-abcdefghijklmnopqrstuvwxyz"
#define NAME_252                                                                                   \
    LABEL_63 "." LABEL_63 "." LABEL_63 "."                                                         \
             "abcdefghijklmnopqrstuvwxyz0123456789-abcdefghijklmnopqrstuvw"

struct row {
    const char *name;
    struct bytes input;
    const char *want;  /* NULL: refused */
    const char *error; /* part of the message */
};

static const struct row rows[] = {
    {"plain", BYTES("mx1.example.org"), "mx1.example.org", NULL},
    {"one label", BYTES("localhost"), "localhost", NULL},
    {"upper case", BYTES("MX1.Example.ORG"), "mx1.example.org", NULL},
    {"trailing dot", BYTES("example.org."), "example.org", NULL},
    {"digits in labels", BYTES("1.2.3.4.example"), "1.2.3.4.example", NULL},
    {"hyphens in third and fourth place", BYTES("r3---sn.example"), "r3---sn.example", NULL},
    {"the same beside a U-label", BYTES("r3---sn.bücher.example"), "r3---sn.xn--bcher-kva.example",
     NULL},
    {"label of 63", BYTES(LABEL_63 ".org"), LABEL_63 ".org", NULL},
    {"label of 64", BYTES(LABEL_63 "x.org"), NULL, "label of 64 octets"},
    {"name of 252", BYTES(NAME_252), NAME_252, NULL},
    {"name of 253", BYTES(NAME_252 "x"), NAME_252 "x", NULL},
    {"name of 253 and a dot", BYTES(NAME_252 "x."), NAME_252 "x", NULL},
    {"name of 254", BYTES(NAME_252 "xy"), NULL, "254 octets"},
    {"name of 2,016",
     BYTES(NAME_252 NAME_252 NAME_252 NAME_252 NAME_252 NAME_252 NAME_252 NAME_252), NULL,
     "DNS allows 253"},

    {"U-label", BYTES("bücher.example"), "xn--bcher-kva.example", NULL},
    {"U-label, upper case", BYTES("BÜCHER.example"), "xn--bcher-kva.example", NULL},
    {"U-label, decomposed",
     BYTES("bu\xcc\x88"
           "cher.example"),
     "xn--bcher-kva.example", NULL},
    {"sharp s stays (non-transitional)", BYTES("faß.de"), "xn--fa-hia.de", NULL},
    {"ideographic full stop",
     BYTES("mx\xe3\x80\x82"
           "example"),
     "mx.example", NULL},
    {"ideographic full stop at the end", BYTES("mx.example\xe3\x80\x82"), "mx.example", NULL},
    {"full-width letters", BYTES("\xef\xbd\x8d\xef\xbd\x98.example"), "mx.example", NULL},
    {"Japanese top-level domain", BYTES("メール.日本"), "xn--4dkua4c.xn--wgv71a", NULL},
    {"A-label", BYTES("XN--BCHER-KVA.example"), "xn--bcher-kva.example", NULL},
    {"A-label that does not decode", BYTES("XN--99999999.example"), "xn--99999999.example", NULL},
    {"A-label of a sign that IDNA has not", BYTES("xn--ls8h.la"), "xn--ls8h.la", NULL},
    {"such a sign", BYTES("\xf0\x9f\x92\xa9.la"), NULL, "write its xn-- form"},
    {"A-label with an underscore", BYTES("xn--99999999_.example"), NULL, "underscore"},
    {"A-label of nothing", BYTES("xn--.example"), NULL, "hyphen"},
    {"A-label that is plain ASCII", BYTES("xn--abc-.example"), NULL, "hyphen"},
    {"symbol that IDNA forbids", BYTES("♥.example"), NULL, "internationalised"},
    {"not UTF-8", BYTES("\xff.example"), NULL, "\"\\xff.example\" is not"},
    {"U-label too long",
     BYTES("ääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääää.example"), NULL,
     "internationalised"},
    {"full-width IPv4", BYTES("１２７.0.0.1"), NULL, "IP address"},

    {"empty", BYTES(""), NULL, "the name is empty"},
    {"a dot", BYTES("."), NULL, "empty label"},
    {"two dots at the end", BYTES("example.org.."), NULL, "empty label"},
    {"leading dot", BYTES(".example.org"), NULL, "empty label"},
    {"empty label", BYTES("mx..example.org"), NULL, "empty label"},
    {"empty label beside a U-label", BYTES("bücher..example"), NULL, "empty label"},
    {"underscore", BYTES("_dmarc.example.org"), NULL, "underscore"},
    {"star", BYTES("*.example.org"), NULL, "has a star"},
    {"leading space", BYTES(" example.org"), NULL, "white space"},
    {"trailing newline", BYTES("example.org\n"), NULL, "white space"},
    {"IPv4", BYTES("192.0.2.1"), NULL, "is an IP address"},
    {"IPv4 in brackets", BYTES("[192.0.2.1]"), NULL, "is an address"},
    {"IPv6", BYTES("2001:db8::1"), NULL, "is an address"},
    {"IPv6 literal", BYTES("[IPv6:2001:db8::1]"), NULL, "is an address"},
    {"a port", BYTES("mx.example.org:25"), NULL, "has a port"},
    {"a URL", BYTES("https//mx.example.org"), NULL, "URL"},
    {"a mail address", BYTES("me@example.org"), NULL, "mail address"},
    {"last label of digits", BYTES("mx.example.1"), NULL, "digits alone"},
    {"digits alone", BYTES("42"), NULL, "digits alone"},
    {"leading hyphen", BYTES("-mx.example"), NULL, "hyphen"},
    {"trailing hyphen", BYTES("mx-.example"), NULL, "hyphen"},
    {"NUL", BYTES("mx\0.example"), NULL, "\"mx\\x00.example\" has a character"},
    {"escape sequence", BYTES("\x1b[31mmx"), NULL, "\"\\x1b[31mmx\""},
    {"right-to-left override", BYTES("a b\xe2\x80\xae.example"), NULL, "\\xe2\\x80\\xae"},
};

static void test_normalises(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const struct row *row = &rows[i];
        struct dns_name name = {0};
        struct error e = {0};
        bool ok = dns_name_normalise(row->input, &name, &e);
        if (ok != (row->want != NULL) || (ok && strcmp(name.text, row->want) != 0) ||
            (!ok && strstr(e.text, row->error) == NULL)) {
            fail_msg("%s: \"%s\", error \"%s\"", row->name, name.text, e.text);
        }
        if (ok) {
            struct dns_name again = {0};
            assert_int_equal(name.n, strlen(name.text));
            assert_true(dns_name_normalise(dns_name_bytes(&name), &again, &e));
            assert_string_equal(again.text, name.text);
        } else {
            assert_int_equal(name.n, 0);
            assert_non_null(strpbrk(e.text, ";:"));
        }
    }
}

static void test_is_under(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *apex;
        bool want;
    } cases[] = {
        {"example.org", "example.org", true},
        {"a.example.org", "example.org", true},
        {"a.b.example.org", "example.org", true},
        {"badexample.org", "example.org", false},
        {"example.org", "a.example.org", false},
        {"example.org", "org", true},
        {"example.org", "", false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        if (dns_name_is_under(bytes_of(cases[i].name), bytes_of(cases[i].apex)) != cases[i].want) {
            fail_msg("%s under %s", cases[i].name, cases[i].apex);
        }
    }
}

static void test_show_cuts_long_text(void **state)
{
    (void)state;
    struct dns_name_shown shown = dns_name_show(BYTES(NAME_252));
    assert_int_equal(strlen(shown.text), 80 + strlen("…"));
    assert_memory_equal(shown.text, NAME_252, 80);
    assert_string_equal(shown.text + 80, "…");
    assert_string_equal(dns_name_show(BYTES("é\xc3")).text, "é\\xc3");
    assert_string_equal(dns_name_show(BYTES("\xc2\x9b")).text, "\\xc2\\x9b");
    assert_string_equal(dns_name_show(BYTES("")).text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_normalises),
        cmocka_unit_test(test_is_under),
        cmocka_unit_test(test_show_cuts_long_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
