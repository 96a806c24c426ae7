#include "issued.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "acme/protocol/base64url.h"
#include "lib/certificates/pair_open.h"
#include "lib/certificates/pem.h"

enum { SKEW_S = 3600, SERIAL_MAX = 64 };

/* OpenSSL's objects of a pair. */
struct opened {
    X509 *leaf;
    EVP_PKEY *key;
    STACK_OF(X509) * chain; /* without the leaf */
};

static void opened_clear(struct opened *opened)
{
    X509_free(opened->leaf);
    EVP_PKEY_free(opened->key);
    sk_X509_pop_free(opened->chain, X509_free);
}

static void pair_cleanup(struct certificate_pair **pair)
{
    certificate_pair_unref(*pair);
}

static void x509_cleanup(X509 **certificate)
{
    X509_free(*certificate);
}

static void names_cleanup(GENERAL_NAMES **names)
{
    GENERAL_NAMES_free(*names);
}

static void pem_reader_cleanup(struct pem_reader **reader)
{
    pem_reader_free(*reader);
}

/* --- The names --- */

/* Also those that the pair's names leave out, as nobody can ask for them. */
static int count_dns_names(const X509 *leaf)
{
    CLEANUP(names_cleanup)
    GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    int count = 0;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        count += sk_GENERAL_NAME_value(names, i)->type == GEN_DNS;
    }
    ERR_clear_error();
    return count;
}

static bool check_only_name(const struct certificate_pair *pair, const X509 *leaf, const char *host,
                            struct error *e)
{
    if (count_dns_names(leaf) == 1 && certificate_pair_name_count(pair) == 1 &&
        bytes_equal(certificate_pair_name(pair, 0), bytes_of(host))) {
        return true;
    }
    return error_set(e, ERROR_CONFLICT,
                     "%s: it is not for that name alone, as was asked for; tell the CA",
                     certificate_pair_path(pair));
}

/* A wildcard stands for one label (RFC 6125 §6.4.3). */
static bool name_covers(struct bytes name, struct bytes host)
{
    if (!bytes_starts_with(name, BYTES("*."))) {
        return bytes_equal(name, host);
    }
    const char *dot = memchr(host.p, '.', host.n);
    return dot != NULL && dot != host.p &&
           bytes_equal(bytes_skip(name, 1), bytes_skip(host, (size_t)(dot - host.p)));
}

static bool check_covered(const struct certificate_pair *pair, const char *host, struct error *e)
{
    for (size_t i = 0; i < certificate_pair_name_count(pair); i++) {
        if (name_covers(certificate_pair_name(pair, i), bytes_of(host))) {
            return true;
        }
    }
    return error_set(e, ERROR_CONFLICT,
                     "%s: that name is not among its subjectAltNames; get one that has it",
                     certificate_pair_path(pair));
}

/* --- The dates --- */

static bool check_dates(const struct certificate_pair *pair, const X509 *leaf, int64_t now_s,
                        int64_t late_s, struct error *e)
{
    const char *path = certificate_pair_path(pair);
    int64_t not_before_s = certificate_pair_not_before(pair);
    int64_t not_after_s = certificate_pair_not_after(pair);
    if (ASN1_TIME_check(X509_get0_notBefore(leaf)) != 1 ||
        ASN1_TIME_check(X509_get0_notAfter(leaf)) != 1 || not_after_s <= not_before_s) {
        ERR_clear_error();
        return error_set(e, ERROR_SYNTAX, "%s: its dates make no sense; get another", path);
    }
    if (not_before_s > now_s + SKEW_S) {
        return error_set(e, ERROR_CONFLICT, "%s: it is not valid yet; look at this machine's clock",
                         path);
    }
    if (not_after_s <= now_s - late_s) {
        return error_set(e, ERROR_CONFLICT,
                         "%s: it has expired; get another, or look at this machine's clock", path);
    }
    return true;
}

/* --- The chain --- */

