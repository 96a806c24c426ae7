/* What a snapshot of certificates is made of (lib/certificates/live/snapshot_keeper.h): the pairs
 * that are served; lib/certificates/snapshot_writer.h. A struct certificate_set is its set, one
 * pair one change. */
#ifndef LIB_CERTIFICATES_LIVE_CERTIFICATE_KEEPER_H
#define LIB_CERTIFICATES_LIVE_CERTIFICATE_KEEPER_H

#include "lib/certificates/live/snapshot_keeper.h"

enum {
    CERTIFICATE_KEEPER_CHANGES = 1000, /* fewer are read again in no time */
    CERTIFICATE_KEEPER_INTERVAL_MS = 5 * 60 * 1000,
};

extern const struct snapshot_matter certificate_keeper_matter;

#endif
