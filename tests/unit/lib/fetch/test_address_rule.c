#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/un.h>

#include <cmocka.h>

#include "lib/fetch/address_rule.h"
#include "own_network.h"

static bool has_network;

enum { NETWORKS_MAX = 4 };

struct row {
    const char *allowed; /* networks, joined by spaces */
    bool loopback;
    const char *address;
    bool want;
};

static struct address_rule *rule_of(const char *allowed, bool loopback)
{
    struct network networks[NETWORKS_MAX];
    size_t count = 0;
    CLEANUP_FREE char *text = memory_string(allowed);
    char *rest = NULL;
    for (char *one = strtok_r(text, " ", &rest); one != NULL; one = strtok_r(NULL, " ", &rest)) {
        struct error e;
        assert_true(count < NETWORKS_MAX);
        assert_true(network_parse(bytes_of(one), &networks[count++], &e));
    }
    return address_rule_new(networks, count, loopback);
}

/* ADDRESS as whoever connects has it. */
static bool allows(const struct address_rule *rule, const char *address)
{
    struct sockaddr_in four = {.sin_family = AF_INET};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, address, &four.sin_addr) == 1) {
        return address_rule_allows(rule, (const struct sockaddr *)&four);
    }
    assert_int_equal(inet_pton(AF_INET6, address, &six.sin6_addr), 1);
    return address_rule_allows(rule, (const struct sockaddr *)&six);
}

static void expect(const struct row *row)
{
    CLEANUP(address_rule_cleanup)
    struct address_rule *rule = rule_of(row->allowed, row->loopback);
    if (allows(rule, row->address) != row->want ||
        address_rule_allows_text(rule, row->address) != row->want) {
        fail_msg("%s is %s, by \"%s\"%s", row->address, row->want ? "refused" : "allowed",
                 row->allowed, row->loopback ? " and loopback" : "");
    }
}

static void test_global_and_allowed(void **state)
{
    (void)state;
    static const struct row ROWS[] = {
        {"", false, "8.8.8.8", true},
        {"", false, "2600::1", true},
        {"", false, "::ffff:8.8.8.8", true},
        {"", false, "10.1.2.3", false},
        {"", false, "::ffff:10.1.2.3", false},
        {"", false, "64:ff9b::10.1.2.3", false},
        {"", false, "2002:a01:203::1", false},
        {"", false, "fd12:3456::1", false},
        {"", false, "169.254.169.254", false},
        {"", false, "0.0.0.0", false},
        {"", false, "::", false},
        {"10.0.0.0/8", false, "10.1.2.3", true},
        {"10.0.0.0/8", false, "::ffff:10.1.2.3", true},
        {"10.0.0.0/8", false, "64:ff9b::10.1.2.3", true},
        {"10.0.0.0/8", false, "11.1.2.3", true}, /* global */
        {"10.0.0.0/8", false, "172.16.0.1", false},
        {"10.1.2.3", false, "10.1.2.4", false},
        {"64:ff9b::/96", false, "64:ff9b::10.1.2.3", true},
        {"64:ff9b::/96", false, "10.1.2.3", false},
        {"172.16.0.0/12 fd12::/16", false, "fd12:3456::1", true},
        {"172.16.0.0/12 fd12::/16", false, "fd13:3456::1", false},
        {"169.254.169.254", false, "169.254.169.254", true}, /* who says so means it */
        {"::/0", false, "fd12:3456::1", true},
        {"::/0", false, "10.1.2.3", false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        expect(&ROWS[i]);
    }
}

static void test_loopback(void **state)
{
    (void)state;
    static const struct row ROWS[] = {
        {"", false, "127.0.0.1", false},
        {"", false, "::1", false},
        {"", true, "127.0.0.1", true},
        {"", true, "127.255.255.254", true},
        {"", true, "::1", true},
        {"", true, "::ffff:127.0.0.1", true},
        {"", true, "64:ff9b::127.0.0.1", false}, /* the translator's own, not ours */
        {"", true, "::2", false},
        {"", true, "0.0.0.0", false},
        {"", true, "::", false},
        {"", true, "10.1.2.3", false},
        {"127.0.0.0/8", false, "127.0.0.1", true},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        expect(&ROWS[i]);
    }
}

static void test_is_no_address(void **state)
{
    (void)state;
    static const char *const TEXTS[] = {"",           "mta-sts.example", "127.1",     "0x7f.1",
                                        "2130706433", "8.8.8.8:80",      "[::1]",     "fe80::1%lo",
                                        "8.8.8.8 ",   "8.8.8",           "8.8.8.8/32"};
    CLEANUP(address_rule_cleanup) struct address_rule *rule = rule_of("0.0.0.0/0 ::/0", true);
    for (size_t i = 0; i < ARRAY_LENGTH(TEXTS); i++) {
        if (address_rule_allows_text(rule, TEXTS[i])) {
            fail_msg("\"%s\" is taken for an address", TEXTS[i]);
        }
    }
    const struct sockaddr_un local = {.sun_family = AF_UNIX, .sun_path = "/run/x"};
    assert_false(address_rule_allows(rule, (const struct sockaddr *)&local));
    address_rule_free(NULL);
}

static void test_networks_of_our_own(void **state)
{
    (void)state;
    static const struct {
        const char *address;
        bool up; /* allowed while the interface is up */
    } ROWS[] = {
        {"172.16.0.1", true},
        {"172.16.0.77", true},
        {"172.16.1.1", false},
        {"10.9.8.7", true},
        {"10.9.8.8", false},
        {"2001:db8:1::1", true},
        {"2001:db8:1::77", true},
        {"2001:db8:2::1", false},
        {"64:ff9b::172.16.0.1", false},
        {"169.254.1.1", false},
        {"169.254.169.254", false},
        {"fe80::1", false},
        {"127.0.0.1", false},
        {"::1", false},
    };
    if (!has_network) {
        skip();
    }
    assert_int_equal(system("ip link set lo down && ip addr add 172.16.0.1/24 dev lo && "
                            "ip addr add 10.9.8.7/32 dev lo && ip addr add 169.254.1.1/16 dev lo"),
                     0);
    for (int up = 0; up <= 1; up++) {
        for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
            bool ipv6 = strchr(ROWS[i].address, ':') != NULL;
            if (up != 0 || !ipv6) {
                expect(&(struct row){"", false, ROWS[i].address, up != 0 && ROWS[i].up});
            }
        }
        assert_int_equal(system("ip link set lo up && ip addr replace 2001:db8:1::1/64 dev lo && "
                                "ip addr replace fe80::1/64 dev lo"),
                         0);
    }
}

static void test_refusal(void **state)
{
    (void)state;
    struct error e;
    assert_false(address_rule_refuse("10.1.2.3", "mirror.addresses", &e));
    assert_int_equal(e.code, ERROR_CONFLICT);
    assert_string_equal(e.text, "10.1.2.3 is not a public address; correct the DNS, or add it to "
                                "mirror.addresses where it is yours");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_global_and_allowed),
        cmocka_unit_test(test_loopback),
        cmocka_unit_test(test_is_no_address),
        cmocka_unit_test(test_networks_of_our_own),
        cmocka_unit_test(test_refusal),
    };
    has_network = own_network_enter();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
