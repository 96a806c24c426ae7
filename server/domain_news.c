#include "domain_news.h"

#include <pthread.h>

#include "policies/loader/domain_changes.h"

struct domain_news {
    struct mailbox *mailbox;
    void (*tell)(struct bytes domain, bool gone, void *context);
    void *context;
    pthread_mutex_t lock; /* held for a few instructions */
    struct domain_changes changes;
};

struct domain_news *domain_news_new(struct mailbox *mailbox,
                                    void (*tell)(struct bytes domain, bool gone, void *context),
                                    void *context)
{
    struct domain_news *news = memory_zero(1, sizeof(*news));
    news->mailbox = mailbox;
    news->tell = tell;
    news->context = context;
    pthread_mutex_init(&news->lock, NULL);
    return news;
}

void domain_news_free(struct domain_news *news)
{
    if (news != NULL) {
        domain_changes_clear(&news->changes);
        pthread_mutex_destroy(&news->lock);
        free(news);
    }
}

static void deliver(void *context)
{
    struct domain_news *news = context;
    pthread_mutex_lock(&news->lock);
    struct domain_changes changes = news->changes;
    news->changes = (struct domain_changes){0};
    pthread_mutex_unlock(&news->lock);
    domain_changes_tell(&changes, news->tell, news->context);
}

void domain_news_add(struct bytes domain, bool gone, void *context)
{
    struct domain_news *news = context;
    pthread_mutex_lock(&news->lock);
    bool first = news->changes.count == 0; /* else a letter is on its way */
    domain_changes_add(&news->changes, domain, gone);
    pthread_mutex_unlock(&news->lock);
    if (first) {
        mailbox_post(news->mailbox, deliver, news);
    }
}
