/* What the history (policies/memory/history.h) says of what was served before, for the loader's
 * decisions: whose text it was, where two files claim a name that nothing is remembered of; and
 * which domains may go without being held. One thread's, with a handle of its own that is opened at
 * the first question and again after a failure. Whatever fails means "not known": the answer is
 * false. */
#ifndef POLICIES_LIVE_SERVED_PAST_H
#define POLICIES_LIVE_SERVED_PAST_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/bytes.h"

struct served_past;

/* Of the history in the directory STATE. Never NULL; nothing is opened yet. */
struct served_past *served_past_new(const char *state);
/* NULL is fine. */
void served_past_free(struct served_past *past);

/* Whether the text that SUBJECT (a domain, or "@NAME") serves, or served last where it is served no
 * more, by itself or through its shared policy, has the SHA-256 DIGEST. */
bool served_past_was_last(struct served_past *past, struct bytes subject,
                          const unsigned char digest[32]);

/* Whether DOMAIN is free to go by `retire`: it serves mode none, and no sender can hold a text of
 * another mode at NOW (policies/live/leaving.h). */
bool served_past_is_free(struct served_past *past, struct bytes domain, int64_t now_s);

#endif
