/* Certificate and key files: a pair that is accepted has names in their normal form, and OpenSSL's
 * objects can be made of it, each with a key; and whoever reads quickly and proves what is left
 * open accepts the same. The input is one file that holds both, as NAME.pem does. */
#include <assert.h>
#include <stdint.h>

#include "lib/certificates/pair_open.h"
#include "lib/certificates/pair_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_names(const struct certificate_pair *pair)
{
    assert(certificate_pair_name_count(pair) != 0);
    for (size_t i = 0; i < certificate_pair_name_count(pair); i++) {
        struct bytes name = certificate_pair_name(pair, i);
        struct dns_name again;
        struct error e;
        if (bytes_starts_with(name, BYTES("*."))) {
            name = bytes_skip(name, 2);
        }
        bool good = dns_name_normalise(name, &again, &e);
        assert(good && bytes_equal(name, dns_name_bytes(&again)));
        (void)good;
    }
}

static bool is_accepted_quickly(struct bytes text)
{
    struct chain_pool *pool = chain_pool_new();
    struct pair_reader *reader = pair_reader_new(pool);
    const struct pair_text file = {text, "a.pem", NULL};
    struct certificate_pair *pair = NULL;
    bool proven = false;
    struct error e;
    bool accepted = pair_reader_read_quickly(reader, &file, &file, &pair, &proven, &e) &&
                    (proven || pair_reader_prove(reader, pair));
    certificate_pair_unref(pair);
    pair_reader_free(reader);
    chain_pool_unref(pool);
    return accepted;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = {(const char *)data, size};
    struct certificate_pair *pair = NULL;
    struct error e;
    bool accepted = certificate_pair_parse(text, "a.pem", text, "a.pem", &pair, &e);
    bool quickly = is_accepted_quickly(text);
    assert(accepted == quickly);
    (void)quickly;
    if (!accepted) {
        assert(e.text[0] != '\0');
        return 0;
    }
    X509 *leaf = NULL;
    EVP_PKEY *key = NULL;
    STACK_OF(X509) *chain = NULL;
    check_names(pair);
    bool good = certificate_pair_open(pair, &leaf, &key, &chain, &e);
    assert(good && X509_check_private_key(leaf, key) == 1);
    for (int i = 0; i < sk_X509_num(chain); i++) { /* the view knows no key that OpenSSL does not */
        assert(X509_get0_pubkey(sk_X509_value(chain, i)) != NULL);
    }
    assert(EVP_PKEY_get_security_bits(X509_get0_pubkey(leaf)) >= 112);
    (void)good;
    X509_free(leaf);
    EVP_PKEY_free(key);
    sk_X509_pop_free(chain, X509_free);
    certificate_pair_unref(pair);
    return 0;
}
