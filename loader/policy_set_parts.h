/* What the parts of the policy set share; nobody else includes this.
 *
 * One apply goes through the parts in this order:
 *   scan     which files changed, came, went (policy_set_scan.c)
 *   read     those are read (policy_set_read.c): each that parses makes an *offer*, its next
 *            version
 *   claims   which offers can stand together (policy_set_claims.c), and which remove too much
 *            (policy_set_guard.c)
 *   owners   what stands is applied: who has which domain (policy_set_owners.c), and into the index
 *            goes what differs (policy_set_publish.c)
 *   report   what is wrong now (policy_set_report.c)
 *   keep     last good copies of what is in error or held (policy_set_keep.c)
 *
 * Everything costs in proportion to the files that changed, are in error or are held; nothing walks
 * all files or all domains, but for a rescan, which has to look at every file. */
#ifndef LOADER_POLICY_SET_PARTS_H
#define LOADER_POLICY_SET_PARTS_H

#include "base/file.h"
#include "loader/last_good.h"
#include "loader/policy_reading.h"
#include "loader/policy_set.h"
#include "loader/policy_snapshot_file.h"

struct set_file;

struct set_place {
    unsigned line;
    unsigned column;
};

/* The name of a shared policy, and what stands behind it. Lives while somebody mentions it. */
struct set_shared {
    struct policy_slot *slot;     /* NULL: never published */
    struct set_file *owner;       /* whose applied version defines it */
    struct set_file *claimant;    /* whose offer defines it, in the round under way */
    struct set_place place;       /* in the owner's file */
    size_t users;                 /* served domains that point to the slot */
    size_t mentions;              /* by offers and applied versions */
    size_t use;                   /* while an offer is made: index + 1 into its uses */
    bool touched;                 /* listed in set->touched_shared */
    const struct policy *coming;  /* the text that this apply is about to publish */
    struct policy_mirror *mirror; /* owned: as the owner's version has it; NULL: a text */
    size_t waiting;               /* domains that are to use it, once it has a text */
    bool copied;                  /* as "@NAME" among the last good copies */
    char *last_path;              /* of the file that defined it last */
    struct diagnostics problems;
    size_t name_length;
    char text[]; /* "@NAME" */
};

static inline struct bytes set_shared_name(const struct set_shared *shared)
{
    return (struct bytes){shared->text + 1, shared->name_length};
}

/* No file defines it, but domains use it: its last good version stays. */
static inline bool set_shared_is_orphan(const struct set_shared *shared)
{
    return shared->owner == NULL && shared->slot != NULL;
}

struct offer_domain {
    struct policy_domain *domain; /* only during a round */
    struct policy *policy;        /* its own; taken when it is published */
    struct set_shared *shared;    /* or the shared policy that it uses */
    const char *name;
    unsigned char name_length;
    struct set_place place;
};

struct offer_shared {
    struct set_shared *shared;
    struct policy *policy;        /* NULL where it is a mirror */
    struct policy_mirror *mirror; /* owned as `policy` is */
    struct set_place place;
};

/* A mention of a shared policy: each once. */
struct offer_use {
    struct set_shared *shared;
    struct set_place place; /* of the first mention */
    size_t count;
};

/* The next version of a file: parsed, not applied. A file that is gone offers nothing at all. */
struct set_offer {
    struct offer_domain *domains; /* sorted by name */
    size_t domain_count;
    struct offer_shared *shared;
    size_t shared_count;
    struct offer_use *uses;
    size_t use_count;
    size_t use_capacity;
    char *names;
    bool kept;               /* command line: `file` holds everything, policies included */
    struct policy_file file; /* else empty */
};

struct set_domain {
    struct policy_domain *domain; /* ours only while domain->owner says so */
    struct set_place place;
};

/* A domain that is to use a mirror without a text; until then it stays with what it has. */
struct set_wait {
    struct policy_domain *domain; /* ours only while domain->owner says so */
    struct set_shared *shared;    /* a mention */
};

struct set_file {
    char *path;
    size_t top;
    uint64_t seen; /* the listing that named it last */
    struct file_identity identity;
    bool identity_known;
    bool racy; /* as in struct policy_reading */

    /* The version applied. */
    struct set_domain *domains; /* sorted by name */
    size_t domain_count;
    struct set_shared **shared;
    size_t shared_count;
    struct policy_file kept; /* command line only */
    struct set_wait *waits;  /* sorted by domain */
    size_t wait_count;
    bool waits_listed; /* in set->waiting */

