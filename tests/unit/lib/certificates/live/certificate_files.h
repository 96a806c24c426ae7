/* Pairs on disk, made by openssl(1), for the tests of what reads them. */
#ifndef TESTS_UNIT_LIB_CERTIFICATES_LIVE_CERTIFICATE_FILES_H
#define TESTS_UNIT_LIB_CERTIFICATES_LIVE_CERTIFICATE_FILES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../make.h"
#include "lib/base/file.h"
#include "lib/base/memory.h"

/* Runs COMMANDS in DIRECTORY. There `pair CHAIN KEY DAYS NAME` makes a self-signed pair, and
 * `damage KEY` changes the private number in it, and nothing else. */
static inline void files_shell(const char *directory, const char *commands)
{
    CLEANUP_FREE char *line = memory_printf(
        "cd '%s' && pair() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
        "-subj /CN=test -days $3 -addext subjectAltName=DNS:$4 -out .c -keyout .k 2>/dev/null && "
        "mkdir -p $(dirname $1) && mv .c $1 && mv .k $2; } && "
        "damage() { openssl pkey -in $1 -outform DER -out .d && "
        "printf damaged | dd of=.d bs=1 seek=12 conv=notrunc 2>/dev/null && "
        "{ echo -----BEGIN EC PRIVATE KEY-----; openssl base64 -in .d; "
        "echo -----END EC PRIVATE KEY-----; } > .k && rm .d && mv .k $1; } && { %s; }",
        directory, commands);
    if (system(line) != 0) { // NOLINT(cert-env33-c)
        fail_msg("failed: %s", commands);
    }
}

static inline void files_write(const char *directory, const char *name, const struct buffer *text)
{
    CLEANUP_FREE char *path = file_path_join(directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text->p, 1, text->n, file), text->n);
    assert_int_equal(fclose(file), 0);
}

/* A self-signed pair for SANS, valid from FROM until UNTIL, in seconds from now. */
static inline void files_put_pair(const char *directory, const char *chain_name,
                                  const char *key_name, const char *sans, int64_t from,
                                  int64_t until)
{
    CLEANUP(buffer_clear) struct buffer chain = BUFFER(MAKE_FILE_MAX);
    CLEANUP(buffer_clear) struct buffer secret = BUFFER(MAKE_FILE_MAX);
    EVP_PKEY *key = make_key("P-256", 0);
    X509 *certificate = make_certificate(
        &(struct make_recipe){.key = key, .sans = sans, .from = from, .until = until});
    make_add_certificate(&chain, certificate);
    make_add_key(&secret, key, MAKE_PKCS8);
    files_write(directory, chain_name, &chain);
    files_write(directory, key_name, &secret);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

#endif
