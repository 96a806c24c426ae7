/* What a CA answers with: a chain that is accepted makes a pair that OpenSSL's objects can be made
 * of, for the name that was asked for, with dates that leave a lifetime. The input is one text with
 * chain and key. */
#include <assert.h>
#include <stdint.h>

#include "acme/protocol/issued.h"
#include "lib/certificates/pair_open.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HOST "mta-sts.a.example"

/* 2026-11-23T14:15:00Z: the seeds are valid then. */
#define NOW_S INT64_C(1795443300)

static bool covers(const struct certificate_pair *pair, bool wildcards)
{
    for (size_t i = 0; i < certificate_pair_name_count(pair); i++) {
        struct bytes name = certificate_pair_name(pair, i);
        if (bytes_equal(name, BYTES(HOST)) ||
            (wildcards && bytes_equal(name, BYTES("*.a.example")))) {
            return true;
        }
    }
    return false;
}

static void check_issued(const struct issued *issued, bool foreign)
{
    assert(issued->not_after_s > issued->not_before_s);
    assert(covers(issued->pair, foreign));
    assert(foreign || certificate_pair_name_count(issued->pair) == 1);
    assert(strlen(issued->ari_id) < ISSUED_ARI_ID_MAX);
    X509 *leaf = NULL;
    EVP_PKEY *key = NULL;
    STACK_OF(X509) *chain = NULL;
    struct error e;
    bool good = certificate_pair_open(issued->pair, &leaf, &key, &chain, &e);
    assert(good && X509_check_private_key(leaf, key) == 1);
    (void)good;
    X509_free(leaf);
    EVP_PKEY_free(key);
    sk_X509_pop_free(chain, X509_free);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = {(const char *)data, size};
    struct error e;
    struct issued own = {0};
    struct issued foreign = {0};
    bool is_own = issued_check(&(struct issued_texts){NULL, text, text}, HOST, NOW_S, &own, &e);
    assert(is_own || e.text[0] != '\0');
    bool is_foreign =
        issued_check_foreign(&(struct issued_texts){NULL, text, text}, HOST, NOW_S, &foreign, &e);
    assert(is_foreign || e.text[0] != '\0');
    if (is_own) {
        check_issued(&own, false);
    }
    if (is_foreign) {
        check_issued(&foreign, true);
    }
    certificate_pair_unref(own.pair);
    certificate_pair_unref(foreign.pair);

    CLEANUP(buffer_clear) struct buffer der = BUFFER(CERTIFICATE_FILE_MAX);
    bool has_leaf = issued_leaf(text, &der, &e);
    assert(has_leaf || !(is_own || is_foreign));
    assert(has_leaf || e.text[0] != '\0');
    (void)has_leaf;
    (void)issued_has_issuer(text, "Test Root");
    return 0;
}