    struct set_offer *offer; /* NULL: nothing but what is applied */
    struct set_offer *copy;  /* first load only: the last good version, owned but not published */

    bool gone;            /* not on the disk */
    int64_t gone_ms;      /* since when */
    bool unreadable;      /* on the disk, but read or parsed in vain */
    bool held;            /* the offer removes too much */
    bool was_held;        /* it did so before this round */
    bool postponed;       /* the offer removes domains, and more is changing */
    int64_t postponed_ms; /* since when offers of this file were; 0: the last one was not */

    bool in_round;
    bool accepted;
    bool blocked_by_claim;       /* by an offer, not by what is applied */
    struct set_file *blocked_by; /* the file that was in the way first, in this round */
    struct bytes blocked_over;   /* the domain, or the shared policy's name, that it was about */
    size_t loses;                /* domains that the offer removes from what is served */

    bool to_read;   /* listed in set->to_read */
    bool touched;   /* listed in set->touched */
    bool forgotten; /* to be freed at the end of this apply */
    bool lost;      /* another file took domains of it in this round */
    bool copied;    /* there is a last good copy */
    bool copied_held;
    bool copy_is_old; /* it is not what is applied */
    bool unkept;      /* listed in set->unkept */
    struct diagnostics problems;
};

/* Whether the offer of FILE (or NULL) stands, in the round under way. */
static inline bool set_file_stands(const struct set_file *file)
{
    return file != NULL && file->in_round && file->accepted;
}

enum set_top_state { TOP_FINE, TOP_GONE, TOP_UNREADABLE };

struct set_top {
    char *path;
    enum set_top_state state;
    bool accepted;    /* the removal of what lay below was accepted */
    size_t held_gone; /* files below it that are gone and held, before this round */
    struct error why;
    struct diagnostics problems;
};

struct set_files {
    struct set_file **items;
    size_t count;
    size_t capacity;
};

/* A shared policy whose text changes, and domains that come to it meanwhile. */
struct set_change {
    struct set_shared *shared;
    struct policy *policy;
};

struct set_arrival {
    struct policy_domain *domain;
    struct set_shared *shared;
};

/* A file that was read before its turn: see policy_set_read_ahead. */
struct set_ahead {
    char *path;
    struct policy_reading reading;
};

struct policy_set {
    struct policy_index *index;
    bool own_index;
    bool keep_files; /* command line */
    bool loaded;
    bool starting; /* this apply is the first load */
    struct policy_file_defaults defaults;
    int64_t vanish_ms;
    int64_t removal_percent;
    int64_t removal_domains;
    bool (*abandoned)(void *context);
    void *abandoned_context;
    bool is_abandoned;
    bool (*changing)(void *context);
    void *changing_context;
    struct last_good *copies;
    char *state;
    struct diagnostics state_problems;

    struct set_top *tops;
    size_t top_count;
    struct set_files files;   /* sorted by path */
    struct set_files arrived; /* found by the listing under way, not in `files` yet */
    uint64_t listing;
    void *shared_by_name; /* trees of tsearch */
    void *shared_by_slot;
    struct set_shared *last_slot; /* the answer before: neighbours use the same one */

    char *mirror_copies;      /* directory; NULL: none is looked for */
    void *upstreams;          /* tree of tsearch: the policies that mirrors follow */
    bool mirrors_changed;     /* since policy_set_mirrors */
    struct set_files waiting; /* files that have waits */

    struct set_files pending; /* have an offer that was refused or is held */
    struct set_files gone;    /* have vanished, not offered yet */

    char *snapshot_path;            /* NULL: none */
    struct snapshot_file *snapshot; /* while the first load reads */
    uint64_t unsaved;               /* octets */

    struct set_ahead ahead[POLICY_SET_AHEAD_MAX];
    size_t ahead_count;

