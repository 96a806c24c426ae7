/* What the parts of the certificate set share; nobody else includes this. */
#ifndef LOADER_CERTIFICATE_SET_PARTS_H
#define LOADER_CERTIFICATE_SET_PARTS_H

#include <stdatomic.h>

#include "loader/certificate_looks.h"
#include "loader/certificate_set.h"
#include "loader/certificate_sources.h"

struct certificate_set {
    char **tops;
    size_t top_count;
    int64_t vanish_ms;
    int64_t removal_percent;
    int64_t removal_pairs;
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
    int64_t again_ms;                /* when the next of them is to be judged again; -1: none is */
    size_t gone;                     /* sources that are */
    struct diagnostics top_problems; /* tops that cannot be listed */
    struct diagnostics held;         /* removals that are held, one a top */
    struct diagnostics notes;        /* not handed out yet */
    bool top_problems_told;
    bool held_told;
    uint32_t listing;
    size_t met;     /* paths, in all listings */
    int64_t now_ms; /* of the apply under way, or the last … */
    int64_t now_s;  /* … by the wall clock */
    size_t changed; /* pairs, in the apply under way */
};

/* --- certificate_set.c --- */
/* TROUBLE (taken; NULL: none) instead of what SOURCE had. */
void certificate_set_put_trouble(struct certificate_set *set, struct certificate_source *source,
                                 struct certificate_trouble *trouble);

/* What SOURCE's FINDING (taken) changes. */
void certificate_set_take(struct certificate_set *set, struct certificate_source *source,
                          struct certificate_finding *finding);
bool certificate_set_is_abandoned(struct certificate_set *set);

/* --- certificate_set_first.c --- */
/* Looks at all for the first time, as quickly as may be. */
void certificate_set_look_first(struct certificate_set *set);

/* --- certificate_set_gone.c --- */
/* Takes what is gone out of use, where it is time and not held. */
void certificate_set_settle(struct certificate_set *set);

#endif
