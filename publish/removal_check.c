#include "removal_check.h"

#include "lib/base/memory.h"

struct removals {
    const struct catalogue *now;
    struct diagnostics *d;
};

static bool check_one(const struct catalogue_view *then, void *context)
{
    struct removals *removals = context;
    struct catalogue_view view;
    struct bytes domain = then->entry->name;
    if (then->policy == NULL || then->policy->mode != POLICY_ENFORCE ||
        catalogue_find(removals->now, domain, &view) ||
        catalogue_is_disputed(removals->now, domain)) {
        return true;
    }
    diagnostics_add(
        removals->d, SEVERITY_ERROR, then->path, then->entry->place.line, then->entry->place.column,
        "%.*s is gone and was not retired: senders hold its policy of mode enforce; put "
        "it back, run \"mtasts-host retire %.*s\", and take it out when \"mtasts-host "
        "retire --list\" says so",
        BYTES_ARG(domain), BYTES_ARG(domain));
    return true;
}

void removal_check(const struct catalogue *now, const struct catalogue *older,
                   struct diagnostics *d)
{
    struct removals removals = {now, d};
    catalogue_each(older, check_one, &removals);
}
