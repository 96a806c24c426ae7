#include "pair_reader.h"

#include <time.h>

#include "lib/certificates/certificate_check.h"
#include "lib/certificates/pair_blocks.h"
#include "lib/certificates/san_names.h"
#include "lib/certificates/usual_leaf.h"

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

/* What a pair keeps of its leaf. */
struct leaf {
    struct buffer names; /* each with a NUL after it */
    size_t name_count;
    int64_t not_before;
    int64_t not_after;
    bool quickly; /* what the key's file claims is enough */
    bool proven;  /* the key belongs to it */
};

static void leaf_cleanup(struct leaf *leaf)
{
    buffer_clear(&leaf->names);
}

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

static struct bytes leaf_of(const struct pair_blocks *blocks)
{
    return (struct bytes){blocks->certificates.p, blocks->leaf_length};
}

static int64_t seconds_of(const ASN1_TIME *time)
{
    struct tm tm = {0};
    return ASN1_TIME_to_tm(time, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

/* By OpenSSL, of any form. */
static bool read_in_full(struct pair_reader *reader, const struct pair_blocks *blocks,
                         const char *chain_path, const char *key_path, struct leaf *leaf,
                         struct error *e)
{
    struct bytes front = leaf_of(blocks);
    CLEANUP(view_cleanup)
    struct certificate_view *view = certificate_view_take(&front, &reader->curves);
    if (!check_leaf(view, &blocks->key, chain_path, key_path, e) ||
        !san_names_read(certificate_view_extensions(view), chain_path, &leaf->names,
                        &leaf->name_count, e)) {
        return false;
    }
    leaf->not_before = seconds_of(certificate_view_not_before(view));
    leaf->not_after = seconds_of(certificate_view_not_after(view));
    return true;
}

static bool matches_usual(struct pair_reader *reader, const struct private_key *key,
                          const struct usual_leaf *usual)
{
    struct certificate_key public_key = {0};
    bool matches =
        certificate_key_of_point(usual->point, usual->curve, &reader->curves, &public_key) &&
        private_key_matches(key, &public_key);
    certificate_key_clear(&public_key);
    return matches;
}

static bool claims_to_match(const struct private_key *key, const struct usual_leaf *usual)
{
    return !key->rsa && bytes_equal(key->point, usual->point);
}

/* By a walk, where nothing is out of the ordinary or wrong. */
static bool read_usual(struct pair_reader *reader, const struct pair_blocks *blocks,
                       struct leaf *leaf)
{
    struct usual_leaf usual;
    if (!usual_leaf_read(leaf_of(blocks), &usual)) {
        return false;
    }
    leaf->proven = !leaf->quickly || !claims_to_match(&blocks->key, &usual);
    if (leaf->proven && !matches_usual(reader, &blocks->key, &usual)) {
        return false;
    }
    struct bytes name;
    size_t count = 0;
    for (; usual_leaf_next_name(&usual.alt_names, &name); count++) {
        leaf->name_count += san_names_add(name, &leaf->names);
    }
    leaf->not_before = usual.not_before;
    leaf->not_after = usual.not_after;
    return count <= CERTIFICATE_NAMES_MAX && leaf->name_count != 0;
}

static bool read_leaf(struct pair_reader *reader, const struct pair_blocks *blocks,
                      const char *chain_path, const char *key_path, struct leaf *leaf,
                      struct error *e)
{
    leaf->names = BUFFER(SAN_NAMES_OCTETS);
    if (read_usual(reader, blocks, leaf)) {
        return true;
    }
    leaf->proven = true;
    leaf->names.n = 0;
    leaf->name_count = 0;
    return read_in_full(reader, blocks, chain_path, key_path, leaf, e);
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

/* RET_PROVEN NULL: it must be. */
static bool read_pair(struct pair_reader *reader, const struct pair_text *chain,
                      const struct pair_text *key, struct certificate_pair **ret_pair,
                      bool *ret_proven, struct error *e)
{
    CLEANUP(pair_blocks_clear) struct pair_blocks blocks = {0};
    CLEANUP(leaf_cleanup) struct leaf leaf = {.quickly = ret_proven != NULL};
    CLEANUP(chain_cleanup) struct certificate_chain *intermediates = NULL;
    struct file_identity files[CERTIFICATE_PAIR_FILES_MAX];
    if (!pair_blocks_read(&blocks, chain, key, e) ||
        !read_leaf(reader, &blocks, chain->path, key->path, &leaf, e) ||
        !find_chain(reader, bytes_skip(buffer_bytes(&blocks.certificates), blocks.leaf_length),
                    chain->path, &intermediates, e)) {
        return false;
    }
    struct pair_parts parts = {
        .leaf = leaf_of(&blocks),
        .chain = intermediates,
        .key = blocks.key.octets,
        .rsa = blocks.key.rsa,
        .path = chain->path,
        .names = buffer_bytes(&leaf.names),
        .name_count = leaf.name_count,
        .not_before = leaf.not_before,
        .not_after = leaf.not_after,
    };
    add_files(&parts, chain, key, files);
    *ret_pair = certificate_pair_new(&parts);
    if (ret_proven != NULL) {
        *ret_proven = leaf.proven;
    }
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
        return read_pair(reader, chain, key, ret_pair, NULL, e);
    }
    struct chain_pool *pool = chain_pool_new();
    CLEANUP(reader_cleanup) struct pair_reader *own = pair_reader_new(pool);
    chain_pool_unref(pool);
    return read_pair(own, chain, key, ret_pair, NULL, e);
}

bool pair_reader_read_quickly(struct pair_reader *reader, const struct pair_text *chain,
                              const struct pair_text *key, struct certificate_pair **ret_pair,
                              bool *ret_proven, struct error *e)
{
    return read_pair(reader, chain, key, ret_pair, ret_proven, e);
}

bool pair_reader_prove(struct pair_reader *reader, const struct certificate_pair *pair)
{
    struct private_key key = {.rsa = certificate_pair_is_rsa(pair),
                              .octets = certificate_pair_key(pair)};
    struct usual_leaf usual;
    return usual_leaf_read(certificate_pair_leaf(pair), &usual) &&
           matches_usual(reader, &key, &usual);
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
