#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/dns/update_message.h"
#include "update_parts.h"

#define NAME "_mta-sts.a.example. "

/* SECTION's records as "CLASS TYPE TTL DATA;", as they come out of the octets of the message. */
static void show(const ldns_rr_list *section, char *text, size_t size)
{
    size_t n = 0;
    text[0] = '\0';
    for (size_t i = 0; i < ldns_rr_list_rr_count(section); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(section, i);
        char *class = ldns_rr_class2str(ldns_rr_get_class(rr));
        char *type = ldns_rr_type2str(ldns_rr_get_type(rr));
        char *data = ldns_rr_rd_count(rr) != 0 ? ldns_rdf2str(ldns_rr_rdf(rr, 0)) : NULL;
        n += (size_t)snprintf(text + n, size - n, "%s %s %u %s;", class, type, ldns_rr_ttl(rr),
                              data != NULL ? data : "-");
        free(class);
        free(type);
        free(data);
    }
}

static ldns_pkt *sent(const struct dns_change *changes, size_t count)
{
    uint8_t *wire = NULL;
    size_t n = 0;
    ldns_pkt *read = NULL;
    ldns_rdf *zone = ldns_dname_new_frm_str("example.");
    ldns_pkt *message = dns_update_message(zone, changes, count);
    assert_int_equal(ldns_pkt2wire(&wire, message, &n), LDNS_STATUS_OK);
    assert_int_equal(ldns_wire2pkt(&read, wire, n), LDNS_STATUS_OK);
    free(wire);
    ldns_pkt_free(message);
    ldns_rdf_deep_free(zone);
    return read;
}

static void test_each_change_stands_on_what_was_there(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *before;
        bool from_wildcard;
        const char *wanted; /* NULL: nothing */
        const char *prerequisites;
        const char *updates;
    } rows[] = {
        {"nothing", "", false, NAME "300 IN TXT new", "NONE TXT 0 -;NONE CNAME 0 -;",
         "IN TXT 300 \"new\";"},
        {"one", NAME "60 IN TXT old", false, NAME "300 IN TXT new", "IN TXT 0 \"old\";",
         "ANY TXT 0 -;IN TXT 300 \"new\";"},
        {"two", NAME "60 IN TXT a\n" NAME "60 IN TXT b", false, NAME "300 IN TXT new",
         "IN TXT 0 \"a\";IN TXT 0 \"b\";", "ANY TXT 0 -;IN TXT 300 \"new\";"},
        {"TXT to CNAME", NAME "60 IN TXT old", false, NAME "300 IN CNAME c.example.",
         "IN TXT 0 \"old\";", "ANY TXT 0 -;IN CNAME 300 c.example.;"},
        {"CNAME to TXT", NAME "60 IN CNAME c.example.", false, NAME "300 IN TXT new",
         "IN CNAME 0 c.example.;", "ANY CNAME 0 -;IN TXT 300 \"new\";"},
        {"wildcard", NAME "60 IN TXT old", true, NAME "300 IN TXT new",
         "NONE TXT 0 -;NONE CNAME 0 -;", "IN TXT 300 \"new\";"},
        {"TXT to nothing", NAME "60 IN TXT old", false, NULL, "IN TXT 0 \"old\";", "ANY TXT 0 -;"},
        {"CNAME to nothing", NAME "60 IN CNAME c.example.", false, NULL, "IN CNAME 0 c.example.;",
         "ANY CNAME 0 -;"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char text[512];
        ldns_rr_list *before = list_of(rows[i].before);
        bool away = rows[i].wanted == NULL;
        ldns_rr *wanted = rr_of(away ? NAME "0 IN TXT none" : rows[i].wanted);
        struct dns_change change = {wanted, before, rows[i].from_wildcard, away};
        ldns_pkt *message = sent(&change, 1);
        assert_int_equal(ldns_pkt_get_opcode(message), LDNS_PACKET_UPDATE);
        assert_false(ldns_pkt_rd(message) || ldns_pkt_qr(message));
        assert_int_equal(ldns_rr_list_rr_count(ldns_pkt_question(message)), 1);
        show(ldns_pkt_answer(message), text, sizeof(text));
        if (strcmp(text, rows[i].prerequisites) != 0) {
            fail_msg("%s: prerequisites %s", rows[i].name, text);
        }
        show(ldns_pkt_authority(message), text, sizeof(text));
        if (strcmp(text, rows[i].updates) != 0) {
            fail_msg("%s: updates %s", rows[i].name, text);
        }
        ldns_pkt_free(message);
        ldns_rr_free(wanted);
        ldns_rr_list_deep_free(before);
    }
}

enum { MANY = 1000, TEXT = 1000 };

/* MANY changes, each with a text of about N octets before and after. */
static struct dns_change *make_many(size_t n)
{
    struct dns_change *changes = memory_zero(MANY, sizeof(*changes));
    char text[TEXT + 1];
    memset(text, 'x', n);
    text[n] = '\0';
    for (size_t i = 0; i < MANY; i++) {
        CLEANUP_FREE char *line = memory_printf("_mta-sts.d%zu.example. 300 IN TXT \"%.200s\" "
                                                "\"%.200s\" \"%.200s\"",
                                                i, text, text, text);
        changes[i].wanted = rr_of(line);
        changes[i].before = list_of(line);
    }
    return changes;
}

static void free_many(struct dns_change *changes)
{
    for (size_t i = 0; i < MANY; i++) {
        ldns_rr_free((ldns_rr *)changes[i].wanted);
        ldns_rr_list_deep_free((ldns_rr_list *)changes[i].before);
    }
    free(changes);
}

static void test_batches_fit_into_a_message(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 30, 100, 200};
    for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++) {
        struct dns_change *changes = make_many(sizes[i]);
        size_t messages = 0;
        for (size_t first = 0; first < MANY; messages++) {
            size_t n = dns_update_fit(&changes[first], MANY - first);
            assert_in_range(n, 1, DNS_UPDATE_NAMES);
            ldns_pkt *message = sent(&changes[first], n);
            assert_int_equal(ldns_rr_list_rr_count(ldns_pkt_answer(message)), n);
            assert_true(ldns_pkt_size(message) <= DNS_UPDATE_OCTETS);
            /* Not many messages where few would do. */
            assert_true(n == DNS_UPDATE_NAMES || first + n == MANY ||
                        ldns_pkt_size(message) > DNS_UPDATE_OCTETS / 2);
            ldns_pkt_free(message);
            first += n;
        }
        assert_true(messages >= MANY / DNS_UPDATE_NAMES);
        free_many(changes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_change_stands_on_what_was_there),
        cmocka_unit_test(test_batches_fit_into_a_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
