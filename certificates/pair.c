#include "pair.h"

#include <stdatomic.h>
#include <time.h>

#include <openssl/err.h>

#include "base/buffer.h"
#include "certificates/certificate_check.h"
#include "certificates/pem.h"
#include "certificates/private_key.h"
#include "certificates/san_names.h"

/* The intermediates are kept with each pair. Sharing equal ones would save about 1 KB a pair at a
 * CA's million tenants; it wants a table of them that the parser is handed. */
struct certificate_pair {
    atomic_uint references;
    bool rsa; /* of the key, hence of the leaf */
    uint64_t serial;
    int64_t not_before;
    int64_t not_after;
    struct bytes leaf; /* the views below look into `octets` */
    struct bytes chain;
    struct bytes key;
    const char *path;
    struct bytes *names;
    size_t name_count;
    char octets[]; /* leaf, chain, key, path, names */
};

/* What is gathered while the files are read; views into the PEM readers' copies are not kept. */
struct parts {
    struct buffer certificates; /* DER, one after the other */
    size_t leaf_length;
    size_t certificate_count;
    struct buffer key_der;
    struct private_key key;
    struct buffer names; /* each NUL-terminated */
    size_t name_count;
};

static void wipe(struct buffer *b)
{
    OPENSSL_cleanse(b->p, b->capacity);
    buffer_clear(b);
}

static void parts_clear(struct parts *parts)
{
    buffer_clear(&parts->certificates);
    wipe(&parts->key_der);
    buffer_clear(&parts->names);
}

static void pem_reader_cleanup(struct pem_reader **reader)
{
    pem_reader_free(*reader);
}

static void x509_cleanup(X509 **certificate)
{
    X509_free(*certificate);
}

static void view_cleanup(struct certificate_view **view)
{
    certificate_view_free(*view);
}

