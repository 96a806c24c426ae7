/* What the panel's file has, domain by domain, in memory that does not grow with it: it is read in
 * pieces of some domains each, which works since the verbs write a domain a line. */
#ifndef PUBLISH_PANEL_LIST_H
#define PUBLISH_PANEL_LIST_H

#include "lib/base/buffer.h"
#include "lib/base/error.h"
#include "policies/files/policy_file.h"

/* Where the text comes from. */
struct panel_source {
    /* Appends more of the text to MORE; *RET_END: that was all. */
    bool (*read)(struct buffer *more, bool *ret_end, struct error *e, void *context);
    void *context;
    const char *path; /* for messages */
    struct policy_file_defaults defaults;
};

/* Calls VISIT for each domain, those of a piece by name; entries are valid during the call. False:
 * E says why, and some may have been visited. */
bool panel_list_each(const struct panel_source *source,
                     void (*visit)(const struct policy_file_entry *entry, void *context),
                     void *context, struct error *e) MUST_USE;

#endif
