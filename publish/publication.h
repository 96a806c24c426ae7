/* `--publish`: records go into DNS, by updates (RFC 2136) or the operator's program.
 *
 *     publication_open(&publication, settings, &e)          before anything is written
 *     publication_add(&publication, &view, &set)            for each domain
 *     publication_wait(&publication, timeout_ms)            until their policies are served; or
 *     publication_look(&publication)                        whether they are, for whoever goes on
 *     publication_run(&publication)
 *     … publication.records[i].outcome … */
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
    bool heeds_serving; /* what is not served is left out */
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

/* Until their policies are served, at most TIMEOUT_MS. How many are not; their records will be left
 * out. */
size_t publication_wait(struct publication *publication, int64_t timeout_ms);
/* How many are not known to be served now; all records will be published all the same. */
size_t publication_look(struct publication *publication);

/* Decides each record. */
void publication_run(struct publication *publication);

#endif
