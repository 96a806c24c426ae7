/* One policy file as it was read and parsed, without a look at any other: on any thread. */
#ifndef POLICIES_LIVE_POLICY_READING_H
#define POLICIES_LIVE_POLICY_READING_H

#include "lib/base/diagnostics.h"
#include "lib/base/file.h"
#include "policies/files/policy_file.h"

struct policy_reading {
    bool good;
    struct policy_file parsed;     /* where it is good */
    struct diagnostics problems;   /* else: what is wrong in it; none where it could not be read */
    struct error *unreadable;      /* why it could not be read, or NULL */
    struct file_identity identity; /* where it could be read */
    bool line_end;                 /* the text ends with one */
    bool racy; /* written to so shortly before that the next write may leave the identity as it
                  is */
};

void policy_reading_read(const char *path, const struct policy_file_defaults *defaults,
                         struct policy_reading *ret_reading);
/* Leaves it zero. */
void policy_reading_clear(struct policy_reading *reading);

#endif
