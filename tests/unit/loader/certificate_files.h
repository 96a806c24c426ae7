/* Pairs on disk, made by openssl(1), for the tests of what reads them. */
#ifndef TESTS_LOADER_CERTIFICATE_FILES_H
#define TESTS_LOADER_CERTIFICATE_FILES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/memory.h"

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

#endif
