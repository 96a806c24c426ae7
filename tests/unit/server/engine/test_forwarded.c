/* For whom a proxy asks: X-Forwarded-For and Forwarded. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/engine/forwarded.h"

#define X FORWARDED_X_FORWARDED_FOR
#define F FORWARDED_FORWARDED

/* Proxies are 192.0.2.0/24 and 2001:db8:1::/48. */
static const struct row {
    enum settings_forwarded field;
    const char *value;
    const char *want; /* NULL: not known */
} rows[] = {
    {X, "198.51.100.7", "198.51.100.7"},
    {X, "198.51.100.7, 192.0.2.1", "198.51.100.7"},
    {X, " 198.51.100.7 ,192.0.2.1 , 2001:db8:1::9", "198.51.100.7"},
    {X, "10.0.0.1, 198.51.100.7, 192.0.2.1", "198.51.100.7"}, /* the first the client wrote */
    {X, "198.51.100.7, 203.0.113.9", "203.0.113.9"},
    {X, "nonsense, 198.51.100.7", "198.51.100.7"},
    {X, "192.0.2.9, 192.0.2.1", "192.0.2.9"}, /* all are proxies: the first of them */
    {X, "2001:db8::7", "2001:db8::7"},
    {X, "[2001:db8::7]", "2001:db8::7"},
    {X, "[2001:db8::7]:4711", "2001:db8::7"},
    {X, "198.51.100.7:4711", "198.51.100.7"},
    {X, "198.51.100.7, unknown", NULL},
    {X, "198.51.100.7,", NULL},
    {X, ",198.51.100.7", "198.51.100.7"},
    {X, "[2001:db8::7", NULL},
    {X, "fe80::1%eth0", NULL},
    {X, "198.51.100.256", NULL},
    {X, "", NULL},
    {X, " ", NULL},
    {X, "for=198.51.100.7", NULL},
    {F, "for=198.51.100.7", "198.51.100.7"},
    {F, "For=\"[2001:db8::7]:4711\";proto=https", "2001:db8::7"},
    {F, "proto=https; for=198.51.100.7; by=203.0.113.43", "198.51.100.7"},
    {F, "for=198.51.100.7, for=192.0.2.1;by=10.0.0.1", "198.51.100.7"},
    {F, "for=10.0.0.1, for=\"198.51.100.7:80\", for=192.0.2.1", "198.51.100.7"},
    {F, "for=_hidden", NULL},
    {F, "for=unknown", NULL},
    {F, "by=198.51.100.7", NULL},
    {F, "for=198.51.100.7, by=192.0.2.1", NULL},
    {F, "for=\"a,for=198.51.100.7\"", NULL}, /* quotes within it: no address */
    {F, "198.51.100.7", NULL},
    {F, "for=", NULL},
};

static void show(const struct sockaddr_storage *client, char *text)
{
    const struct sockaddr_in *four = (const void *)client;
    const struct sockaddr_in6 *six = (const void *)client;
    const void *address = client->ss_family == AF_INET ? (const void *)&four->sin_addr
                                                       : (const void *)&six->sin6_addr;
    assert_non_null(inet_ntop(client->ss_family, address, text, INET6_ADDRSTRLEN));
}

static void test_clients(void **state)
{
    (void)state;
    struct error e;
    struct settings_networks proxies = {.count = 2};
    assert_true(network_parse(BYTES("192.0.2.0/24"), &proxies.items[0], &e));
    assert_true(network_parse(BYTES("2001:db8:1::/48"), &proxies.items[1], &e));
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char text[INET6_ADDRSTRLEN] = "-";
        struct sockaddr_storage client;
        if (forwarded_client(rows[i].field, bytes_of(rows[i].value), &proxies, &client)) {
            show(&client, text);
        }
        if (strcmp(text, rows[i].want != NULL ? rows[i].want : "-") != 0) {
            fail_msg("%s: %s", rows[i].value, text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
