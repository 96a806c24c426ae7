#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/dns/primary.h"
#include "lib/dns/tsig.h"
#include "lib/dns/update_message.h"
#include "update_parts.h"

#define OTHER_SECRET "AAAAB5f1eS1tNCHF6vPcbEXz5ZLwLG2UL1mwP9rQ0fo="

/* A signed update, and the answers that servers and others may give to it. */
struct dialogue {
    struct dns_tsig_key key;
    ldns_pkt *request;
    uint8_t *wire; /* of the answer */
    size_t n;
};

static int set_up(void **state)
{
    struct dialogue *dialogue = memory_zero(1, sizeof(*dialogue));
    ldns_rr *wanted = rr_of("_mta-sts.a.example. 300 IN TXT a");
    ldns_rr_list *before = ldns_rr_list_new();
    ldns_rdf *zone = ldns_dname_new_frm_str("example.");
    struct dns_change change = {.wanted = wanted, .before = before};
    dialogue->key = key_of("publisher", TEST_SECRET);
    dialogue->request = dns_update_message(zone, &change, 1);
    dns_tsig_sign(dialogue->request, &dialogue->key);
    ldns_rr_free(wanted);
    ldns_rr_list_deep_free(before);
    ldns_rdf_deep_free(zone);
    *state = dialogue;
    return 0;
}

static int tear_down(void **state)
{
    struct dialogue *dialogue = *state;
    dns_tsig_key_clear(&dialogue->key);
    ldns_pkt_free(dialogue->request);
    free(dialogue->wire);
    free(dialogue);
    return 0;
}

/* Signed with KEY (NULL: not at all), over the request's signature or not. */
static void answer(struct dialogue *dialogue, ldns_pkt_rcode code, const struct dns_tsig_key *key,
                   bool bound)
{
    ldns_pkt *packet = ldns_pkt_new();
    ldns_pkt_set_qr(packet, true);
    ldns_pkt_set_opcode(packet, LDNS_PACKET_UPDATE);
    ldns_pkt_set_id(packet, ldns_pkt_id(dialogue->request));
    ldns_pkt_set_rcode(packet, code);
    if (key != NULL) {
        const ldns_rdf *mac = ldns_rr_rdf(ldns_pkt_tsig(dialogue->request), 3);
        assert_int_equal(ldns_pkt_tsig_sign(packet, key->name, key->secret, 300, key->algorithm,
                                            bound ? mac : NULL),
                         LDNS_STATUS_OK);
    }
    free(dialogue->wire);
    assert_int_equal(ldns_pkt2wire(&dialogue->wire, packet, &dialogue->n), LDNS_STATUS_OK);
    ldns_pkt_free(packet);
}

static struct dns_update_reply judge(const struct dialogue *dialogue, int64_t now_s)
{
    struct dns_update_reply reply;
    dns_update_judge(&dialogue->key, dialogue->request,
                     (struct bytes){(const char *)dialogue->wire, dialogue->n}, now_s, &reply);
    return reply;
}

static void test_only_the_server_s_signature_counts(void **state)
{
    struct dialogue *dialogue = *state;
    struct dns_tsig_key other = key_of("publisher", OTHER_SECRET);
    struct dns_tsig_key stranger = key_of("stranger", TEST_SECRET);
    struct dns_tsig_key weaker = key_of("publisher", TEST_SECRET);
    weaker.algorithm = "hmac-sha1.";
    const struct {
        const char *name;
        const struct dns_tsig_key *key;
        bool bound;
        int64_t late_s;
        enum dns_update_outcome want;
        const char *says;
    } rows[] = {
        {"signed", &dialogue->key, true, 0, DNS_UPDATE_TAKEN, ""},
        {"not signed", NULL, true, 0, DNS_UPDATE_STRANGE, "is not signed"},
        {"another secret", &other, true, 0, DNS_UPDATE_STRANGE, "signature is wrong"},
        {"another key", &stranger, true, 0, DNS_UPDATE_STRANGE, "with another key"},
        {"a weaker algorithm", &weaker, true, 0, DNS_UPDATE_STRANGE, "with another key"},
        {"the answer to something else", &dialogue->key, false, 0, DNS_UPDATE_STRANGE,
         "signature is wrong"},
        {"in time", &dialogue->key, true, 290, DNS_UPDATE_TAKEN, ""},
        {"too late", &dialogue->key, true, 310, DNS_UPDATE_STRANGE, "at another time"},
        {"too early", &dialogue->key, true, -310, DNS_UPDATE_STRANGE, "at another time"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        answer(dialogue, LDNS_RCODE_NOERROR, rows[i].key, rows[i].bound);
        struct dns_update_reply reply = judge(dialogue, clock_wall_s() + rows[i].late_s);
        if (reply.outcome != rows[i].want || strstr(reply.error.text, rows[i].says) == NULL) {
            fail_msg("%s: %d %s", rows[i].name, reply.outcome, reply.error.text);
        }
    }
    dns_tsig_key_clear(&other);
    dns_tsig_key_clear(&stranger);
    dns_tsig_key_clear(&weaker);
}

static void test_no_octet_of_a_signed_answer_can_be_changed(void **state)
{
    struct dialogue *dialogue = *state;
    answer(dialogue, LDNS_RCODE_NOERROR, &dialogue->key, true);
    int64_t now_s = clock_wall_s();
    for (size_t i = 0; i < dialogue->n; i++) {
        dialogue->wire[i] ^= 1;
        struct dns_update_reply reply = judge(dialogue, now_s);
        /* The original id, before error and other length, says nothing: the message's is signed. */
        bool is_original_id = i == dialogue->n - 6 || i == dialogue->n - 5;
        if (reply.outcome == DNS_UPDATE_TAKEN && !is_original_id) {
            fail_msg("octet %zu of %zu", i, dialogue->n);
        }
        dialogue->wire[i] ^= 1;
    }
    assert_int_equal(judge(dialogue, now_s).outcome, DNS_UPDATE_TAKEN);
}

static void test_a_refusal_needs_no_signature(void **state)
{
    struct dialogue *dialogue = *state;
    answer(dialogue, LDNS_RCODE_REFUSED, NULL, true);
    struct dns_update_reply reply = judge(dialogue, clock_wall_s());
    assert_int_equal(reply.outcome, DNS_UPDATE_REFUSED);
    assert_int_equal(reply.rcode, LDNS_RCODE_REFUSED);
    assert_int_equal(reply.tsig_error, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_only_the_server_s_signature_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_octet_of_a_signed_answer_can_be_changed, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_refusal_needs_no_signature, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
