/* `--publish`: records go into DNS, by updates (RFC 2136) or the operator's program, instead of to
 * standard output alone, on which stand those that were published.
 *
 *     publication_open(&publication, settings, &e)
 *     publication_add(&publication, &record, view)          for each
 *     publication_wait(&publication, timeout_ms)            --wait
 *     publication_run(&publication, "zone")                 */
#ifndef CLI_PUBLICATION_H
#define CLI_PUBLICATION_H

#include "cli/record_writer.h"
#include "cli/serving_wait.h"
#include "lib/dns/publish.h"
#include "policies/files/catalogue.h"

enum { PUBLICATION_NAMES_TOLD = 100 }; /* of what failed for one and the same reason */

struct publication_record {
    struct record record; /* its text is owned */
    size_t serving;       /* the item of the wait that it depends on */
};

struct publication {
    const struct settings *settings; /* borrowed */
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

/* RECORD (copied) is of VIEW's policy. Records of one domain come one after the other. */
void publication_add(struct publication *publication, const struct record *record,
                     const struct catalogue_view *view);

/* Until their policies are served, at most TIMEOUT_MS: records of those that are not by then are
 * left out, and told. False: some were. */
bool publication_wait(struct publication *publication, int64_t timeout_ms);
/* Without that: says what may happen where it is not known that they are served. */
void publication_warn(struct publication *publication);

/* Publishes; what was, is printed in the format WORD. False: something was not, which was told. */
bool publication_run(struct publication *publication, const char *word);

#endif
