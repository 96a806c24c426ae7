#include "pem.h"

#include <openssl/err.h>
#include <openssl/pem.h>

/* What programs write (a label, lines of 64 characters of base64, the label again) is decoded here,
 * in a third of the time that OpenSSL takes. From the first block on that has anything else,
 * OpenSSL reads: so its word counts on what is accepted. */

enum {
    LINE = 64,
    LABEL_MAX = 40,
    OTHER_LINE_MAX = 200, /* outside of blocks; OpenSSL sees several lines in one that is longer */
};

struct pem_reader {
    struct bytes rest; /* not looked at yet, while `bio` is NULL */
    BIO *bio;
    bool damaged;
    char *label;
    char *header;
    unsigned char *der;
    long length;
    size_t room; /* octets allocated for `der` */
};

struct pem_reader *pem_reader_new(struct bytes text)
{
    struct pem_reader *reader = memory_zero(1, sizeof(*reader));
    reader->rest = text;
    return reader;
}

static void forget_block(struct pem_reader *reader)
{
    OPENSSL_free(reader->label);
    OPENSSL_free(reader->header);
    OPENSSL_clear_free(reader->der, reader->room);
    reader->label = NULL;
    reader->header = NULL;
    reader->der = NULL;
    reader->length = 0;
    reader->room = 0;
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

/* --- The usual form --- */

#define BEGIN BYTES("-----BEGIN ")
#define END   BYTES("-----END ")

/* Takes a line off the front of *TEXT, without its end. False: there is none that ends. */
static bool take_line(struct bytes *text, struct bytes *ret_line)
{
    const char *end = text->n != 0 ? memchr(text->p, '\n', text->n) : NULL;
    if (end == NULL) {
        return false;
    }
    *ret_line = (struct bytes){text->p, (size_t)(end - text->p)};
    *text = bytes_skip(*text, ret_line->n + 1);
    return true;
}

/* "-----BEGIN LABEL-----" or the like, MARK being what stands before LABEL. */
static bool label_of(struct bytes line, struct bytes mark, struct bytes *ret_label)
{
    struct bytes dashes = BYTES("-----");
    if (!bytes_starts_with(line, mark) || !bytes_ends_with(line, dashes) ||
        line.n < mark.n + 1 + dashes.n || line.n > mark.n + LABEL_MAX + dashes.n) {
        return false;
    }
    *ret_label = (struct bytes){line.p + mark.n, line.n - mark.n - dashes.n};
    return true;
}

static size_t count_padding(struct bytes line)
{
    return line.n < 2 || line.p[line.n - 1] != '=' ? 0 : line.p[line.n - 2] == '=' ? 2 : 1;
}

static bool decode_line(struct bytes line, unsigned char *der, long *length)
{
    size_t padding = count_padding(line);
    int whole = (int)line.n / 4 * 3;
    if (line.n == 0 || line.n > LINE || line.n % 4 != 0 ||
        memchr(line.p, '=', line.n - padding) != NULL ||
        EVP_DecodeBlock(der + *length, (const unsigned char *)line.p, (int)line.n) != whole) {
        return false;
    }
    *length += whole - (long)padding;
    return true;
}

/* The lines up to the one that ends the block LABEL, decoded to DER, which has room. */
static bool decode_body(struct bytes *text, struct bytes label, unsigned char *der,
                        long *ret_length)
{
    struct bytes line;
    struct bytes ended;
    bool more = true; /* the line before was full */
    while (take_line(text, &line)) {
        if (bytes_starts_with(line, END)) {
            return *ret_length != 0 && label_of(line, END, &ended) && bytes_equal(ended, label);
        }
        if (!more || !decode_line(line, der, ret_length)) {
            return false;
        }
        more = line.n == LINE && count_padding(line) == 0;
    }
    return false;
}

/* Takes the next block, which is of the usual form; false: it is not, or there is none. */
static bool take_usual(struct pem_reader *reader)
{
    struct bytes text = reader->rest;
    struct bytes line;
    struct bytes label;
    do {
        if (!take_line(&text, &line) || line.n > OTHER_LINE_MAX) {
            return false;
        }
    } while (!bytes_starts_with(line, BEGIN));
    if (!label_of(line, BEGIN, &label) || text.n == 0) {
        return false;
    }
    reader->der = OPENSSL_malloc(text.n);
    reader->label = OPENSSL_strndup(label.p, label.n);
    if (reader->der == NULL || reader->label == NULL) {
        abort(); /* out of memory */
    }
    reader->room = text.n;
    if (!decode_body(&text, label, reader->der, &reader->length)) {
        return false;
    }
    reader->rest = text;
    return true;
}

/* --- Any form --- */

static bool take_any(struct pem_reader *reader)
{
    if (reader->bio == NULL && memmem(reader->rest.p, reader->rest.n, BEGIN.p, BEGIN.n) == NULL) {
        return false; /* the usual end */
    }
    if (reader->bio == NULL) {
        reader->bio = BIO_new_mem_buf(reader->rest.p, (int)reader->rest.n);
        if (reader->bio == NULL) {
            abort(); /* out of memory */
        }
    }
    /* The flag has OpenSSL wipe its own line buffers: the block may be a private key. */
    if (PEM_read_bio_ex(reader->bio, &reader->label, &reader->header, &reader->der, &reader->length,
                        PEM_FLAG_SECURE) != 1) {
        unsigned long reason = ERR_peek_last_error();
        reader->damaged |= reason != 0 && !(ERR_GET_LIB(reason) == ERR_LIB_PEM &&
                                            ERR_GET_REASON(reason) == PEM_R_NO_START_LINE);
        ERR_clear_error();
        return false;
    }
    reader->room = (size_t)reader->length;
    return true;
}

bool pem_reader_next(struct pem_reader *reader, struct pem_block *ret_block)
{
    forget_block(reader);
    if (reader->damaged) {
        return false;
    }
    if (reader->bio != NULL || !take_usual(reader)) {
        forget_block(reader);
        if (!take_any(reader)) {
            return false;
        }
    }
    *ret_block = (struct pem_block){
        .label = reader->label,
        .der = {(const char *)reader->der, (size_t)reader->length},
        .encrypted = reader->header != NULL && strstr(reader->header, "ENCRYPTED") != NULL,
    };
    return true;
}

bool pem_reader_damaged(const struct pem_reader *reader)
{
    return reader->damaged;
}
