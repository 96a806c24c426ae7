/* Which DNS records a domain needs, from its policy and the configuration.
 *
 * Without `dns.delegate` all stand in the domain's own zone. With `dns.delegate: D` the tenant has
 * set `_mta-sts.TENANT CNAME _mta-sts.TENANT.D` once, and our zone D has at that name the TXT
 * record of the tenant's own policy, or a CNAME to the one TXT record `_mta-sts.NAME.D` of the
 * shared policy NAME: so an edit of a shared policy is one change for all of its tenants. */
#ifndef CLI_DOMAIN_RECORDS_H
#define CLI_DOMAIN_RECORDS_H

#include "cli/name_map.h"
#include "cli/record_writer.h"
#include "config/settings.h"
#include "lib/base/error.h"
#include "policies/files/catalogue.h"

struct domain_records {
    const struct settings *settings;
    struct record_writer writer;
    /* The id that counts where the file's own does not any more; NULL: as the file has it. */
    struct bytes (*id)(const struct catalogue_view *view, void *context);
    void *id_context;
    /* Where records go instead of to the writer; NULL: to the writer. */
    void (*take)(const struct record *record, void *context);
    void *take_context;
    struct name_map shared_done; /* shared policies whose record was written */
    struct name_map labels;      /* domains of one label, which may be named like them */
};

/* Writes to stdout in the format WORD. */
void domain_records_begin(struct domain_records *records, const struct settings *settings,
                          const char *word);
/* Hands each record to TAKE(record, CONTEXT) instead; its text is TAKE's to copy. */
void domain_records_begin_taking(struct domain_records *records, const struct settings *settings,
                                 void (*take)(const struct record *record, void *context),
                                 void *context);
/* What we publish for VIEW's domain: its id, and outside a delegation where TLS reports go. */
bool domain_records_add(struct domain_records *records, const struct catalogue_view *view,
                        struct error *e) MUST_USE;
/* The id alone. */
bool domain_records_add_id(struct domain_records *records, const struct catalogue_view *view,
                           struct error *e) MUST_USE;
/* Where mta-sts.DOMAIN points, alone (nothing without `dns.host`): what a certificate needs first.
 */
bool domain_records_add_host(struct domain_records *records, const struct catalogue_view *view,
                             struct error *e) MUST_USE;
/* What the tenant sets once, all of it. */
bool domain_records_add_setup(struct domain_records *records, const struct catalogue_view *view,
                              struct error *e) MUST_USE;
/* Only the shared policy's TXT record under the delegation (once). */
bool domain_records_add_shared(struct domain_records *records, const struct catalogue_view *view,
                               struct error *e) MUST_USE;
void domain_records_end(struct domain_records *records);

#endif
