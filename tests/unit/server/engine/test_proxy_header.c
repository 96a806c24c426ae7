/* The PROXY protocol's header: what is one, whose connection it says, and how much of it is taken.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "server/engine/proxy_header.h"

#define V2 "\r\n\r\n\0\r\nQUIT\n"
#define OF(text_)                                                                                  \
    {                                                                                              \
        text_, sizeof(text_) - 1                                                                   \
    }
#define FOUR                                                                                       \
    "\xc0\0\2\1"                                                                                   \
    "\xc0\0\2\x35"                                                                                 \
    "\x12\x34"                                                                                     \
    "\1\xbb"
#define SIX                                                                                        \
    " \1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1"                                                           \
    " \1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\2"                                                           \
    "\x12\x34"                                                                                     \
    "\1\xbb"
#define NINETY                                                                                     \
    "123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"
#define PATHS NINETY NINETY "123456789012345678901234567890123456"

static const struct row {
    const char *name;
    struct bytes input;
    enum proxy_header_state want;
    const char *client; /* "ADDRESS PORT"; "": none is told */
    size_t left;        /* octets that follow the header */
} rows[] = {
    {"IPv4", OF("PROXY TCP4 192.0.2.1 192.0.2.53 4660 443\r\n"), PROXY_HEADER_IS_WHOLE,
     "192.0.2.1 4660", 0},
    {"what follows stays", OF("PROXY TCP4 192.0.2.1 192.0.2.53 4660 443\r\n\x16\3\1"),
     PROXY_HEADER_IS_WHOLE, "192.0.2.1 4660", 3},
    {"a second header is what follows",
     OF("PROXY TCP4 192.0.2.1 192.0.2.53 1 2\r\nPROXY TCP4 1.1.1.1 1.1.1.1 1 1\r\n"),
     PROXY_HEADER_IS_WHOLE, "192.0.2.1 1", 32},
    {"IPv6", OF("PROXY TCP6 2001:db8::1 2001:db8::2 4660 443\r\n"), PROXY_HEADER_IS_WHOLE,
     "2001:db8::1 4660", 0},
    {"the longest",
     OF("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
     PROXY_HEADER_IS_WHOLE, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535", 0},
    {"not known", OF("PROXY UNKNOWN\r\n"), PROXY_HEADER_IS_WHOLE, "", 0},
    {"not known, and more", OF("PROXY UNKNOWN ffff:: x y z\r\nGET"), PROXY_HEADER_IS_WHOLE, "", 3},
    {"not known, of 107 octets", OF("PROXY UNKNOWN " NINETY "1\r\n"), PROXY_HEADER_IS_WHOLE, "", 0},
    {"one octet too long", OF("PROXY UNKNOWN " NINETY "12\r\n"), PROXY_HEADER_IS_NONE, NULL, 0},
    {"no end within 107", OF("PROXY UNKNOWN " NINETY "1234567"), PROXY_HEADER_IS_NONE, NULL, 0},
    {"of another family", OF("PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n"), PROXY_HEADER_IS_NONE,
     NULL, 0},
    {"of another case", OF("PROXY tcp4 192.0.2.1 192.0.2.53 1 2\r\n"), PROXY_HEADER_IS_NONE, NULL,
     0},
    {"two spaces", OF("PROXY TCP4  192.0.2.1 192.0.2.53 1 2\r\n"), PROXY_HEADER_IS_NONE, NULL, 0},
    {"a word more", OF("PROXY TCP4 192.0.2.1 192.0.2.53 1 2 3\r\n"), PROXY_HEADER_IS_NONE, NULL, 0},
    {"a word less", OF("PROXY TCP4 192.0.2.1 192.0.2.53 1\r\n"), PROXY_HEADER_IS_NONE, NULL, 0},
    {"a port too large", OF("PROXY TCP4 192.0.2.1 192.0.2.53 65536 2\r\n"), PROXY_HEADER_IS_NONE,
     NULL, 0},
    {"a leading zero", OF("PROXY TCP4 192.0.2.1 192.0.2.53 01 2\r\n"), PROXY_HEADER_IS_NONE, NULL,
     0},
    {"port 0", OF("PROXY TCP4 192.0.2.1 192.0.2.53 0 2\r\n"), PROXY_HEADER_IS_WHOLE, "192.0.2.1 0",
     0},
    {"a NUL in an address", OF("PROXY TCP4 192.0.2.1\0 192.0.2.53 1 2\r\n"), PROXY_HEADER_IS_NONE,
     NULL, 0},
    {"LF alone", OF("PROXY TCP4 192.0.2.1 192.0.2.53 1 2\nGET / HTTP/1.1\r\n\r\n"),
     PROXY_HEADER_IS_NONE, NULL, 0},
    {"CR alone", OF("PROXY TCP4 192.0.2.1 192.0.2.53 1 2\rX"), PROXY_HEADER_IS_NONE, NULL, 0},
    {"another protocol", OF("GET / HTTP/1.1\r\n"), PROXY_HEADER_IS_NONE, NULL, 0},
    {"TLS", OF("\x16\3\1"), PROXY_HEADER_IS_NONE, NULL, 0},
    {"nothing yet", OF(""), PROXY_HEADER_IS_CUT, NULL, 0},

    {"2: IPv4", OF(V2 "\x21\x11\0\x0c" FOUR "rest"), PROXY_HEADER_IS_WHOLE, "192.0.2.1 4660", 4},
    {"2: IPv6", OF(V2 "\x21\x21\0\x24" SIX), PROXY_HEADER_IS_WHOLE, "2001:db8::1 4660", 0},
    {"2: TLVs",
     OF(V2 "\x21\x11\0\x11" FOUR "\4\0\2ab"
           "rest"),
     PROXY_HEADER_IS_WHOLE, "192.0.2.1 4660", 4},
    {"2: a Unix socket", OF(V2 "\x21\x31\0\xd8" PATHS "rest"), PROXY_HEADER_IS_WHOLE, "", 4},
    {"2: not specified", OF(V2 "\x21\0\0\0"), PROXY_HEADER_IS_WHOLE, "", 0},
    {"2: LOCAL", OF(V2 "\x20\x11\0\x0c" FOUR), PROXY_HEADER_IS_WHOLE, "", 0},
    {"2: LOCAL of no family", OF(V2 "\x20\0\0\0x"), PROXY_HEADER_IS_WHOLE, "", 1},
    {"2: 536 octets",
     OF(V2 "\x21\x11\2\x08" FOUR PATHS PATHS
           "12345678901234567890123456789012345678901234567890123456"
           "12345678901234567890"),
     PROXY_HEADER_IS_WHOLE, "192.0.2.1 4660", 0},
    {"2: 537 octets", OF(V2 "\x21\x11\2\x09"), PROXY_HEADER_IS_NONE, NULL, 0},
    {"2: addresses cut", OF(V2 "\x21\x11\0\x0b" FOUR), PROXY_HEADER_IS_NONE, NULL, 0},
    {"2: datagrams", OF(V2 "\x21\x12\0\x0c" FOUR), PROXY_HEADER_IS_NONE, NULL, 0},
    {"2: another command", OF(V2 "\x22"), PROXY_HEADER_IS_NONE, NULL, 0},
    {"2: another version", OF(V2 "\x11"), PROXY_HEADER_IS_NONE, NULL, 0},
    {"2: cut", OF(V2 "\x21\x11\0\x0c\xc0"), PROXY_HEADER_IS_CUT, NULL, 0},
    {"2: another signature", OF("\r\n\r\n\0\r\nQUIZ"), PROXY_HEADER_IS_NONE, NULL, 0},
};

static void show(const struct sockaddr_storage *client, char *text, size_t size)
{
    char address[INET6_ADDRSTRLEN];
    const struct sockaddr_in *four = (const void *)client;
    const struct sockaddr_in6 *six = (const void *)client;
    text[0] = '\0';
    if (client->ss_family == AF_INET) {
        inet_ntop(AF_INET, &four->sin_addr, address, sizeof(address));
        snprintf(text, size, "%s %d", address, ntohs(four->sin_port));
    } else if (client->ss_family == AF_INET6) {
        inet_ntop(AF_INET6, &six->sin6_addr, address, sizeof(address));
        snprintf(text, size, "%s %d", address, ntohs(six->sin6_port));
    }
}

static void test_headers(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char client[64];
        struct proxy_header header;
        enum proxy_header_state got = proxy_header_read(rows[i].input, &header);
        if (got != rows[i].want) {
            fail_msg("%s: state %d", rows[i].name, got);
        }
        show(&header.client, client, sizeof(client));
        if (got == PROXY_HEADER_IS_WHOLE && (strcmp(client, rows[i].client) != 0 ||
                                             rows[i].input.n - header.octets != rows[i].left)) {
            fail_msg("%s: %s, %zu octets", rows[i].name, client, header.octets);
        }
    }
}

/* However it is cut, it is no other header before it is whole. */
static void test_cut_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct proxy_header header;
        size_t whole = rows[i].input.n - rows[i].left;
        for (size_t n = 0; rows[i].want == PROXY_HEADER_IS_WHOLE && n < whole; n++) {
            struct bytes cut = {rows[i].input.p, n};
            if (proxy_header_read(cut, &header) != PROXY_HEADER_IS_CUT) {
                fail_msg("%s: %zu octets of it", rows[i].name, n);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_cut_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
