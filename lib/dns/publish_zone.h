/* One zone's records at one server. For dns/publish*.c alone. */
#ifndef LIB_DNS_PUBLISH_ZONE_H
#define LIB_DNS_PUBLISH_ZONE_H

#include "lib/dns/primary.h"
#include "lib/dns/publish_progress.h"

struct publish_zone {
    struct publish_progress *progress;
    const char *apex;
    struct dns_server servers[DNS_PRIMARY_ADDRESSES];
    size_t server_count;
    struct dns_publish_item **items;
    size_t count;
};

/* Decides every item of ZONE. */
void publish_zone_run(const struct publish_zone *zone);

#endif
