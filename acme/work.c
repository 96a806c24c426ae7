/* What waits, on threads that may: DNS, the operator's hook. */
#include "acme/client.h"

static void work_unlink(struct work *work)
{
    if (work->previous != NULL) {
        work->previous->next = work->next;
    } else {
        work->acme->works.first = work->next;
    }
    if (work->next != NULL) {
        work->next->previous = work->previous;
    }
}

/* Back on the ACME thread. */
static void work_deliver(void *context)
{
    struct work *work = context;
    work_unlink(work);
    work->done(work);
}

/* On the pool's. */
static void work_run(void *context)
{
    struct work *work = context;
    work->run(work);
    mailbox_post(work->acme->thread.mailbox, work_deliver, work);
}

void acme_work(struct acme *acme, struct work *work)
{
    work->acme = acme;
    work->previous = NULL;
    work->next = acme->works.first;
    if (work->next != NULL) {
        work->next->previous = work;
    }
    acme->works.first = work;
    work_pool_add_to(acme->works.pool, work->lane, work_run, NULL, work);
}

static void work_ignore(struct work *work)
{
    work->free(work);
}

/* The session that they are for has ended. */
void works_orphan(struct acme *acme)
{
    for (struct work *work = acme->works.first; work != NULL; work = work->next) {
        work->done = work_ignore;
    }
}

void works_free(struct acme *acme)
{
    while (acme->works.first != NULL) {
        struct work *work = acme->works.first;
        work_unlink(work);
        work->free(work);
    }
}
