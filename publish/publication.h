/* `--publish`: records go into DNS, by updates (RFC 2136) or the operator's program.
 *
 *     publication_open(&publication, settings, &e)          before anything is written
 *     publication_add(&publication, &view, &set)            for each domain
 *     publication_compare(&publication)                     with what DNS has
 *     publication_wait(&publication, timeout_ms)            until the policies of what differs are
 *                                                           served
 *     publication_run(&publication)
 *     … publication.records[i].outcome …
 *
 * A record that stands already depends on nothing: whether its policy is served is not asked. */
#ifndef PUBLISH_PUBLICATION_H
#define PUBLISH_PUBLICATION_H

#include "lib/dns/publish.h"
#include "publish/domain_records.h"
#include "publish/serving_wait.h"

enum publication_outcome {
    PUBLICATION_PENDING,
    PUBLICATION_UNSERVED, /* left out: its policy was not served in time */
    PUBLICATION_DONE,
    PUBLICATION_STOOD, /* it was there already */
    PUBLICATION_FAILED,
    PUBLICATION_OUTCOMES,
};

struct publication_record {
    struct record record; /* name and data are owned */
    size_t serving;       /* the item of the wait that it depends on */
    enum publication_outcome outcome;
    char *why; /* where it failed: what, and what to do; owned */
};

struct publication {
    const struct settings *settings; /* borrowed */
    struct progress progress;
    struct dns_resolver *resolver;
    struct dns_tsig_key key;
    struct serving_wait wait;
    struct publication_record *records;
    size_t count;
    size_t capacity;
};

/* What is configured is looked at first of all. */
bool publication_open(struct publication *ret_publication, const struct settings *settings,
                      struct error *e) MUST_USE;
void publication_close(struct publication *publication);

/* Takes the records of SET, which are of VIEW's policy. What VIEW is of outlives the publication;
 * records of one domain come one after the other. */
void publication_add(struct publication *publication, const struct catalogue_view *view,
                     struct record_set *set);

/* Decides those that stand, and those of which DNS does not tell. How many are left. */
size_t publication_compare(struct publication *publication);
/* Until the policies of the records that are left are served, at most TIMEOUT_MS; 0: asked once.
 * Decides those whose policies are not: they are left out. How many policies these are. */
size_t publication_wait(struct publication *publication, int64_t timeout_ms);

/* Decides each record that is left. */
void publication_run(struct publication *publication);

/* Sends ITEMS (lib/dns/publish.h) in the configured way, or only looks; nothing of the above is
 * asked. */
void publication_send(const struct publication *publication, struct dns_publish_item *items,
                      size_t count, bool look_only);

#endif
