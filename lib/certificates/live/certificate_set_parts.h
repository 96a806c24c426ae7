/* What the parts of the certificate set share; nobody else includes this. */
#ifndef LIB_CERTIFICATES_LIVE_CERTIFICATE_SET_PARTS_H
#define LIB_CERTIFICATES_LIVE_CERTIFICATE_SET_PARTS_H

#include <stdatomic.h>

#include "lib/certificates/live/certificate_looks.h"
#include "lib/certificates/live/certificate_set.h"
#include "lib/certificates/live/certificate_sources.h"
#include "lib/certificates/live/certificate_waits.h"
#include "lib/certificates/live/unreadable.h"

struct certificate_set {
    char **tops;
    size_t top_count;
    int64_t vanish_ms;
    int64_t removal_percent;
    int64_t removal_pairs;
    int64_t settle_ms;
    enum watch_writing (*writing)(const char *path, void *context);
    void *writing_context;
    struct certificate_table *table;
    bool (*abandoned)(void *context);
    void *abandoned_context;
    bool is_abandoned;
    bool found; /* by certificate_set_find, and not applied yet */
    bool loaded;
    _Atomic size_t done;  /* pairs looked at in the first apply … */
    _Atomic size_t total; /* … of so many */
    struct chain_pool *chains;
    char *snapshot_path;       /* NULL: none */
    struct snapshot *snapshot; /* during the first apply … */
    size_t remembered;         /* … pairs that it had */
    size_t unsaved;
    struct certificate_sources sources;
    struct certificate_looks looks; /* of the apply under way */
    /* Of the first apply, see certificate_set_first.c. */
    struct certificate_looks unproven; /* served already */
    struct certificate_looks rivals;   /* set aside */
    TAILQ_HEAD(, certificate_trouble) troubles;
    size_t trouble_count;
    size_t unsettled; /* of these */
    struct certificate_waits waits;
    int64_t again_ms;                /* when the next of them is to be judged again; -1: none is */
    size_t gone;                     /* sources that are */
    struct diagnostics top_problems; /* tops that cannot be listed */
    struct unreadable unreadable;    /* tops and directories below them */
    size_t denied_told;              /* how much may not be read, as was told last */
    struct diagnostics held;         /* removals that are held, one a top */
    struct diagnostics notes;        /* not handed out yet */
    bool top_problems_told;
    bool held_told;
    uint32_t listing;
    size_t met;     /* paths, in all listings */
    int64_t now_ms; /* of the apply under way, or the last … */
    int64_t now_s;  /* … by the wall clock */
    size_t changed; /* pairs, in the apply under way */
    bool asked;     /* somebody wants to know how all of it stands, in the apply under way … */
    bool untold;    /* … or nobody knows what has changed */
};

/* --- certificate_set_adopt.c --- */
/* TROUBLE (taken; NULL: none) instead of what SOURCE had. */
void certificate_set_put_trouble(struct certificate_set *set, struct certificate_source *source,
                                 struct certificate_trouble *trouble);

/* What SOURCE's FINDING (taken) changes. */
void certificate_set_adopt(struct certificate_set *set, struct certificate_source *source,
                           struct certificate_finding *finding);
bool certificate_set_is_abandoned(struct certificate_set *set);

/* --- certificate_set_denied.c --- */
/* One error for all that may not be read, where there is any; or where there is more than was told
 * last. */
void certificate_set_add_denied(const struct certificate_set *set, struct diagnostics *d);
void certificate_set_add_new_denied(struct certificate_set *set, struct diagnostics *d);

/* --- certificate_set_first.c --- */
/* Looks at all for the first time, as quickly as may be. */
void certificate_set_look_first(struct certificate_set *set);

/* --- certificate_set_gone.c --- */
/* Takes what is gone out of use, where it is time and not held. */
void certificate_set_settle(struct certificate_set *set);

/* --- certificate_set_quiet.c --- */
/* Whether what was FOUND of SOURCE is to be judged now. */
bool certificate_set_is_quiet(struct certificate_set *set, struct certificate_source *source,
                              struct certificate_finding *finding);
/* A pair that waited and is due; NULL: there are no more. */
struct certificate_source *certificate_set_next_quiet(struct certificate_set *set);
/* TROUBLE takes the place of what SOURCE had: since when there is some, and is it told. */
void certificate_set_date_trouble(const struct certificate_set *set,
                                  const struct certificate_source *source,
                                  struct certificate_trouble *trouble);
/* Trouble that has lasted long enough is told from now on. */
void certificate_set_settle_troubles(struct certificate_set *set);
/* When any of this is to be looked at again; -1: never. */
int64_t certificate_set_quiet_due_ms(const struct certificate_set *set);

#endif
