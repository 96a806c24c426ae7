/* Records and lists of them from zone-file text, for tests of updates. */
#ifndef TESTS_UNIT_LIB_DNS_UPDATE_PARTS_H
#define TESTS_UNIT_LIB_DNS_UPDATE_PARTS_H

#include <ldns/ldns.h>

#include "lib/dns/tsig_key.h"

#define TEST_SECRET "3CTqB5f1eS1tNCHF6vPcbEXz5ZLwLG2UL1mwP9rQ0fo="

static inline ldns_rr *rr_of(const char *text)
{
    ldns_rr *rr = NULL;
    if (ldns_rr_new_frm_str(&rr, text, 0, NULL, NULL) != LDNS_STATUS_OK) {
        fail_msg("%s", text);
    }
    return rr;
}

/* TEXT: records, one a line; "" is an empty list. */
static inline ldns_rr_list *list_of(const char *text)
{
    ldns_rr_list *list = ldns_rr_list_new();
    CLEANUP_FREE char *copy = memory_string(text);
    char *rest = copy;
    for (char *line = NULL; (line = strsep(&rest, "\n")) != NULL;) {
        if (line[0] != '\0') {
            ldns_rr_list_push_rr(list, rr_of(line));
        }
    }
    return list;
}

static inline struct dns_tsig_key key_of(const char *name, const char *secret)
{
    struct dns_tsig_key key;
    struct error e = {0};
    CLEANUP_FREE char *text =
        memory_printf("key %s { algorithm hmac-sha256; secret \"%s\"; };", name, secret);
    if (!dns_tsig_key_parse(bytes_of(text), &key, &e)) {
        fail_msg("%s", e.text);
    }
    return key;
}

#endif