    /* This apply. */
    struct set_files to_read;
    struct set_files round;
    struct set_files touched;
    struct set_files queue; /* refused, what follows from it not looked at yet */
    struct set_files losers;
    struct set_files unkept;   /* copies that could not be written */
    struct set_files restored; /* first load: files that have a `copy` */
    bool something_changed;
    bool accepting;
    bool settled_once;     /* the round's offers were tried */
    bool guard_tripped;    /* the round removes too much: it is to remove nothing */
    bool again;            /* the limit of passes was reached: go on at once */
    int64_t look_again_ms; /* at what was postponed; 0: nothing was */
    bool tops_changed;
    size_t tripped_domains; /* how many would have been removed, of tripped_of */
    size_t tripped_of;
    bool readers_may_lag; /* domains have left shared slots since all readers were waited for */
    struct set_change *changes;
    size_t change_count;
    size_t change_capacity;
    struct set_arrival *arrivals;
    size_t arrival_count;
    size_t arrival_capacity;
    struct policy_domain **doomed;
    size_t doomed_count;
    size_t doomed_capacity;

    bool shared_unkept; /* copies of orphans are to be tried again */
    struct set_shared **touched_shared;
    size_t touched_shared_count;
    size_t touched_shared_capacity;

    size_t owned; /* domains that some applied version holds */
    size_t files_in_error;
    size_t shared_defined;    /* shared policies that some applied version defines */
    struct diagnostics fresh; /* not told yet */
    void (*changed)(const struct policy_set_event *event, void *context);
    void *context;
    struct policy_set_result result;
};

/* --- policy_set.c --- */
/* Asks, and remembers that it was abandoned. */
bool set_is_abandoned(struct policy_set *set);

/* --- policy_set_files.c: files by path --- */
void set_files_add(struct set_files *files, struct set_file *file); /* at the end */
struct set_file *set_files_find(const struct policy_set *set, const char *path);
/* The same, made where it is missing; appears in set->files after set_files_settle. Between two of
 * those each path is added once, or several times in a row. */
struct set_file *set_files_find_or_add(struct policy_set *set, const char *path, size_t top);
void set_files_settle(struct policy_set *set);
/* The files at or below PATH: [*ret_first, *ret_end) of set->files. PATH/ itself not included. */
void set_files_below(const struct policy_set *set, const char *path, size_t *ret_first,
                     size_t *ret_end);
void set_files_sort(struct set_files *files);
void set_files_touch(struct policy_set *set, struct set_file *file);
/* Frees those that are marked as forgotten. */
void set_files_forget(struct policy_set *set);
void set_file_free(struct set_file *file);
/* Where NAME stands in what FILE has applied, or NULL. */
const struct set_domain *set_file_find_domain(const struct set_file *file, struct bytes name);
bool set_file_is_gone(const struct policy_set *set, const struct set_file *file);

/* --- policy_set_offer.c: offers and shared names --- */
/* Takes FILE. */
struct set_offer *set_offer_new(struct policy_set *set, struct policy_file *file);
/* Nothing: of a file that is gone. */
struct set_offer *set_offer_new_empty(void);
void set_offer_free(struct policy_set *set, struct set_offer *offer);
const struct offer_domain *set_offer_find_domain(const struct set_offer *offer, struct bytes name);
struct set_shared *set_shared_find(const struct policy_set *set, struct bytes name);
struct set_shared *set_shared_mention(struct policy_set *set, struct bytes name);
void set_shared_unmention(struct policy_set *set, struct set_shared *shared);
/* The shared policy whose slot DOMAIN points to, or NULL. */
struct set_shared *set_shared_of(struct policy_set *set, const struct policy_domain *domain);
void set_shared_publish(struct policy_set *set, struct set_shared *shared, struct policy *policy);
/* Frees slot and policy; no domain may use it. */
void set_shared_withdraw(struct policy_set *set, struct set_shared *shared);
/* SHARED is looked at again at the end of this apply. */
void set_shared_touch(struct policy_set *set, struct set_shared *shared);
void set_shared_each(const struct policy_set *set,
                     void (*visit)(struct set_shared *shared, void *context), void *context);
void set_shared_free_all(struct policy_set *set);

/* --- policy_set_mirror.c: shared policies that follow a provider's --- */
/* MIRROR (borrowed, or NULL) is what SHARED's definition says now. */
void set_mirror_adopt(struct policy_set *set, struct set_shared *shared,
                      const struct policy_mirror *mirror);
/* What is served for MIRROR now, the caller's; NULL: no text is known yet, and where one is looked
 * for, E says why. Removes a copy that is over, but for those of a start. */
struct policy *set_mirror_render(struct policy_set *set, const struct policy_mirror *mirror,
                                 struct error *e);
/* FILE's waits are those of its version OFFER, which has just been published. */
void set_mirror_note_waits(struct policy_set *set, struct set_file *file,
                           const struct set_offer *offer);
