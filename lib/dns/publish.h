/* Publishing many records: by updates (RFC 2136) of their zones, or by the operator's program.
 *
 *     struct dns_publish_item items[] = {{.record = {…}, .below = BYTES("example.org")}, …};
 *     dns_publish_updates(&options, items, count);
 *     … items[i].outcome, items[i].why
 *
 * What stands already is left alone, so a run that comes after one that failed does the rest. What
 * counts as published was read back from the primary. One item's failure stops no other. Records
 * that are to go are taken away in the same way, each only as it was read (RFC 2136 §2.4.2). */
#ifndef LIB_DNS_PUBLISH_H
#define LIB_DNS_PUBLISH_H

#include "lib/dns/record.h"
#include "lib/dns/resolver.h"
#include "lib/dns/tsig_key.h"

enum {
    DNS_PUBLISH_THREADS = 16,  /* that find zones, and work on zones */
    DNS_PUBLISH_HOOKS = 8,     /* that run at the same time */
    DNS_PUBLISH_REFUSALS = 20, /* one after the other, none taken: the zone's rest is not tried */
    DNS_PUBLISH_UNFOUND = 32,  /* zones not found because nobody answers, none answered for */
};

enum dns_publish_outcome {
    DNS_PUBLISH_PENDING,
    DNS_PUBLISHED,
    DNS_PUBLISH_STOOD,   /* it was there already */
    DNS_PUBLISH_DIFFERS, /* with `look_only`: it is to be changed */
    DNS_PUBLISH_KEPT,    /* it was to go, and is not what may */
    DNS_PUBLISH_FAILED,
};

struct dns_publish_item {
    struct dns_record record; /* borrowed */
    struct bytes below;       /* the name at or under whose zone's apex RECORD lies; borrowed */
    /* The record at RECORD's name is to go, and none is to come: where one alone stands there, and
     * this says yes to its text or target. RECORD's data count for nothing then. NULL: it is to
     * stand. Called from any thread. */
    bool (*may_go)(const struct dns_publish_item *item, enum dns_record_kind kind,
                   struct bytes data);
    const void *context; /* of that */
    enum dns_publish_outcome outcome;
    char *why; /* where it failed: what, and what to do; owned */
};
void dns_publish_item_clear(struct dns_publish_item *item);

struct dns_publish_options {
    const struct dns_resolver *resolver;
    /* For updates. */
    const struct dns_tsig_key *key;
    const char *key_file; /* for messages */
    const char *server;   /* as dns_server_parse() reads it; NULL: the zone's primary by its SOA */
    const char *zone;     /* NULL: by SOA */
    /* For the program. */
    const char *program;
    int64_t timeout_ms; /* of one call */
    /* What stands is looked at, and nothing is changed. */
    bool look_only;
    /* Told from any thread, one at a time, how many items are decided. May be NULL. */
    void (*progress)(size_t done, void *context);
    void *context;
};

/* Decides every item. */
void dns_publish_updates(const struct dns_publish_options *options, struct dns_publish_item *items,
                         size_t count);
/* The same by `PROGRAM present NAME TEXT` (lib/dns/hook.h), before which `PROGRAM cleanup NAME
 * TEXT` is called for each other text of the same kind (v=STSv1, v=TLSRPTv1) that the resolver
 * knows of. A text that is to go is cleaned up. TXT records alone: a program cannot be told of a
 * CNAME. */
void dns_publish_hooks(const struct dns_publish_options *options, struct dns_publish_item *items,
                       size_t count);

#endif
