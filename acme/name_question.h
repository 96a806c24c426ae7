/* One question of a look to the DNS, asked on the pool's threads: a name's addresses, or whether
 * CAA lets a CA issue for it. Belongs to the ACME thread, as acme/client.h does.
 *
 * A name whose servers do not answer holds a thread while we wait. So every name has a short time
 * first, in the quick lane; who needs longer goes on in the slow lane, which has half of the
 * threads (lib/base/work_pool.h). However many names are slow, those that are not are answered at
 * once.
 */
#ifndef ACME_NAME_QUESTION_H
#define ACME_NAME_QUESTION_H

#include "acme/client.h"
#include "lib/dns/caa.h"
#include "lib/dns/lookup.h"

enum {
    NAME_QUICK_MS = 500, /* a question in the quick lane */
    NAME_SLOW_MS = 5000, /* … in the slow one */
};

struct name_question;

/* Valid during the call that brings it. */
struct name_answer {
    bool good; /* an answer, and a good one: CAA allows, addresses are told (there may be none) */
    bool late; /* it came to nothing because the time was over */
    bool slow; /* it took longer than the quick lane has, in whichever lane */
    struct dns_address_set addresses;
    struct error error; /* where it is not good; ERROR_RETRY: DNS gave no answer */
};
typedef void (*name_question_done)(const struct name_answer *answer, void *context);

/* Asks for HOST's addresses. SLOW: in the slow lane at once. DONE(CONTEXT) is called from the ACME
 * thread's mailbox, once. Texts are copied. */
struct name_question *name_question_addresses(struct acme *acme, const char *host, bool slow,
                                              name_question_done done, void *context);
/* Asks what REQUEST says (its trace is not used). */
struct name_question *name_question_caa(struct acme *acme, const struct dns_caa_request *request,
                                        bool slow, name_question_done done, void *context);
/* Whether it goes, or went, to the slow lane, and whether a thread has begun with it there, or in
 * the quick lane where it goes to that alone. */
bool name_question_is_slow(const struct name_question *question);
bool name_question_had_turn(const struct name_question *question);
/* Before DONE: there is nobody who wants to know any more. NULL is fine. */
void name_question_drop(struct name_question *question);

#endif
