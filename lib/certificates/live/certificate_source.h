/* One certificate with its key, as a file on disk or two, and what was last read there.
 *
 * A million of them are held: so the path lies in the pair that is served, and what is only there
 * in trouble is made when trouble comes. */
#ifndef LIB_CERTIFICATES_LIVE_CERTIFICATE_SOURCE_H
#define LIB_CERTIFICATES_LIVE_CERTIFICATE_SOURCE_H

#include <sys/queue.h>

#include "lib/base/diagnostics.h"
#include "lib/base/file.h"
#include "lib/certificates/pair_reader.h"
#include "lib/certificates/snapshot_reader.h"

/* What is there cannot be read, does not match, or does not work while the one before it does
 * (lib/certificates/live/certificate_verdict.h). */
struct certificate_trouble {
    TAILQ_ENTRY(certificate_trouble) link;                  /* the set's … */
    struct certificate_source *source;                      /* … who knows whose it is */
    struct file_identity files[CERTIFICATE_PAIR_FILES_MAX]; /* as last read; zero: in vain */
    int64_t again_s;            /* wall clock: read again then though nothing changed; 0: never */
    struct diagnostics problem; /* exactly one */
    int64_t since_ms;           /* there has been trouble, this or other */
    bool denied;                /* we may not read it */
    bool settled;               /* it stays, or somebody asked: it is to be told … */
    bool told;                  /* … and was handed out as new */
};

struct certificate_source {
    struct certificate_pair *served;     /* owned by the set, who publishes it; NULL: none yet */
    char *path;                          /* of the chain, while none is served */
    struct certificate_trouble *trouble; /* NULL: fine */
    int64_t gone_ms;                     /* no longer on the disk since then, where `gone` */
    uint32_t seen;                       /* the listing that met it last */
    bool gone;
    bool looked_at; /* in the apply under way, or about to be */
    bool waiting;   /* lib/certificates/live/certificate_waits.h */
};

/* Takes PATH, which is that of the chain (lib/certificates/certificate_tree.h). */
struct certificate_source *certificate_source_new(char *path);
void certificate_source_free(struct certificate_source *source);

const char *certificate_source_path(const struct certificate_source *source);

/* PAIR (taken) is what it serves from now on. Returns what it served before, the caller's. */
struct certificate_pair *certificate_source_serve(struct certificate_source *source,
                                                  struct certificate_pair *pair);

/* What looks are made with, for one thread at a time: whoever looks at many keeps it. Intermediates
 * are shared in CHAINS; SNAPSHOT (borrowed) may be NULL. QUICKLY: what is seen for the first time
 * may be left unproven. NOW_S is the wall clock. */
struct certificate_looker_options {
    struct chain_pool *chains;
    const struct snapshot *snapshot;
    bool quickly;
    int64_t now_s;
};
struct certificate_looker;
struct certificate_looker *certificate_looker_new(const struct certificate_looker_options *options);
/* NULL is fine. */
void certificate_looker_free(struct certificate_looker *looker);

enum certificate_source_state {
    CERTIFICATE_SOURCE_SAME,     /* what was known stands, also what trouble there was */
    CERTIFICATE_SOURCE_NEW,      /* `pair` is to be served; there is no trouble any more */
    CERTIFICATE_SOURCE_TROUBLED, /* `trouble` takes the place of what there was */
    CERTIFICATE_SOURCE_GONE,     /* there is no certificate file any more */
};

struct certificate_finding {
    enum certificate_source_state state;
    struct certificate_pair *pair; /* the caller's, as the next */
    struct certificate_trouble *trouble;
    char *note;      /* on the pair, for the log; NULL: none */
    bool remembered; /* the pair is from the snapshot */
    bool unproven;   /* see pair_reader_read_quickly */
};

/* Looks at the files, and reads them where they changed, with READER; but for what is seen for the
 * first time and stands in the snapshot of CURSOR as it is. Any thread, since SOURCE stays as it
 * is. */
struct certificate_finding certificate_source_look(const struct certificate_source *source,
                                                   struct certificate_looker *looker);
/* Proves what SOURCE serves, which was found unproven: CERTIFICATE_SOURCE_SAME. Where it cannot be
 * proven it is to be served no longer, and the finding is what is there now, read in full. */
struct certificate_finding certificate_source_prove(const struct certificate_source *source,
                                                    struct certificate_looker *looker);
void certificate_finding_clear(struct certificate_finding *finding);

/* NULL is fine. */
void certificate_trouble_free(struct certificate_trouble *trouble);

/* It serves nothing any more; returns what it served, the caller's. */
struct certificate_pair *certificate_source_withdraw(struct certificate_source *source);

/* Whether there is something at PATH. What cannot be looked at (permissions, a failing disk) is not
 * gone. */
bool certificate_source_exists(const char *path);

#endif
