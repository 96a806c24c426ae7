#include "desk.h"

#include <pthread.h>
#include <stdatomic.h>

struct mail {
    STAILQ_ENTRY(mail) link;
    uint64_t ticket;
    struct http_answer answer;
};

STAILQ_HEAD(mails, mail);

struct desk {
    void (*wake)(void *wake_context);
    void *wake_context;
    pthread_mutex_t lock;
    struct mails mails; /* under the lock */
    _Atomic bool has_mail;
    LIST_HEAD(, desk_waiter) waiters; /* the worker's own, as all that follows */
    uint64_t tickets;
};

struct desk *desk_new(void (*wake)(void *wake_context), void *wake_context)
{
    struct desk *desk = memory_zero(1, sizeof(*desk));
    desk->wake = wake;
    desk->wake_context = wake_context;
    (void)pthread_mutex_init(&desk->lock, NULL);
    STAILQ_INIT(&desk->mails);
    LIST_INIT(&desk->waiters);
    return desk;
}

/* NOLINTNEXTLINE(readability-function-size): STAILQ_CONCAT is three blocks deep */
static struct mails take_mails(struct desk *desk)
{
    struct mails taken = STAILQ_HEAD_INITIALIZER(taken);
    pthread_mutex_lock(&desk->lock);
    STAILQ_CONCAT(&taken, &desk->mails);
    atomic_store(&desk->has_mail, false);
    pthread_mutex_unlock(&desk->lock);
    return taken;
}

static void deliver(struct desk *desk, struct mail *mail)
{
    struct desk_waiter *waiter = NULL;
    LIST_FOREACH(waiter, &desk->waiters, link)
    {
        if (waiter->ticket == mail->ticket) {
            desk_give_up(desk, waiter);
            waiter->deliver(waiter, &mail->answer);
            return;
        }
    }
    http_answer_clear(&mail->answer);
}

void desk_deliver(struct desk *desk)
{
    if (!atomic_load(&desk->has_mail)) {
        return;
    }
    struct mails mails = take_mails(desk);
    while (!STAILQ_EMPTY(&mails)) {
        struct mail *mail = STAILQ_FIRST(&mails);
        STAILQ_REMOVE_HEAD(&mails, link);
        deliver(desk, mail);
        free(mail);
    }
}

void desk_free(struct desk *desk)
{
    if (desk != NULL) {
        desk_deliver(desk);
        (void)pthread_mutex_destroy(&desk->lock);
        free(desk);
    }
}

static void send_to_desk(void *context, uint64_t ticket, struct http_answer *answer)
{
    struct desk *desk = context;
    struct mail *mail = memory_zero(1, sizeof(*mail));
    mail->ticket = ticket;
    mail->answer = *answer;
    *answer = (struct http_answer){0};
    pthread_mutex_lock(&desk->lock);
    STAILQ_INSERT_TAIL(&desk->mails, mail, link);
    atomic_store(&desk->has_mail, true);
    pthread_mutex_unlock(&desk->lock);
    desk->wake(desk->wake_context);
}

struct http_reply desk_wait(struct desk *desk, struct desk_waiter *waiter)
{
    waiter->ticket = ++desk->tickets;
    LIST_INSERT_HEAD(&desk->waiters, waiter, link);
    return (struct http_reply){send_to_desk, desk, waiter->ticket};
}

void desk_give_up(struct desk *desk, struct desk_waiter *waiter)
{
    (void)desk;
    if (waiter->ticket != 0) {
        waiter->ticket = 0;
        LIST_REMOVE(waiter, link);
    }
}