static bool is_issued_by(X509 *certificate, X509 *issuer)
{
    bool is = X509_check_issued(issuer, certificate) == X509_V_OK &&
              X509_verify(certificate, X509_get0_pubkey(issuer)) == 1;
    ERR_clear_error();
    return is;
}

static bool check_signatures(const struct opened *opened, const char *path, struct error *e)
{
    X509 *certificate = opened->leaf;
    for (int i = 0; i < sk_X509_num(opened->chain); i++) {
        X509 *issuer = sk_X509_value(opened->chain, i);
        if (!is_issued_by(certificate, issuer)) {
            return error_set(e, ERROR_CONFLICT,
                             "%s: certificate %d of its chain is not signed by the one after it; "
                             "the server's comes first, each issuer after what it signed",
                             path, i + 1);
        }
        certificate = issuer;
    }
    return true;
}

/* --- RFC 9773 §4.1 --- */

/* The content of the serial's DER: with the zero in front of a first octet over 127. */
static void add_serial(const X509 *leaf, struct buffer *id)
{
    unsigned char *der = NULL;
    int n = i2d_ASN1_INTEGER(X509_get0_serialNumber(leaf), &der);
    const unsigned char *content = der;
    long length = 0;
    int tag = 0;
    int class = 0;
    if (n > 0 && (ASN1_get_object(&content, &length, &tag, &class, n) & 0x80) == 0 &&
        length <= SERIAL_MAX) {
        base64url_add((struct bytes){(const char *)content, (size_t)length}, id);
    } else {
        id->overflow = true; /* no CA makes such (RFC 5280 §4.1.2.2: 20 octets) */
    }
    OPENSSL_free(der);
}

static void find_ari_id(X509 *leaf, char ret_id[ISSUED_ARI_ID_MAX])
{
    const ASN1_OCTET_STRING *issuer_key = X509_get0_authority_key_id(leaf);
    CLEANUP(buffer_clear) struct buffer id = BUFFER(ISSUED_ARI_ID_MAX - 1);
    ret_id[0] = '\0';
    if (issuer_key != NULL && ASN1_STRING_length(issuer_key) > 0) {
        base64url_add((struct bytes){(const char *)ASN1_STRING_get0_data(issuer_key),
                                     (size_t)ASN1_STRING_length(issuer_key)},
                      &id);
        buffer_add(&id, BYTES("."));
        add_serial(leaf, &id);
        if (!id.overflow) {
            memcpy(ret_id, id.p, id.n + 1);
        }
    }
    ERR_clear_error();
}

/* --- All of it --- */

struct wanted {
    const char *host;
    int64_t now_s;
    bool foreign; /* as issued_check_foreign */
};

static bool check_opened(const struct certificate_pair *pair, const struct opened *opened,
                         const struct wanted *wanted, struct error *e)
{
    bool for_host = wanted->foreign ? check_covered(pair, wanted->host, e)
                                    : check_only_name(pair, opened->leaf, wanted->host, e);
    return for_host &&
           check_dates(pair, opened->leaf, wanted->now_s, wanted->foreign ? 0 : SKEW_S, e) &&
           check_signatures(opened, certificate_pair_path(pair), e);
}

static bool check(const struct issued_texts *texts, const struct wanted *wanted,
                  struct issued *ret_issued, struct error *e)
{
    CLEANUP_FREE char *path = memory_printf("certificate of %s", wanted->host);
    CLEANUP_FREE char *key_path = memory_printf("key of %s", wanted->host);
    if (texts->chain.n > ISSUED_CHAIN_MAX) {
        return error_set(e, ERROR_LIMIT, "%s: its chain is larger than %d octets; get another",
                         path, ISSUED_CHAIN_MAX);
    }
    CLEANUP(pair_cleanup) struct certificate_pair *pair = NULL;
    CLEANUP(opened_clear) struct opened opened = {0};
    const struct pair_text chain_text = {.text = texts->chain, .path = path};
    const struct pair_text key_text = {.text = texts->key, .path = key_path};
    if (!pair_reader_read(texts->reader, &chain_text, &key_text, &pair, e) ||
        !certificate_pair_open(pair, &opened.leaf, &opened.key, &opened.chain, e) ||
        !check_opened(pair, &opened, wanted, e)) {
        return false;
    }
    ret_issued->not_before_s = certificate_pair_not_before(pair);
    ret_issued->not_after_s = certificate_pair_not_after(pair);
    find_ari_id(opened.leaf, ret_issued->ari_id);
    ret_issued->pair = TAKE(pair);
    return true;
}

