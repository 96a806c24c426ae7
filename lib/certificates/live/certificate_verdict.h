/* Whether a certificate pair that comes to a path takes the place of the one that is served from
 * there: a pair that works is not replaced by one that does not. Pure: what is there, what comes,
 * and the time.
 *
 * A valid pair is always taken, also where it ends sooner than the one before: whoever put it there
 * meant it (a leaked key, another profile of the CA). One that is not valid is taken only where the
 * one before is not valid either, or where there was none. What cannot be read or does not match
 * never gets here (lib/certificates/pair_reader.h). */
#ifndef LIB_CERTIFICATES_LIVE_CERTIFICATE_VERDICT_H
#define LIB_CERTIFICATES_LIVE_CERTIFICATE_VERDICT_H

#include "lib/base/error.h"
#include "lib/certificates/pair.h"

enum certificate_verdict {
    CERTIFICATE_TAKEN,
    CERTIFICATE_TAKEN_ENDS_SOONER, /* worth a note */
    CERTIFICATE_REFUSED,
};

/* SERVED NULL: none. NOW_S is the wall clock. *RET_AGAIN_S is when a pair that is refused is to be
 * judged again: it becomes valid, or the one that is served has expired. */
enum certificate_verdict certificate_verdict_find(const struct certificate_pair *served,
                                                  const struct certificate_pair *coming,
                                                  int64_t now_s, int64_t *ret_again_s);

/* Says why COMING is refused, and what to do. */
void certificate_verdict_explain(const struct certificate_pair *served,
                                 const struct certificate_pair *coming, int64_t now_s,
                                 struct error *e);

/* Says that COMING ends sooner, for a log. The caller frees it. */
char *certificate_verdict_note(const struct certificate_pair *served,
                               const struct certificate_pair *coming) MUST_USE;

#endif