static void pkey_cleanup(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

/* Takes the DER of one certificate off the front of *DER. */
static X509 *take_certificate(struct bytes *der)
{
    const unsigned char *p = (const unsigned char *)der->p;
    X509 *certificate = d2i_X509(NULL, &p, (long)der->n);
    if (certificate != NULL) {
        *der = bytes_skip(*der, (size_t)((const char *)p - der->p));
    }
    ERR_clear_error();
    return certificate;
}

static bool read_chain(struct bytes text, const char *path, struct parts *parts, struct error *e)
{
    CLEANUP(pem_reader_cleanup) struct pem_reader *reader = pem_reader_new(text);
    struct pem_block block;
    while (pem_reader_next(reader, &block)) {
        if (strcmp(block.label, "CERTIFICATE") != 0 &&
            strcmp(block.label, "X509 CERTIFICATE") != 0) {
            continue;
        }
        if (parts->certificate_count == CERTIFICATE_CHAIN_MAX) {
            return error_set(e, ERROR_LIMIT,
                             "%s has more than %d certificates; keep the server's and its "
                             "intermediates",
                             path, CERTIFICATE_CHAIN_MAX);
        }
        buffer_add(&parts->certificates, block.der);
        if (parts->certificate_count++ == 0) {
            parts->leaf_length = block.der.n;
        }
    }
    if (pem_reader_damaged(reader)) {
        return error_set(e, ERROR_SYNTAX,
                         "%s: the PEM text is damaged after certificate %zu; write the file again",
                         path, parts->certificate_count);
    }
    if (parts->certificate_count == 0) {
        return error_set(e, ERROR_SYNTAX,
                         "%s has no certificate; put the server's certificate first and its "
                         "intermediates after it, as PEM",
                         path);
    }
    return true;
}

static const struct key_label {
    const char *label;
    enum private_key_form form;
    bool encrypted;
} KEY_LABELS[] = {
    {"PRIVATE KEY", PRIVATE_KEY_PKCS8, false},
    {"ENCRYPTED PRIVATE KEY", PRIVATE_KEY_PKCS8, true},
    {"EC PRIVATE KEY", PRIVATE_KEY_SEC1, false},
    {"RSA PRIVATE KEY", PRIVATE_KEY_PKCS1, false},
};

static const struct key_label *find_key_label(const char *label)
{
    for (size_t i = 0; i < ARRAY_LENGTH(KEY_LABELS); i++) {
        if (strcmp(label, KEY_LABELS[i].label) == 0) {
            return &KEY_LABELS[i];
        }
    }
    return NULL;
}

static bool read_key_block(const struct pem_block *block, const struct key_label *label,
                           const char *path, struct parts *parts, struct error *e)
{
    if (block->encrypted || label->encrypted) {
        return error_set(e, ERROR_SYNTAX,
                         "%s: the private key is encrypted; write it without a passphrase", path);
    }
    if (parts->key_der.n != 0) {
        return error_set(e, ERROR_SYNTAX,
                         "%s has two private keys; keep the one of the certificate", path);
    }
    buffer_add(&parts->key_der, block->der);
    if (!private_key_find(buffer_bytes(&parts->key_der), label->form, &parts->key, e)) {
        return error_prefix(e, "%s: ", path);
    }
    return true;
}

static bool read_key(struct bytes text, const char *path, struct parts *parts, struct error *e)
{
    CLEANUP(pem_reader_cleanup) struct pem_reader *reader = pem_reader_new(text);
    struct pem_block block;
    while (pem_reader_next(reader, &block)) {
        const struct key_label *label = find_key_label(block.label);
        if (label != NULL && !read_key_block(&block, label, path, parts, e)) {
            return false;
        }
    }
    if (pem_reader_damaged(reader)) {
        return error_set(e, ERROR_SYNTAX, "%s: the PEM text is damaged; write the file again",
                         path);
    }
    if (parts->key_der.n == 0) {
        return error_set(e, ERROR_SYNTAX,
                         "%s has no private key; put the certificate's key there as PEM, without "
                         "a passphrase",
                         path);
    }
    return true;
}

/* Reads the intermediates once, to refuse now what would fail in a handshake. */
static bool check_intermediates(const struct parts *parts, const char *path, struct error *e)
{
    struct bytes rest = bytes_skip(buffer_bytes(&parts->certificates), parts->leaf_length);
    for (size_t number = 2; rest.n != 0; number++) {
        CLEANUP(view_cleanup) struct certificate_view *certificate = certificate_view_take(&rest);
        if (certificate == NULL) {
            return error_set(e, ERROR_SYNTAX,
                             "%s: certificate %zu is damaged; write the file again", path, number);
        }
        if (!certificate_check_strength(certificate, path, number, e)) {
            return false;
        }
    }
    return true;
}

/* For keys that are not as everybody writes them: a compressed point, say. */
static bool matches_in_full(const struct private_key *compact, const struct certificate_view *view)
{
    CLEANUP(x509_cleanup) X509 *leaf = certificate_view_full(view);
    CLEANUP(pkey_cleanup) EVP_PKEY *key = NULL;
    struct error ignored;
    return leaf != NULL && compact->rsa == (bool)EVP_PKEY_is_a(X509_get0_pubkey(leaf), "RSA") &&
           private_key_make(compact, leaf, &key, &ignored) && private_key_belongs_to(key, leaf);
}

static bool check_match(const struct parts *parts, const struct certificate_view *leaf,
                        const char *chain_path, const char *key_path, struct error *e)
{
    const struct certificate_key *public_key = certificate_view_key(leaf);
    if (public_key->kind == CERTIFICATE_KEY_OTHER ? matches_in_full(&parts->key, leaf)
                                                  : private_key_matches(&parts->key, public_key)) {
        return true;
    }
    return error_set(e, ERROR_CONFLICT,
                     "the private key in %s does not belong to the first certificate in %s; put "
                     "the two that were made together there, the server's certificate first",
                     key_path, chain_path);
}

static int64_t seconds_of(const ASN1_TIME *time)
{
    struct tm tm = {0};
    return ASN1_TIME_to_tm(time, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

static struct bytes append(char **end, struct bytes text)
{
    struct bytes copy = {*end, text.n};
    memcpy(*end, text.p, text.n);
    *end += text.n;
    return copy;
}

/* The cache's keys: the one thing that all pairs of a process share. */
static uint64_t next_serial(void)
{
    static atomic_uint_fast64_t last;
    return atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
}

static struct certificate_pair *assemble(const struct parts *parts,
                                         const struct certificate_view *leaf, const char *path)
{
    struct bytes certificates = buffer_bytes(&parts->certificates);
    size_t total = certificates.n + parts->key.octets.n + strlen(path) + 1 + parts->names.n;
    struct certificate_pair *pair = memory_zero(1, sizeof(*pair) + total);
    atomic_init(&pair->references, 1);
    pair->rsa = parts->key.rsa;
    pair->serial = next_serial();
    pair->not_before = seconds_of(certificate_view_not_before(leaf));
    pair->not_after = seconds_of(certificate_view_not_after(leaf));

    char *end = pair->octets;
    struct bytes all = append(&end, certificates);
    pair->leaf = (struct bytes){all.p, parts->leaf_length};
    pair->chain = bytes_skip(all, parts->leaf_length);
    pair->key = append(&end, parts->key.octets);
    pair->path = append(&end, (struct bytes){path, strlen(path) + 1}).p;

    const char *name = append(&end, buffer_bytes(&parts->names)).p;
    pair->name_count = parts->name_count;
    pair->names = memory_zero(parts->name_count, sizeof(*pair->names));
    for (size_t i = 0; i < parts->name_count; i++) {
        pair->names[i] = bytes_of(name);
        name += pair->names[i].n + 1;
    }
    return pair;
}

bool certificate_pair_parse(struct bytes chain, const char *chain_path, struct bytes key,
                            const char *key_path, struct certificate_pair **ret_pair,
                            struct error *e)
{
    if (chain.n > CERTIFICATE_FILE_MAX || key.n > CERTIFICATE_FILE_MAX) {
        return error_set(e, ERROR_LIMIT, "%s is larger than %d octets; keep one chain in it",
                         chain.n > CERTIFICATE_FILE_MAX ? chain_path : key_path,
                         CERTIFICATE_FILE_MAX);
    }
    CLEANUP(parts_clear)
    struct parts parts = {.certificates = BUFFER(CERTIFICATE_FILE_MAX),
                          .key_der = BUFFER(CERTIFICATE_FILE_MAX),
                          .names = BUFFER(SAN_NAMES_OCTETS)};
    if (!read_chain(chain, chain_path, &parts, e) || !read_key(key, key_path, &parts, e)) {
        return false;
    }
    struct bytes front = {parts.certificates.p, parts.leaf_length};
    CLEANUP(view_cleanup) struct certificate_view *leaf = certificate_view_take(&front);
    if (leaf == NULL) {
        return error_set(e, ERROR_SYNTAX,
                         "%s: the first certificate is damaged; write the file "
                         "again",
                         chain_path);
    }
    if (!certificate_check_strength(leaf, chain_path, 1, e) ||
        !certificate_check_key(leaf, chain_path, e) ||
        !check_match(&parts, leaf, chain_path, key_path, e) ||
        !san_names_read(certificate_view_extensions(leaf), chain_path, &parts.names,
                        &parts.name_count, e) ||
        !check_intermediates(&parts, chain_path, e)) {
        return false;
    }
    *ret_pair = assemble(&parts, leaf, chain_path);
    return true;
}

struct certificate_pair *certificate_pair_ref(struct certificate_pair *pair)
{
    atomic_fetch_add_explicit(&pair->references, 1, memory_order_relaxed);
    return pair;
}

void certificate_pair_unref(struct certificate_pair *pair)
{
    if (pair != NULL &&
        atomic_fetch_sub_explicit(&pair->references, 1, memory_order_acq_rel) == 1) {
        OPENSSL_cleanse((char *)pair->key.p, pair->key.n);
        free(pair->names);
        free(pair);
    }
}

size_t certificate_pair_name_count(const struct certificate_pair *pair)
{
    return pair->name_count;
}

struct bytes certificate_pair_name(const struct certificate_pair *pair, size_t i)
{
    return pair->names[i];
}

int64_t certificate_pair_not_before(const struct certificate_pair *pair)
{
    return pair->not_before;
}

int64_t certificate_pair_not_after(const struct certificate_pair *pair)
{
    return pair->not_after;
}

bool certificate_pair_is_rsa(const struct certificate_pair *pair)
{
    return pair->rsa;
}

const char *certificate_pair_path(const struct certificate_pair *pair)
{
    return pair->path;
}

uint64_t certificate_pair_serial(const struct certificate_pair *pair)
{
    return pair->serial;
}

static void chain_cleanup(STACK_OF(X509) * *chain)
{
    sk_X509_pop_free(*chain, X509_free);
}

bool certificate_pair_open(const struct certificate_pair *pair, X509 **ret_leaf, EVP_PKEY **ret_key,
                           STACK_OF(X509) * *ret_chain, struct error *e)
{
    struct bytes rest = pair->leaf;
    CLEANUP(x509_cleanup) X509 *leaf = take_certificate(&rest);
    CLEANUP(chain_cleanup) STACK_OF(X509) *chain = sk_X509_new_null();
    CLEANUP(pkey_cleanup) EVP_PKEY *key = NULL;
    struct private_key compact = {.rsa = pair->rsa, .octets = pair->key};
    if (leaf == NULL || chain == NULL || !private_key_make(&compact, leaf, &key, e)) {
        return error_set(e, ERROR_SYSTEM, "%s can no longer be parsed; report this as a bug",
                         pair->path);
    }
    for (rest = pair->chain; rest.n != 0;) {
        CLEANUP(x509_cleanup) X509 *certificate = take_certificate(&rest);
        if (certificate == NULL || sk_X509_push(chain, certificate) == 0) {
            return error_set(e, ERROR_SYSTEM, "%s can no longer be parsed; report this as a bug",
                             pair->path);
        }
        certificate = NULL; /* the stack's now */
    }
    *ret_leaf = TAKE(leaf);
    *ret_key = TAKE(key);
    *ret_chain = TAKE(chain);
    return true;
}
