/* Counting decided items on several threads. For dns/publish*.c alone. */
#ifndef LIB_DNS_PUBLISH_PROGRESS_H
#define LIB_DNS_PUBLISH_PROGRESS_H

#include <pthread.h>

#include "lib/dns/publish.h"

struct publish_progress {
    const struct dns_publish_options *options;
    pthread_mutex_t lock;
    size_t done;
};

void publish_progress_init(struct publish_progress *ret_progress,
                           const struct dns_publish_options *options);
void publish_progress_clear(struct publish_progress *progress);

/* Whether STANDING is what ITEM says may go. */
bool publish_may_go(const struct dns_publish_item *item, const ldns_rr_list *standing);

/* Decides ITEM, which is pending, and tells. */
void publish_decide(struct publish_progress *progress, struct dns_publish_item *item,
                    enum dns_publish_outcome outcome);
void publish_fail(struct publish_progress *progress, struct dns_publish_item *item,
                  const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
