/* Every policy text that was served, and for how long: RFC 8461 §8 asks to keep the old MX hosts
 * until the last sender's copy has expired, and only memory tells when that is.
 *
 * SQLite (WAL), file `history.db` in the state directory, 0600. Domain names and texts only, no
 * policy logic. A subject is a domain ("example.com") or a shared policy ("@google"). */
#ifndef POLICIES_MEMORY_HISTORY_H
#define POLICIES_MEMORY_HISTORY_H

#include <stdint.h>

#include "lib/base/buffer.h"
#include "lib/base/error.h"

struct history;

/* What a subject serves: a text of its own, or what a shared policy serves. */
struct history_served {
    struct bytes subject;
    struct bytes shared; /* "@NAME", or empty where `body` is its own */
    struct bytes body;
    unsigned char digest[32];
    uint32_t max_age_s;
};

/* One handle per thread. */
bool history_open(const char *path, struct history **ret_history, struct error *e) MUST_USE;
/* Only for reading, also where nothing can be written: ERROR_NOT_FOUND where there is none. */
bool history_open_reading(const char *path, struct history **ret_history, struct error *e) MUST_USE;
void history_close(struct history *history);

/* Notes run in transactions, for a million of them in seconds. */
bool history_begin(struct history *history, struct error *e) MUST_USE;
bool history_commit(struct history *history, struct error *e) MUST_USE;

/* Times that are noted never step back, whatever the clock does: a NOW before the latest that the
 * history has counts as that one. So it is for one writer. */

/* SUBJECT serves this from NOW on; what it served before was served last at NOW. Without effect
 * where it is what the subject serves already. */
bool history_note(struct history *history, const struct history_served *served, int64_t now_s,
                  struct error *e) MUST_USE;
/* Some of what SUBJECT served until NOW is not known: nobody is told that it is, for as long as a
 * sender may hold it. */
bool history_note_gap(struct history *history, struct bytes subject, int64_t now_s, struct error *e)
    MUST_USE;
/* SUBJECT is served no more. */
bool history_note_gone(struct history *history, struct bytes subject, int64_t now_s,
                       struct error *e) MUST_USE;

/* Until when a sender may hold a text other than the one that DOMAIN serves now: the latest, over
 * every other text served for it (by itself or through shared policies), of last served + max_age.
 * *RET_UNTIL_S is 0 where there was none; *RET_KNOWN false where DOMAIN is not in the history at
 * all, or where there is a gap in it. */
bool history_held_until(struct history *history, struct bytes domain, bool *ret_known,
                        int64_t *ret_until_s, struct error *e) MUST_USE;

/* Calls VISIT for each text other than the one that SUBJECT serves now that a sender may hold after
 * NOW, with the time until when; the longest first, at most MOST. Texts are valid during the call.
 */
/* NOLINTNEXTLINE(readability-function-size): what is to be called is two of its parameters */
bool history_each_held(struct history *history, struct bytes subject, int64_t now_s, size_t most,
                       void (*visit)(struct bytes text, int64_t until_s, void *context),
                       void *context, struct error *e) MUST_USE;

/* Appends the text served for SUBJECT whose digest begins with the hex digits DIGEST_PREFIX, or
 * with an empty prefix the one before the current; ERROR_NOT_FOUND where there is none. */
bool history_text(struct history *history, struct bytes subject, struct bytes digest_prefix,
                  struct buffer *text, struct error *e) MUST_USE;

/* *RET_LAST: the text that SUBJECT serves, or served last where it is served no more, by itself or
 * through its shared policy, has this DIGEST. Where times of one second decide, its own text counts
 * before the shared policy's, and the one that was served first later before the other. */
bool history_is_last(struct history *history, struct bytes subject, const unsigned char digest[32],
                     bool *ret_last, struct error *e) MUST_USE;

/* The digest of that text. ERROR_NOT_FOUND: no text of SUBJECT is known. */
bool history_last_digest(struct history *history, struct bytes subject,
                         unsigned char ret_digest[32], struct error *e) MUST_USE;

/* Forgets texts that no sender can hold any more. */
bool history_prune(struct history *history, int64_t now_s, struct error *e) MUST_USE;

#endif
