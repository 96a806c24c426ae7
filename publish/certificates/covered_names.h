/* Which names the pairs below `certificates` cover, for names that the store lacks. The trees are
 * read at the first question: a host whose certificates all come by ACME never pays for it. */
#ifndef PUBLISH_CERTIFICATES_COVERED_NAMES_H
#define PUBLISH_CERTIFICATES_COVERED_NAMES_H

#include "config/settings.h"
#include "lib/base/name_map.h"

struct covered_names {
    const struct settings *settings; /* borrowed */
    int64_t now_s;
    bool read;
    struct name_map names; /* of pairs that are valid now; wildcards as they are written */
};

/* HOST is normalised. What cannot be read covers nothing: `serve` and its `status` tell why. */
bool covered_names_have(struct covered_names *covered, struct bytes host);
void covered_names_clear(struct covered_names *covered);

#endif
