#include "publish_progress.h"

#include <stdarg.h>
#include <stdio.h>

enum { WHY_MAX = 1536 };

void publish_progress_init(struct publish_progress *ret_progress,
                           const struct dns_publish_options *options)
{
    *ret_progress = (struct publish_progress){.options = options};
    pthread_mutex_init(&ret_progress->lock, NULL);
}

void publish_progress_clear(struct publish_progress *progress)
{
    pthread_mutex_destroy(&progress->lock);
}

bool publish_may_go(const struct dns_publish_item *item, const ldns_rr_list *standing)
{
    if (ldns_rr_list_rr_count(standing) != 1) {
        return false;
    }
    const ldns_rr *rr = ldns_rr_list_rr(standing, 0);
    CLEANUP_FREE char *data = dns_record_data(rr);
    enum dns_record_kind kind = ldns_rr_get_type(rr) == LDNS_RR_TYPE_TXT ? DNS_TXT : DNS_CNAME;
    return data != NULL && item->may_go(item, kind, bytes_of(data));
}

void publish_decide(struct publish_progress *progress, struct dns_publish_item *item,
                    enum dns_publish_outcome outcome)
{
    item->outcome = outcome;
    pthread_mutex_lock(&progress->lock);
    progress->done++;
    if (progress->options->progress != NULL) {
        progress->options->progress(progress->done, progress->options->context);
    }
    pthread_mutex_unlock(&progress->lock);
}

void publish_fail(struct publish_progress *progress, struct dns_publish_item *item,
                  const char *format, ...)
{
    char why[WHY_MAX];
    va_list arguments;
    va_start(arguments, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is, a line above */
    vsnprintf(why, sizeof(why), format, arguments);
    va_end(arguments);
    item->why = memory_string(why);
    publish_decide(progress, item, DNS_PUBLISH_FAILED);
}

void dns_publish_item_clear(struct dns_publish_item *item)
{
    free(item->why);
    item->why = NULL;
}
