#include "pair_reader.h"

#include <time.h>

#include "certificates/certificate_check.h"
#include "certificates/pair_blocks.h"
#include "certificates/san_names.h"

struct pair_reader {
    struct chain_pool *pool;
    struct curves curves;
};

struct pair_reader *pair_reader_new(struct chain_pool *pool)
{
    struct pair_reader *reader = memory_zero(1, sizeof(*reader));
    reader->pool = chain_pool_ref(pool);
    return reader;
}

void pair_reader_free(struct pair_reader *reader)
{
    if (reader != NULL) {
        curves_clear(&reader->curves);
        chain_pool_unref(reader->pool);
        free(reader);
    }
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

static void chain_cleanup(struct certificate_chain **chain)
{
    certificate_chain_unref(*chain);
}

/* --- Intermediates --- */

/* Reads each once, to refuse now what would fail in a handshake. */
static bool check_intermediates(struct pair_reader *reader, struct bytes der, const char *path,
                                struct error *e)
{
    for (size_t number = 2; der.n != 0; number++) {
        CLEANUP(view_cleanup)
        struct certificate_view *certificate = certificate_view_take(&der, &reader->curves);
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

/* *RET_CHAIN is a reference. */
static bool find_chain(struct pair_reader *reader, struct bytes der, const char *path,
                       struct certificate_chain **ret_chain, struct error *e)
{
    struct certificate_chain *chain = chain_pool_find(reader->pool, der);
    if (chain == NULL) {
        if (!check_intermediates(reader, der, path, e)) {
            return false;
        }
        chain = chain_pool_add(reader->pool, der);
    }
    *ret_chain = chain;
    return true;
}

/* --- Leaf and key --- */

/* For keys that are not as everybody writes them: a compressed point, say. */
static bool matches_in_full(const struct private_key *compact, const struct certificate_view *view)
{
    CLEANUP(x509_cleanup) X509 *leaf = certificate_view_full(view);
    CLEANUP(pkey_cleanup) EVP_PKEY *key = NULL;
    struct error ignored;
    return leaf != NULL && compact->rsa == (bool)EVP_PKEY_is_a(X509_get0_pubkey(leaf), "RSA") &&
           private_key_make(compact, leaf, NULL, &key, &ignored) &&
           private_key_belongs_to(key, leaf);
}

static bool check_match(const struct private_key *key, const struct certificate_view *leaf,
                        const char *chain_path, const char *key_path, struct error *e)
{
    const struct certificate_key *public_key = certificate_view_key(leaf);
    if (public_key->kind == CERTIFICATE_KEY_OTHER ? matches_in_full(key, leaf)
                                                  : private_key_matches(key, public_key)) {
        return true;
    }
    return error_set(e, ERROR_CONFLICT,
                     "the private key in %s does not belong to the first certificate in %s; put "
                     "the two that were made together there, the server's certificate first",
                     key_path, chain_path);
}

static bool check_leaf(const struct certificate_view *leaf, const struct private_key *key,
                       const char *chain_path, const char *key_path, struct error *e)
{
    if (leaf == NULL) {
        return error_set(e, ERROR_SYNTAX,
                         "%s: the first certificate is damaged; write the file again", chain_path);
    }
    return certificate_check_strength(leaf, chain_path, 1, e) &&
           certificate_check_key(leaf, chain_path, e) &&
           check_match(key, leaf, chain_path, key_path, e);
}

static int64_t seconds_of(const ASN1_TIME *time)
{
    struct tm tm = {0};
    return ASN1_TIME_to_tm(time, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

/* --- All of it --- */

static void add_files(struct pair_parts *parts, const struct pair_text *chain,
                      const struct pair_text *key, struct file_identity *files)
{
    if (chain->identity != NULL && key->identity != NULL) {
        files[parts->file_count++] = *chain->identity;
        if (chain != key) {
            files[parts->file_count++] = *key->identity;
        }
    }
    parts->files = files;
}

static void add_leaf(struct pair_parts *parts, const struct pair_blocks *blocks,
                     const struct certificate_view *leaf)
{
    parts->leaf = (struct bytes){blocks->certificates.p, blocks->leaf_length};
    parts->key = blocks->key.octets;
    parts->rsa = blocks->key.rsa;
    parts->not_before = seconds_of(certificate_view_not_before(leaf));
    parts->not_after = seconds_of(certificate_view_not_after(leaf));
}

static bool read_pair(struct pair_reader *reader, const struct pair_text *chain,
                      const struct pair_text *key, struct certificate_pair **ret_pair,
                      struct error *e)
{
    CLEANUP(pair_blocks_clear) struct pair_blocks blocks = {0};
    if (!pair_blocks_read(&blocks, chain, key, e)) {
        return false;
    }
    struct bytes front = {blocks.certificates.p, blocks.leaf_length};
    struct bytes rest = bytes_skip(buffer_bytes(&blocks.certificates), blocks.leaf_length);
    CLEANUP(view_cleanup)
    struct certificate_view *leaf = certificate_view_take(&front, &reader->curves);
    CLEANUP(buffer_clear) struct buffer names = BUFFER(SAN_NAMES_OCTETS);
    CLEANUP(chain_cleanup) struct certificate_chain *intermediates = NULL;
    struct pair_parts parts = {.path = chain->path};
    struct file_identity files[CERTIFICATE_PAIR_FILES_MAX];
    if (!check_leaf(leaf, &blocks.key, chain->path, key->path, e) ||
        !san_names_read(certificate_view_extensions(leaf), chain->path, &names, &parts.name_count,
                        e) ||
        !find_chain(reader, rest, chain->path, &intermediates, e)) {
        return false;
    }
    parts.chain = intermediates;
    parts.names = buffer_bytes(&names);
    add_leaf(&parts, &blocks, leaf);
    add_files(&parts, chain, key, files);
    *ret_pair = certificate_pair_new(&parts);
    return true;
}

static void reader_cleanup(struct pair_reader **reader)
{
    pair_reader_free(*reader);
}

bool pair_reader_read(struct pair_reader *reader, const struct pair_text *chain,
                      const struct pair_text *key, struct certificate_pair **ret_pair,
                      struct error *e)
{
    if (reader != NULL) {
        return read_pair(reader, chain, key, ret_pair, e);
    }
    struct chain_pool *pool = chain_pool_new();
    CLEANUP(reader_cleanup) struct pair_reader *own = pair_reader_new(pool);
    chain_pool_unref(pool);
    return read_pair(own, chain, key, ret_pair, e);
}

bool certificate_pair_parse(struct bytes chain, const char *chain_path, struct bytes key,
                            const char *key_path, struct certificate_pair **ret_pair,
                            struct error *e)
{
    const struct pair_text chain_text = {.text = chain, .path = chain_path};
    const struct pair_text key_text = {.text = key, .path = key_path};
    bool one = key.p == chain.p && key.n == chain.n && strcmp(key_path, chain_path) == 0;
    return pair_reader_read(NULL, &chain_text, one ? &chain_text : &key_text, ret_pair, e);
}
