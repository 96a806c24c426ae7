#include "pem.h"

#include <openssl/err.h>
#include <openssl/pem.h>

struct pem_reader {
    BIO *bio;
    bool damaged;
    char *label;
    char *header;
    unsigned char *der;
    long length;
};

struct pem_reader *pem_reader_new(struct bytes text)
{
    struct pem_reader *reader = memory_zero(1, sizeof(*reader));
    reader->bio = BIO_new_mem_buf(text.p, (int)text.n);
    if (reader->bio == NULL) {
        abort(); /* out of memory */
    }
    return reader;
}

static void forget_block(struct pem_reader *reader)
{
    OPENSSL_free(reader->label);
    OPENSSL_free(reader->header);
    OPENSSL_clear_free(reader->der, (size_t)reader->length);
    reader->label = NULL;
    reader->header = NULL;
    reader->der = NULL;
    reader->length = 0;
}

void pem_reader_free(struct pem_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    forget_block(reader);
    BIO_free(reader->bio);
    free(reader);
}

bool pem_reader_next(struct pem_reader *reader, struct pem_block *ret_block)
{
    forget_block(reader);
    /* The flag has OpenSSL wipe its own line buffers: the block may be a private key. */
    if (reader->damaged || PEM_read_bio_ex(reader->bio, &reader->label, &reader->header,
                                           &reader->der, &reader->length, PEM_FLAG_SECURE) != 1) {
        unsigned long reason = ERR_peek_last_error();
        reader->damaged |= reason != 0 && !(ERR_GET_LIB(reason) == ERR_LIB_PEM &&
                                            ERR_GET_REASON(reason) == PEM_R_NO_START_LINE);
        ERR_clear_error();
        return false;
    }
    *ret_block = (struct pem_block){
        .label = reader->label,
        .der = {(const char *)reader->der, (size_t)reader->length},
        .encrypted = strstr(reader->header, "ENCRYPTED") != NULL,
    };
    return true;
}

bool pem_reader_damaged(const struct pem_reader *reader)
{
    return reader->damaged;
}
