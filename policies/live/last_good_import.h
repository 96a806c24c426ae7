/* What version 0.1.0 left under the state directory, on its way into the memory
 * (policies/memory/served_memory.h): copies of the last good policies of files that were in error
 * or whose removal was held, in `last-good`, and `policies.snapshot`. A copy is policy_file_print's
 * YAML behind a line or two of head:
 *
 *     # /etc/mtasts-host/policies.d/a.yaml     percent-encoded where it is not printable ASCII
 *     # held                                   only for a removal that was held
 *     domains:
 *       …
 */
#ifndef POLICIES_LIVE_LAST_GOOD_IMPORT_H
#define POLICIES_LIVE_LAST_GOOD_IMPORT_H

#include "lib/base/bytes.h"
#include "lib/base/error.h"

struct last_good_kept {
    const char
        *source; /* a file's path, or "@NAME": a shared policy that nobody defined any more */
    bool held;
    struct bytes yaml;
};

/* Calls VISIT for every copy under STATE, in no order that means anything; there may be none, or no
 * such directory. What is no copy, or cannot be read, is passed over. Views are valid during the
 * call. False: the directory is there and cannot be read. */
bool last_good_import_each(const char *state,
                           void (*visit)(const struct last_good_kept *copy, void *context),
                           void *context, struct error *e) MUST_USE;

/* Removes both, to be called when the memory has them. There may be none; another file in
 * `last-good` stays, and the directory with it. */
bool last_good_import_remove(const char *state, struct error *e) MUST_USE;

#endif