bool issued_check(const struct issued_texts *texts, const char *host, int64_t now_s,
                  struct issued *ret_issued, struct error *e)
{
    return check(texts, &(struct wanted){host, now_s, false}, ret_issued, e);
}

bool issued_check_foreign(const struct issued_texts *texts, const char *host, int64_t now_s,
                          struct issued *ret_issued, struct error *e)
{
    return check(texts, &(struct wanted){host, now_s, true}, ret_issued, e);
}

/* --- A chain without its key --- */

/* The next certificate, or NULL: no more, or *RET_DAMAGED. */
static X509 *next_certificate(struct pem_reader *reader, bool *ret_damaged)
{
    struct pem_block block;
    X509 *certificate = NULL;
    while (pem_reader_next(reader, &block)) {
        if (strcmp(block.label, "CERTIFICATE") != 0 &&
            strcmp(block.label, "X509 CERTIFICATE") != 0) {
            continue;
        }
        const unsigned char *p = (const unsigned char *)block.der.p;
        certificate = d2i_X509(NULL, &p, (long)block.der.n);
        *ret_damaged = certificate == NULL;
        ERR_clear_error();
        return certificate;
    }
    *ret_damaged = pem_reader_damaged(reader);
    return NULL;
}

static bool common_name_is(const X509_NAME *subject, struct bytes name)
{
    bool is = false;
    for (int i = -1; !is && (i = X509_NAME_get_index_by_NID(subject, NID_commonName, i)) >= 0;) {
        unsigned char *text = NULL;
        int n =
            ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, i)));
        is = n >= 0 && bytes_equal((struct bytes){(const char *)text, (size_t)n}, name);
        OPENSSL_free(text);
    }
    ERR_clear_error();
    return is;
}

bool issued_has_issuer(struct bytes chain, const char *name)
{
    if (chain.n > ISSUED_CHAIN_MAX) {
        return false;
    }
    CLEANUP(pem_reader_cleanup) struct pem_reader *reader = pem_reader_new(chain);
    bool found = false;
    bool damaged = false;
    for (int count = 0;; count++) {
        CLEANUP(x509_cleanup) X509 *certificate = next_certificate(reader, &damaged);
        if (certificate == NULL) {
            return found && !damaged;
        }
        if (count == CERTIFICATE_CHAIN_MAX) {
            return false;
        }
        found = found || common_name_is(X509_get_issuer_name(certificate), bytes_of(name));
    }
}

bool issued_leaf(struct bytes chain, struct buffer *der, struct error *e)
{
    CLEANUP(x509_cleanup) X509 *leaf = NULL;
    if (chain.n <= ISSUED_CHAIN_MAX) {
        CLEANUP(pem_reader_cleanup) struct pem_reader *reader = pem_reader_new(chain);
        bool damaged = false;
        leaf = next_certificate(reader, &damaged);
    }
    unsigned char *octets = NULL;
    int n = leaf != NULL ? i2d_X509(leaf, &octets) : 0;
    if (n <= 0) {
        ERR_clear_error();
        return error_set(e, ERROR_SYNTAX, "the chain has no certificate in PEM; get another");
    }
    buffer_add(der, (struct bytes){(const char *)octets, (size_t)n});
    OPENSSL_free(octets);
    return true;
}
