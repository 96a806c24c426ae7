/* Domains whose serving changed, from the loader thread to the main thread, which alone knows
 * whether there is an ACME client to tell: the loader runs before it starts and after it ends. */
#ifndef SERVER_DOMAIN_NEWS_H
#define SERVER_DOMAIN_NEWS_H

#include "lib/base/bytes.h"
#include "lib/base/mailbox.h"

struct domain_news;

/* MAILBOX is the main thread's, borrowed. TELL is called there for each change, in their order. */
struct domain_news *domain_news_new(struct mailbox *mailbox,
                                    void (*tell)(struct bytes domain, bool gone, void *context),
                                    void *context);
/* The loader is gone; what was not told is dropped. NULL is fine. Nobody runs the mailbox
 * afterwards. */
void domain_news_free(struct domain_news *news);

/* For struct loader_hooks; CONTEXT is the news. */
void domain_news_add(struct bytes domain, bool gone, void *context);

#endif
