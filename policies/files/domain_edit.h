/* Puts domains into the text of a policy file, replaces what they have, or takes them out, many at
 * once, and leaves every other octet alone. Pure: text in, text out. For files that programs write:
 * each domain that is put there has one line.
 *
 *     domains:
 *       a.example: google
 *       b.example: {mode: testing, mx: [mx.b.example], max_age: 86400, id: "2026…"} */
#ifndef POLICIES_FILES_DOMAIN_EDIT_H
#define POLICIES_FILES_DOMAIN_EDIT_H

#include "lib/base/buffer.h"
#include "lib/base/error.h"
#include "policies/model/policy.h"

/* What a domain is to have afterwards: a policy of its own, or the name of a shared one; or it is
 * to be gone. */
struct domain_edit {
    struct bytes domain; /* normalised */
    bool gone;
    const struct policy *policy; /* NULL where `shared` is set */
    struct bytes shared;
    struct bytes id;     /* of its own policy; may be empty */
    struct bytes tlsrpt; /* encoded URIs, comma-separated; may be empty */
};

/* Appends TEXT, a policy file without errors whose domains stand on lines of their own, with all
 * EDITS made, to RET_TEXT. EDITS are sorted by domain (bytes_compare), each once. One that makes a
 * domain go that is not there is no change.
 *
 * The result has been parsed again: those domains have what was meant, and all else says what it
 * said. Fails with line and column in E, and RET_TEXT as it was, where that cannot be done safely.
 * The cost is that of reading the file three times, however many edits there are. */
bool domain_edit_apply(struct bytes text, const struct domain_edit *edits, size_t count,
                       struct buffer *ret_text, struct error *e) MUST_USE;

#endif
