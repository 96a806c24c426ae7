/* What is read without OpenSSL is what OpenSSL reads: each text is given to both. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "lib/base/buffer.h"
#include "lib/certificates/pem.h"

#define LINE64             "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2"
#define BLOCK(label, body) "-----BEGIN " label "-----\n" body "-----END " label "-----\n"

static const struct row {
    const char *name;
    const char *text;
    size_t blocks;
    bool damaged;
} ROWS[] = {
    {"nothing", "", 0, false},
    {"only text", "no block\nhere", 0, false},
    {"one block", BLOCK("A", LINE64 "\nQUJD\n"), 1, false},
    {"one full line", BLOCK("A", LINE64 "\n"), 1, false},
    {"padding of one", BLOCK("A", LINE64 "\nQUI=\n"), 1, false},
    {"padding of two", BLOCK("A", "QQ==\n"), 1, false},
    {"two blocks with text between",
     "before\n" BLOCK("A", "QUJD\n") "between\n" BLOCK("B C", "QUJD\n") "after", 2, false},
    {"no last line end", "-----BEGIN A-----\nQUJD\n-----END A-----", 1, false},
    {"CRLF", "-----BEGIN A-----\r\nQUJD\r\n-----END A-----\r\n", 1, false},
    {"usual, then CRLF, then usual",
     BLOCK("A", "QUJD\n") "-----BEGIN A-----\r\nQUJD\r\n-----END A-----\r\n" BLOCK("A", "QUJD\n"),
     3, false},
    {"headers", BLOCK("A", "Proc-Type: 4,ENCRYPTED\nDEK-Info: X,00\n\nQUJD\n"), 1, false},
    {"lines of 76", BLOCK("A", LINE64 "QUJDREVGR0hJ\nQUJD\n"), 1, false},
    {"short line within", BLOCK("A", "QUJD\nQUJD\n"), 1, false},
    {"white space at the end of a line", BLOCK("A", "QUJD \n"), 1, false},
    {"empty", BLOCK("A", ""), 0, false},
    {"no label", BLOCK("", "QUJD\n"), 1, false},
    {"another label at the end", "-----BEGIN A-----\nQUJD\n-----END B-----\n", 0, true},
    {"no end", "-----BEGIN A-----\nQUJD\n", 0, true},
    {"cut in a line", "-----BEGIN A-----\nQU", 0, true},
    {"begins twice", "-----BEGIN A-----\n" BLOCK("A", "QUJD\n"), 0, false},
    {"a character that is not base64", BLOCK("A", "QU*D\n"), 0, true},
    {"padding within", BLOCK("A", "QQ==QUJD\n"), 0, true},
    {"padding of three", BLOCK("A", "Q===\n"), 0, true},
    {"length not of four", BLOCK("A", "QUJDQ\n"), 0, true},
    {"damaged second", BLOCK("A", "QUJD\n") BLOCK("A", "Q*\n"), 1, true},
    {"spaces before", "  " BLOCK("A", "QUJD\n"), 0, false},
    {"a long line before", LINE64 LINE64 LINE64 LINE64 "\n" BLOCK("A", "QUJD\n"), 1, false},
};

struct blocks {
    struct buffer text; /* labels, headers' word, octets */
    size_t count;
    bool damaged;
};

static void add(struct blocks *blocks, const char *label, bool encrypted, struct bytes der)
{
    buffer_printf(&blocks->text, "%s %d %zu ", label, encrypted, der.n);
    buffer_add(&blocks->text, der);
    blocks->count++;
}

static void read_by_openssl(struct bytes text, struct blocks *blocks)
{
    BIO *bio = BIO_new_mem_buf(text.p, (int)text.n);
    char *label = NULL;
    char *header = NULL;
    unsigned char *der = NULL;
    long n = 0;
    while (PEM_read_bio_ex(bio, &label, &header, &der, &n, PEM_FLAG_SECURE) == 1) {
        add(blocks, label, strstr(header, "ENCRYPTED") != NULL,
            (struct bytes){(const char *)der, (size_t)n});
        OPENSSL_free(label);
        OPENSSL_free(header);
        OPENSSL_free(der);
    }
    unsigned long reason = ERR_peek_last_error();
    blocks->damaged = reason != 0 && ERR_GET_REASON(reason) != PEM_R_NO_START_LINE;
    ERR_clear_error();
    BIO_free(bio);
}

static void read_by_us(struct bytes text, struct blocks *blocks)
{
    struct pem_reader *reader = pem_reader_new(text);
    struct pem_block block;
    while (pem_reader_next(reader, &block)) {
        add(blocks, block.label, block.encrypted, block.der);
    }
    blocks->damaged = pem_reader_damaged(reader);
    assert_int_equal(ERR_peek_error(), 0);
    pem_reader_free(reader);
}

static void compare(const char *name, struct bytes text, size_t want, bool damaged)
{
    struct blocks ours = {.text = BUFFER(65536)};
    struct blocks theirs = {.text = BUFFER(65536)};
    read_by_us(text, &ours);
    read_by_openssl(text, &theirs);
    if (ours.damaged != theirs.damaged || ours.count != theirs.count ||
        !bytes_equal(buffer_bytes(&ours.text), buffer_bytes(&theirs.text))) {
        fail_msg("%s: %zu blocks%s, OpenSSL %zu%s: %.*s", name, ours.count,
                 ours.damaged ? " and damage" : "", theirs.count,
                 theirs.damaged ? " and damage" : "", BYTES_ARG(text));
    }
    if (want != SIZE_MAX && (ours.count != want || ours.damaged != damaged)) {
        fail_msg("%s: %zu blocks%s", name, ours.count, ours.damaged ? " and damage" : "");
    }
    buffer_clear(&ours.text);
    buffer_clear(&theirs.text);
}

static void test_as_openssl_reads(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        compare(ROWS[i].name, bytes_of(ROWS[i].text), ROWS[i].blocks, ROWS[i].damaged);
    }
}

/* Each text, cut at each octet, and with each octet changed to a few others. */
static void test_damage_as_openssl_sees_it(void **state)
{
    (void)state;
    static const char OCTETS[] = "\n\r -=:A*";
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        size_t n = strlen(ROWS[i].text);
        for (size_t at = 0; at < n; at++) {
            compare(ROWS[i].name, (struct bytes){ROWS[i].text, at}, SIZE_MAX, false);
            for (const char *octet = OCTETS; *octet != '\0'; octet++) {
                CLEANUP_FREE char *changed = memory_string(ROWS[i].text);
                changed[at] = *octet;
                compare(ROWS[i].name, bytes_of(changed), SIZE_MAX, false);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_openssl_reads),
        cmocka_unit_test(test_damage_as_openssl_sees_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
