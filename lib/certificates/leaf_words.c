#include "leaf_words.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "lib/certificates/san_names.h"

static X509 *parse_leaf(struct bytes chain)
{
    BIO *in = BIO_new_mem_buf(chain.p, (int)chain.n);
    X509 *leaf = in != NULL ? PEM_read_bio_X509(in, NULL, NULL, NULL) : NULL;
    BIO_free(in);
    ERR_clear_error();
    return leaf;
}

static char *issuer_of(const X509 *leaf)
{
    BIO *out = BIO_new(BIO_s_mem());
    char *text = NULL;
    if (out != NULL &&
        X509_NAME_print_ex(out, X509_get_issuer_name(leaf), 0, XN_FLAG_RFC2253) >= 0) {
        const char *p = NULL;
        long n = BIO_get_mem_data(out, &p);
        text = memory_string_of((struct bytes){p, n > 0 ? (size_t)n : 0});
    }
    BIO_free(out);
    return text != NULL ? text : memory_string("");
}

static char *serial_of(const X509 *leaf)
{
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(leaf), NULL);
    char *hex = number != NULL ? BN_bn2hex(number) : NULL;
    char *text = memory_string(hex != NULL ? hex : "");
    OPENSSL_free(hex);
    BN_free(number);
    return text;
}

bool leaf_words_read(struct bytes chain, struct leaf_words *ret_words, struct error *e)
{
    X509 *leaf = chain.n <= CERTIFICATE_FILE_MAX ? parse_leaf(chain) : NULL;
    if (leaf == NULL) {
        return error_set(e, ERROR_SYNTAX, "the chain in the store cannot be read");
    }
    struct leaf_words words = {.names = BUFFER(SAN_NAMES_OCTETS)};
    bool ok =
        san_names_read(X509_get0_extensions(leaf), "the store", &words.names, &words.name_count, e);
    if (ok) {
        words.issuer = issuer_of(leaf);
        words.serial = serial_of(leaf);
        *ret_words = words;
    } else {
        buffer_clear(&words.names);
    }
    X509_free(leaf);
    return ok;
}

void leaf_words_clear(struct leaf_words *words)
{
    buffer_clear(&words->names);
    free(words->issuer);
    free(words->serial);
    *words = (struct leaf_words){0};
}
