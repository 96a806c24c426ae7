#include "pair_pem.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "lib/certificates/pair_open.h"

/* OUT into TEXT; what it held is wiped where BIO frees it (BIO_s_secmem). */
static void take(BIO *out, struct buffer *text)
{
    const char *p = NULL;
    long n = BIO_get_mem_data(out, &p);
    buffer_add(text, (struct bytes){p, n > 0 ? (size_t)n : 0});
}

static bool print_chain(X509 *leaf, const STACK_OF(X509) * chain, struct buffer *text)
{
    BIO *out = BIO_new(BIO_s_mem());
    bool ok = out != NULL && PEM_write_bio_X509(out, leaf) == 1;
    for (int i = 0; ok && i < sk_X509_num(chain); i++) {
        ok = PEM_write_bio_X509(out, sk_X509_value(chain, i)) == 1;
    }
    if (ok) {
        take(out, text);
    }
    BIO_free(out);
    return ok;
}

static bool print_key(const EVP_PKEY *key, struct buffer *text)
{
    BIO *out = BIO_new(BIO_s_secmem());
    bool ok =
        out != NULL && PEM_write_bio_PKCS8PrivateKey(out, key, NULL, NULL, 0, NULL, NULL) == 1;
    if (ok) {
        take(out, text);
    }
    BIO_free(out);
    return ok;
}

bool pair_pem_make(const struct certificate_pair *pair, struct pair_pem *ret_pem, struct error *e)
{
    X509 *leaf = NULL;
    EVP_PKEY *key = NULL;
    STACK_OF(X509) *chain = NULL;
    if (!certificate_pair_open(pair, &leaf, &key, &chain, e)) {
        return false;
    }
    struct pair_pem pem = {BUFFER(CERTIFICATE_FILE_MAX), BUFFER(CERTIFICATE_FILE_MAX)};
    bool ok = print_chain(leaf, chain, &pem.chain) && print_key(key, &pem.key) &&
              !pem.chain.overflow && !pem.key.overflow;
    X509_free(leaf);
    EVP_PKEY_free(key);
    sk_X509_pop_free(chain, X509_free);
    if (!ok) {
        ERR_clear_error();
        pair_pem_clear(&pem);
        return error_set(e, ERROR_LIMIT, "%s: certificate or key cannot be written as PEM",
                         certificate_pair_path(pair));
    }
    *ret_pem = pem;
    return true;
}

void pair_pem_clear(struct pair_pem *pem)
{
    buffer_wipe(&pem->key);
    buffer_clear(&pem->chain);
}
