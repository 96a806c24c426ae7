/* An operator's own program, called with arguments and waited for: hooks.
 *
 * Its environment is PATH, HOME and LANG of ours, and what the caller gives; its standard input and
 * output are empty, no other descriptor is open. It has a process group of its own. */
#ifndef LIB_BASE_PROGRAM_H
#define LIB_BASE_PROGRAM_H

#include <stdint.h>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/base/safe_text.h"

enum {
    PROGRAM_OUTPUT_MAX = 512, /* octets of its standard error that are kept */
    PROGRAM_WORDS_SIZE = PROGRAM_OUTPUT_MAX + SAFE_TEXT_ELLIPSIS_ROOM,
};

struct program_call {
    const char *program;          /* an absolute path */
    const char *const *arguments; /* behind its name, up to a NULL; 16 at most */
    const char *const *variables; /* "NAME=VALUE", likewise */
    const char *setting;          /* what names it in the configuration, for messages */
};

/* Runs it and waits for its end, at most TIMEOUT_MS; then its process group is killed. False: it
 * did not end with 0, and E has the first octets of what it said on standard error. Any thread. */
bool program_run(const struct program_call *call, int64_t timeout_ms, struct error *e) MUST_USE;

/* What a program said in OUTPUT, on one line and fit for a terminal. 0: nothing. Pure. */
size_t program_words(struct bytes output, char ret_words[PROGRAM_WORDS_SIZE]);

#endif
