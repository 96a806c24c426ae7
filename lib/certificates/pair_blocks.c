#include "pair_blocks.h"

#include <openssl/crypto.h>

#include "lib/certificates/pem.h"

static void pem_reader_cleanup(struct pem_reader **reader)
{
    pem_reader_free(*reader);
}

/* --- Certificates --- */

static bool is_certificate(const struct pem_block *block)
{
    return strcmp(block->label, "CERTIFICATE") == 0 ||
           strcmp(block->label, "X509 CERTIFICATE") == 0;
}

static bool add_certificate(struct pair_blocks *blocks, const struct pem_block *block,
                            const char *path, struct error *e)
{
    if (blocks->certificate_count == CERTIFICATE_CHAIN_MAX) {
        return error_set(e, ERROR_LIMIT,
                         "%s has more than %d certificates; keep the server's and its "
                         "intermediates",
                         path, CERTIFICATE_CHAIN_MAX);
    }
    buffer_add(&blocks->certificates, block->der);
    if (blocks->certificate_count++ == 0) {
        blocks->leaf_length = block->der.n;
    }
    return true;
}

/* --- The key --- */

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

static bool add_key(struct pair_blocks *blocks, const struct pem_block *block,
                    const struct key_label *label, const char *path, struct error *e)
{
    if (block->encrypted || label->encrypted) {
        return error_set(e, ERROR_SYNTAX,
                         "%s: the private key is encrypted; write it without a passphrase", path);
    }
    if (blocks->key_der.n != 0) {
        return error_set(e, ERROR_SYNTAX,
                         "%s has two private keys; keep the one of the certificate", path);
    }
    buffer_add(&blocks->key_der, block->der);
    if (!private_key_find(buffer_bytes(&blocks->key_der), label->form, &blocks->key, e)) {
        return error_prefix(e, "%s: ", path);
    }
    return true;
}

/* --- Both --- */

enum { CERTIFICATES = 1, KEYS = 2 };

/* WANTED says what is taken out of TEXT; the rest is passed over. */
static bool read_text(struct pair_blocks *blocks, const struct pair_text *text, unsigned wanted,
                      struct error *e)
{
    CLEANUP(pem_reader_cleanup) struct pem_reader *reader = pem_reader_new(text->text);
    struct pem_block block;
    while (pem_reader_next(reader, &block)) {
        const struct key_label *label = find_key_label(block.label);
        if ((wanted & CERTIFICATES) != 0 && is_certificate(&block) &&
            !add_certificate(blocks, &block, text->path, e)) {
            return false;
        }
        if ((wanted & KEYS) != 0 && label != NULL &&
            !add_key(blocks, &block, label, text->path, e)) {
            return false;
        }
    }
    if (!pem_reader_damaged(reader)) {
        return true;
    }
    if ((wanted & CERTIFICATES) == 0) {
        return error_set(e, ERROR_SYNTAX, "%s: the PEM text is damaged; write the file again",
                         text->path);
    }
    return error_set(e, ERROR_SYNTAX,
                     "%s: the PEM text is damaged after certificate %zu; write the file again",
                     text->path, blocks->certificate_count);
}

static bool is_complete(const struct pair_blocks *blocks, const struct pair_text *chain,
                        const struct pair_text *key, struct error *e)
{
    if (blocks->certificate_count == 0) {
        return error_set(e, ERROR_SYNTAX,
                         "%s has no certificate; put the server's certificate first and its "
                         "intermediates after it, as PEM",
                         chain->path);
    }
    if (blocks->key_der.n == 0) {
        return error_set(e, ERROR_SYNTAX,
                         "%s has no private key; put the certificate's key there as PEM, without "
                         "a passphrase",
                         key->path);
    }
    return true;
}

bool pair_blocks_read(struct pair_blocks *blocks, const struct pair_text *chain,
                      const struct pair_text *key, struct error *e)
{
    const struct pair_text *large = chain->text.n > key->text.n ? chain : key;
    blocks->certificates = BUFFER(CERTIFICATE_FILE_MAX);
    blocks->key_der = BUFFER(CERTIFICATE_FILE_MAX);
    if (large->text.n > CERTIFICATE_FILE_MAX) {
        return error_set(e, ERROR_LIMIT, "%s is larger than %d octets; keep one chain in it",
                         large->path, CERTIFICATE_FILE_MAX);
    }
    /* All at once: base64 makes three octets of four. */
    (void)buffer_reserve(&blocks->certificates, chain->text.n / 4 * 3);
    bool read = chain == key
                    ? read_text(blocks, chain, CERTIFICATES | KEYS, e)
                    : read_text(blocks, chain, CERTIFICATES, e) && read_text(blocks, key, KEYS, e);
    return read && is_complete(blocks, chain, key, e);
}

void pair_blocks_clear(struct pair_blocks *blocks)
{
    buffer_clear(&blocks->certificates);
    buffer_wipe(&blocks->key_der);
}