/* Whether SHARED follows a mirror without a text, and so keeps the one it had. */
bool set_mirror_keeps_text(struct policy_set *set, const struct set_shared *shared);
/* Whether something of FILE's applied version is served as it was before, for want of a mirror's
 * text. */
bool set_mirror_keeps_former(struct policy_set *set, const struct set_file *file);
/* Others took some of FILE's domains. */
void set_mirror_drop_lost_waits(struct policy_set *set, struct set_file *file);
void set_mirror_clear_waits(struct policy_set *set, struct set_file *file);
/* What DOMAIN of FILE waits for, or NULL. */
const struct set_shared *set_mirror_wait_of(const struct set_file *file,
                                            const struct policy_domain *domain);
/* Those whose wait is over come to their policies. */
void set_mirror_end_waits(struct policy_set *set);
/* POLICY (taken) is DOMAIN's own now. */
void set_mirror_put(struct policy_set *set, struct bytes domain, struct policy *policy);
void set_mirror_free(struct policy_set *set);

/* --- policy_set_scan.c --- */
void set_scan(struct policy_set *set, const struct watch_changes *changes, int64_t now_ms);
/* FILE is not on the disk any more. */
void set_scan_vanish(struct policy_set *set, struct set_file *file, int64_t now_ms);
/* What FILE offered was never applied, and is not to be. */
void set_scan_drop_offer(struct policy_set *set, struct set_file *file);
/* By its last component. */
bool set_scan_is_policy_file_name(const char *path);
/* PATH could not be read, in words. */
void set_scan_add_unreadable(struct diagnostics *problems, const char *path, const struct error *e);

/* --- policy_set_read.c --- */
/* Reads set->to_read, unless it is abandoned. */
void set_read(struct policy_set *set, int64_t now_ms);
/* What was read ahead is not what is there, or not needed any more. */
void set_read_forget(struct policy_set *set);

/* --- policy_set_claims.c --- */
/* Settles which offers of set->round stand: `accepted`. */
void set_claims_settle(struct policy_set *set);
/* Takes FILE's offer out and whatever stood on it. */
void set_claims_refuse(struct policy_set *set, struct set_file *file, struct set_file *blocker,
                       bool by_claim, struct bytes over);

/* --- policy_set_guard.c --- */
/* Lets offers that remove domains wait while more is changing. True: some do; settle again. */
bool set_guard_postpone(struct policy_set *set, int64_t now_ms);
/* Holds offers that remove too much. True: some were; settle again. */
bool set_guard_check(struct policy_set *set);

/* --- policy_set_owners.c --- */
/* What stands is applied and published; the rest of the round stays as it was. */
void set_apply_settled(struct policy_set *set);

/* --- policy_set_publish.c --- */
/* What all that stand say: shared policies and domains. */
void set_publish_texts(struct policy_set *set);
/* One shared policy's text (taken), and one domain that comes to a shared policy; then what they
 * need afterwards. */
void set_publish_shared(struct policy_set *set, struct set_shared *shared, struct policy *policy);
void set_publish_user(struct policy_set *set, struct policy_domain *domain,
                      struct set_shared *shared);
void set_publish_changes(struct policy_set *set);
/* Domains that belong to nobody any more (set->doomed). */
void set_publish_removals(struct policy_set *set);
/* Shared policies that nobody defines or uses. */
void set_publish_withdrawals(struct policy_set *set);

/* --- policy_set_report.c --- */
/* What is wrong with the files that were touched, the tops and the shared policies. */
void set_report(struct policy_set *set);
/* PROBLEMS (taken, left empty) are what is wrong with it now; those not told before become
 * fresh. */
void set_report_replace(struct policy_set *set, struct diagnostics *place,
                        struct diagnostics *problems);
/* Why the system said no, without the words about what was tried. */
const char *set_report_reason(const struct error *e);
void set_report_file(struct policy_set *set, struct set_file *file, struct diagnostics *problems);
/* Domains whose removal is held. */
size_t set_report_held(const struct policy_set *set);

/* --- policy_set_keep.c --- */
/* First load: last good copies become owned versions. */
void set_keep_restore(struct policy_set *set);
/* What the copy of FILE holds, if there is one, has changed, though FILE has not: the next
 * set_keep_update sees to it. */
void set_keep_again(struct policy_set *set, struct set_file *file);
/* Writes and removes copies for what was touched. */
void set_keep_update(struct policy_set *set);

#endif
