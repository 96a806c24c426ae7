/* Work that other threads hand to the thread that owns the mailbox. */
#ifndef LIB_BASE_MAILBOX_H
#define LIB_BASE_MAILBOX_H

#include "lib/base/error.h"

struct mailbox;

bool mailbox_new(struct mailbox **ret_mailbox, struct error *e) MUST_USE;
/* What was not run is dropped. No thread may post any more. NULL is fine. */
void mailbox_free(struct mailbox *mailbox);

/* Any thread: RUN(context) will be called on the thread that calls mailbox_run. Never waits for
 * that. */
void mailbox_post(struct mailbox *mailbox, void (*run)(void *context), void *context);

/* Readable when there is something to run. */
int mailbox_fd(const struct mailbox *mailbox);
/* Runs all there is. */
void mailbox_run(struct mailbox *mailbox);

#endif
