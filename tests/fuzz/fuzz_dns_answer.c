/* Answers of DNS servers: to an update nobody without the key can say that it was done; to a
 * question, what is taken for standing there is of that name and of our types; a zone is one that
 * the name lies in. */
#include <stdint.h>
#include <stdlib.h>

#include "lib/dns/packet.h"
#include "lib/dns/primary.h"
#include "lib/dns/tsig.h"
#include "lib/dns/update_message.h"
#include "lib/dns/zone_find.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NAME "_mta-sts.example.org"
#define KEY                                                                                        \
    "key a { algorithm hmac-sha256; secret \"3CTqB5f1eS1tNCHF6vPcbEXz5ZLwLG2UL1mwP9rQ0fo=\"; };"
#define NOW_S 1795542939

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void check_update(const uint8_t *data, size_t size)
{
    struct error e;
    struct dns_tsig_key key = {0};
    struct dns_update_reply reply;
    require(dns_tsig_key_parse(BYTES(KEY), &key, &e));
    ldns_rdf *zone = ldns_dname_new_frm_str("example.org.");
    ldns_pkt *request = dns_update_message(zone, NULL, 0);
    ldns_pkt_set_id(request, 0);
    dns_tsig_sign(request, &key);
    dns_update_judge(&key, request, (struct bytes){(const char *)data, size}, NOW_S, &reply);
    require(reply.outcome == DNS_UPDATE_STRANGE || reply.outcome == DNS_UPDATE_REFUSED);
    require(reply.outcome != DNS_UPDATE_REFUSED || reply.rcode != LDNS_RCODE_NOERROR);
    ldns_pkt_free(request);
    ldns_rdf_deep_free(zone);
    dns_tsig_key_clear(&key);
}

static void check_standing(const ldns_pkt *answer)
{
    struct error e;
    ldns_rr_list *standing = NULL;
    ldns_rdf *owner = ldns_dname_new_frm_str(NAME ".");
    if (dns_record_standing(answer, owner, true, &standing, &e)) {
        require(ldns_pkt_aa(answer));
        for (size_t i = 0; i < ldns_rr_list_rr_count(standing); i++) {
            const ldns_rr *rr = ldns_rr_list_rr(standing, i);
            require(ldns_rr_get_type(rr) == LDNS_RR_TYPE_TXT ||
                    ldns_rr_get_type(rr) == LDNS_RR_TYPE_CNAME);
            require(ldns_dname_compare(ldns_rr_owner(rr), owner) == 0);
        }
        require(dns_record_same(standing, standing));
        /* What was read can be asked for in a prerequisite. */
        ldns_rr *wanted = NULL;
        struct dns_record record = {BYTES(NAME), DNS_TXT, BYTES("x"), 300};
        require(dns_record_make(&record, &wanted, &e));
        struct dns_change change = {.wanted = wanted, .before = standing};
        ldns_rdf *zone = ldns_dname_new_frm_str("org.");
        ldns_pkt_free(dns_update_message(zone, &change, dns_update_fit(&change, 1)));
        ldns_rdf_deep_free(zone);
        ldns_rr_free(wanted);
        ldns_rr_list_deep_free(standing);
    }
    ldns_rdf_deep_free(owner);
}

static void check_zone(const ldns_pkt *answer)
{
    struct dns_zone zone;
    if (dns_zone_of_answer(answer, BYTES(NAME), &zone)) {
        require(dns_name_is_under(BYTES(NAME), dns_name_bytes(&zone.apex)));
        require(zone.primary.n == strlen(zone.primary.text));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ldns_pkt *answer = NULL;
    check_update(data, size);
    if (dns_packet_read((struct bytes){(const char *)data, size}, &answer)) {
        check_standing(answer);
        check_zone(answer);
        ldns_pkt_free(answer);
    }
    return 0;
}
