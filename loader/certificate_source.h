/* One certificate with its key, as two paths on disk (or one path twice), and what was last read
 * there. */
#ifndef LOADER_CERTIFICATE_SOURCE_H
#define LOADER_CERTIFICATE_SOURCE_H

#include "base/diagnostics.h"
#include "base/file.h"
#include "certificates/pair_reader.h"

struct certificate_source {
    char *chain_path;
    char *key_path;
    struct file_identity chain_identity; /* as last read; zero: never, or in vain */
    struct file_identity key_identity;
    struct certificate_pair *served; /* owned by the set, who publishes it; NULL: none yet */
    struct diagnostics problem;      /* at most one; empty: fine */
    bool told;                       /* the problem was handed out as new */
    uint64_t seen;                   /* the listing that met it last */
    bool gone;                       /* no longer on the disk … */
    int64_t gone_ms;                 /* … since when */
};

enum certificate_source_state {
    CERTIFICATE_SOURCE_SAME, /* as it was, or unreadable: what is served stays */
    CERTIFICATE_SOURCE_NEW,  /* *RET_PAIR is to be published */
    CERTIFICATE_SOURCE_GONE, /* there is no certificate file any more */
};

struct certificate_source *certificate_source_new(const char *chain_path, const char *key_path);
void certificate_source_free(struct certificate_source *source);

/* Looks at the files, and reads them where they changed, with READER. What cannot be read or does
 * not match becomes the source's problem. *RET_PAIR is the caller's. */
enum certificate_source_state certificate_source_look(struct certificate_source *source,
                                                      struct pair_reader *reader,
                                                      struct certificate_pair **ret_pair);

/* Whether there is something at PATH. What cannot be looked at (permissions, a failing disk) is not
 * gone. */
bool certificate_source_exists(const char *path);

#endif
