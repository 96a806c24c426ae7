#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/address_count.h"

static struct sockaddr_storage address_of(const char *text)
{
    struct sockaddr_storage storage = {0};
    struct sockaddr_in *four = (struct sockaddr_in *)&storage;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)&storage;
    if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
        storage.ss_family = AF_INET;
    } else if (inet_pton(AF_INET6, text, &six->sin6_addr) == 1) {
        storage.ss_family = AF_INET6;
    } else {
        storage.ss_family = AF_UNIX;
    }
    return storage;
}

static const struct {
    const char *name;
    const char *a;
    const char *b;
    bool same;
} keys[] = {
    {"one IPv4 address", "192.0.2.1", "192.0.2.1", true},
    {"two IPv4 addresses", "192.0.2.1", "192.0.2.2", false},
    {"IPv4 and the same mapped", "192.0.2.1", "::ffff:192.0.2.1", true},
    {"two mapped addresses", "::ffff:192.0.2.1", "::ffff:192.0.2.2", false},
    {"one /64", "2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true},
    {"two /64s", "2001:db8:1:2::1", "2001:db8:1:3::1", false},
    {"IPv4 and an IPv6 prefix of its octets", "32.1.13.184", "2001:db8::1", false},
};

static void clients_are_told_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
        struct sockaddr_storage a = address_of(keys[i].a);
        struct sockaddr_storage b = address_of(keys[i].b);
        unsigned char key_a[ADDRESS_KEY_OCTETS];
        unsigned char key_b[ADDRESS_KEY_OCTETS];
        assert_true(address_key((struct sockaddr *)&a, key_a));
        assert_true(address_key((struct sockaddr *)&b, key_b));
        if ((memcmp(key_a, key_b, sizeof(key_a)) == 0) != keys[i].same) {
            fail_msg("%s", keys[i].name);
        }
    }
    struct sockaddr_storage local = address_of("local");
    unsigned char key[ADDRESS_KEY_OCTETS];
    assert_false(address_key((struct sockaddr *)&local, key));
}

static void a_client_has_no_more_than_its_share(void **state)
{
    (void)state;
    struct address_count *count = address_count_new();
    struct sockaddr_storage client = address_of("192.0.2.1");
    uint32_t tickets[3];
    for (size_t i = 0; i < 3; i++) {
        assert_true(address_count_enter(count, (struct sockaddr *)&client, 3, &tickets[i]));
    }
    uint32_t more = 0;
    assert_false(address_count_enter(count, (struct sockaddr *)&client, 3, &more));
    address_count_leave(count, tickets[1]);
    assert_true(address_count_enter(count, (struct sockaddr *)&client, 3, &more));
    assert_false(address_count_enter(count, (struct sockaddr *)&client, 3, &more));
    struct sockaddr_storage local = address_of("local");
    for (size_t i = 0; i < 10; i++) {
        assert_true(address_count_enter(count, (struct sockaddr *)&local, 3, &more));
        assert_int_equal(more, 0);
        address_count_leave(count, more);
    }
    address_count_free(count);
}

static void *come_and_go(void *argument)
{
    struct address_count *count = argument;
    struct sockaddr_storage client = address_of("2001:db8::1");
    for (int i = 0; i < 10000; i++) {
        uint32_t ticket = 0;
        if (address_count_enter(count, (struct sockaddr *)&client, 2, &ticket)) {
            address_count_leave(count, ticket);
        }
    }
    return NULL;
}

static void threads_lose_no_count(void **state)
{
    (void)state;
    struct address_count *count = address_count_new();
    pthread_t threads[4];
    for (size_t i = 0; i < ARRAY_LENGTH(threads); i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, count), 0);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(threads); i++) {
        pthread_join(threads[i], NULL);
    }
    struct sockaddr_storage client = address_of("2001:db8::2");
    uint32_t ticket = 0;
    assert_true(address_count_enter(count, (struct sockaddr *)&client, 1, &ticket));
    assert_false(address_count_enter(count, (struct sockaddr *)&client, 1, &ticket));
    address_count_free(count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clients_are_told_apart),
        cmocka_unit_test(a_client_has_no_more_than_its_share),
        cmocka_unit_test(threads_lose_no_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
