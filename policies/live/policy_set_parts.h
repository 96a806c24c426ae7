/* What the parts of the policy set share; nobody else includes this.
 *
 * One apply goes through the parts in this order:
 *   memory   the first one: what was served is there as if it had been applied
 *            (policy_set_memory.c)
 *   scan     which files changed, came, went (policy_set_scan.c)
 *   read     those are read (policy_set_read.c): each that parses makes an *offer*, its next
 *            version
 *   claims   which offers can stand together (policy_set_claims.c), and which take away too much,
 *            or are not whole (policy_set_guard.c)
 *   owners   what stands is applied: who has which domain (policy_set_owners.c), and into the index
 *            goes what differs (policy_set_publish.c)
 *   report   what is wrong now (policy_set_report.c)
 *
 * What is being done about each file is a state (policies/live/file_state.h); what is not at rest
 * is on one list. Everything costs in proportion to that and to the files that changed; nothing
 * walks all files or all domains, but for a rescan, which has to look at every file. */
#ifndef POLICIES_LIVE_POLICY_SET_PARTS_H
#define POLICIES_LIVE_POLICY_SET_PARTS_H

#include "lib/base/file.h"
#include "policies/files/policy_file_path.h"
#include "policies/live/file_state.h"
#include "policies/live/policy_reading.h"
#include "policies/live/policy_set.h"
#include "policies/live/write_rule.h"

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
    size_t number;                /* while an offer, or a round, is put together: its index + 1 */
    bool touched;                 /* listed in set->publication */
    const struct policy *coming;  /* the text that this apply is about to publish */
    struct policy_mirror *mirror; /* owned: as the owner's version has it; NULL: a text */
    size_t waiting;               /* domains that are to use it, once it has a text */
    const struct policy *former;  /* borrowed: its text in the memory, until it is published */
    bool remembered;              /* as an orphan, in the memory */
    char *last_path;              /* of the file that defined it last */
    struct diagnostics problems;
    size_t name_length;
    char text[]; /* "@NAME" */
};

static inline struct bytes set_shared_name(const struct set_shared *shared)
{
    return (struct bytes){shared->text + 1, shared->name_length};
}

/* The text that stands: what is served, or before the first apply has published it, what is
 * remembered; NULL: none is known. */
static inline const struct policy *set_shared_served(const struct set_shared *shared)
{
    return shared->slot != NULL ? shared->slot->policy : shared->former;
}

/* No file defines it, but domains use it: its last good version stays. */
static inline bool set_shared_is_orphan(const struct set_shared *shared)
{
    return shared->owner == NULL && shared->slot != NULL;
}

struct offer_domain {
    struct policy_domain *domain; /* only during a round; of a restored version, while it is one */
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
    bool absent;                  /* the file is gone */
    struct offer_domain *domains; /* sorted by name */
    size_t domain_count;
    struct offer_shared *shared; /* sorted by name */
    size_t shared_count;
    struct offer_use *uses;
    size_t use_count;
    size_t use_capacity;
    char *names;
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

/* The text of a file, besides what it says. */
struct set_text {
    struct file_identity identity;
    bool line_end; /* it ends with one */
};

struct set_file {
    char *path;
    size_t top;
    uint64_t seen; /* the listing that named it last */
    enum file_state state;
    enum file_state before; /* the state that it came to this round from */
    bool was_held;          /* its offer was, and has not changed since … */
    bool held_gone;         /* … and was nothing: the file was gone */
    bool listed;            /* on set->work */
    bool in_round;

    /* On the disk. */
    bool present;
    struct set_text text; /* what was looked at last … */
    bool text_known;      /* … unless it is to be read again in any case */
    bool racy;            /* as in struct policy_reading */
    bool untold;          /* nobody told of its writer … */
    bool left_open;       /* … or its writer has not closed it */
    bool settled;         /* it was the same in two looks */
    int64_t since_ms;     /* when it came to be as `before` says */
    int64_t postponed_ms; /* since when offers of it were; 0: the last one was not */

    /* The version applied. */
    struct set_text applied;    /* its text; of an inode 0: none is known */
    struct set_text whole;      /* of all that were read, the last that was not cut off */
    struct set_domain *domains; /* sorted by name */
    size_t domain_count;
    struct set_shared **shared;
    size_t shared_count;
    struct set_wait *waits; /* sorted by domain */
    size_t wait_count;
    bool waits_listed; /* in set->waiting */
    bool unremembered; /* listed in set->unwritten */

    struct set_offer *offer;    /* NULL: nothing but what is applied */
    struct set_offer *restored; /* first load only: as remembered, owned but not published */

    /* The round under way. */
    size_t number;               /* among those that are judged */
    struct set_file *blocked_by; /* the file that is in the way, or NULL */
    char *blocked_over;          /* the domain, or the shared policy's name, that it is about */
    size_t loses;                /* domains that the offer removes from what is served */
    bool lost;                   /* another file took domains of it */
    struct diagnostics problems;
};

/* A file that was applied, or restored, at some time. */
static inline bool set_file_is_applied(const struct set_file *file)
{
    return file->domain_count != 0 || file->shared_count != 0 || file->applied.identity.inode != 0;
}

/* Whether the offer of FILE (or NULL) stands, in the round under way. */
static inline bool set_file_stands(const struct set_file *file)
{
    return file != NULL && file->in_round && file->state == FILE_OFFERED;
}

/* Whether it is known that FILE is not on the disk. */
static inline bool set_file_is_gone(const struct set_file *file)
{
    return file->state == FILE_VANISHED || file->state == FILE_FORGOTTEN ||
           (file->offer != NULL && file->offer->absent);
}

enum set_top_state {
    TOP_FINE,
    TOP_EMPTY, /* it has no policy file left, and had some */
    TOP_GONE,
    TOP_UNREADABLE,
    TOP_DROPPED, /* only the memory knows it: the configuration does not name it any more */
};

struct set_top {
    char *path;
    char *entry; /* as the configuration writes it */
    enum set_top_state state;
    bool shares;      /* another top lies below it, or it below another */
    size_t present;   /* files below it that are on the disk */
    bool is_meant;    /* one of them says `domains: {}` */
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

/* A file that the memory still has and that gives nothing any more. */
struct set_forgotten {
    char *entry;
    char *path; /* below it */
};

/* What an operator accepts: all, or what lies at and below some paths. */
struct policy_set_accepting {
    const char *const *paths;
    size_t path_count; /* 0: all */
};

/* What the memory does not have yet (policy_set_memory.c). */
struct set_unwritten {
    struct set_files files;
    struct set_forgotten *forgotten;
    size_t forgotten_count;
    size_t forgotten_capacity;
    bool orphans;
    bool all_else_is; /* the memory is what was restored, but for these */
};

/* What one apply is about to publish (policy_set_publish.c). */
struct set_publication {
    struct set_change *changes;
    size_t change_count;
    size_t change_capacity;
    struct set_arrival *arrivals;
    size_t arrival_count;
    size_t arrival_capacity;
    struct policy_domain **doomed; /* they belong to nobody any more … */
    size_t doomed_count;
    size_t doomed_capacity;
    struct set_file nobody;      /* … who owns them until they are removed */
    struct set_shared **touched; /* shared policies that are looked at once more at the end */
    size_t touched_count;
    size_t touched_capacity;
    bool readers_may_lag; /* domains have left shared slots since all readers were waited for */
};

struct policy_set {
    struct policy_index *index;
    struct policy_set_options options; /* its texts are the set's own, or NULL */
    bool loaded;
    bool is_abandoned;
    void (*changed)(const struct policy_set_event *event, void *context);
    void *context;

    struct set_top *tops;
    size_t top_count;
    bool tops_changed;
    struct set_files files;   /* sorted by path */
    struct set_files arrived; /* found by the listing under way, not in `files` yet */
    uint64_t listing;
    struct set_files work; /* files that are not at rest, or were not before this apply */
    void *shared_by_name;  /* trees of tsearch */
    void *shared_by_slot;
    struct set_shared *last_slot; /* the answer before: neighbours use the same one */

    void *upstreams;          /* tree of tsearch: the policies that mirrors follow */
    bool mirrors_changed;     /* since policy_set_mirrors */
    struct set_files waiting; /* files that have waits */

    struct set_ahead ahead[POLICY_SET_AHEAD_MAX];
    size_t ahead_count;
    struct set_unwritten unwritten;

    size_t owned; /* domains that some applied version holds */
    size_t files_in_error;
    size_t shared_defined;              /* shared policies that some applied version defines */
    struct diagnostics memory_problems; /* of a start */
    struct diagnostics fresh;           /* not told yet */

    /* This apply. */
    int64_t now_ms;
    bool starting; /* it is the first load */
    bool untold;   /* nobody told which of the changed files are whole */
    bool something_changed;
    const struct policy_set_accepting *accepting; /* NULL: nothing is accepted */
    struct set_files round;                       /* files whose offers are judged */
    struct set_files losers;                      /* files that others took something of */
    bool guard_tripped; /* the round removes too much: it is to remove nothing */
    bool again;         /* not all could be judged: go on at once */
    struct set_publication publication;
    struct policy_set_result result;
};

/* --- policy_set_event.c --- */
/* Asks, and remembers that it was abandoned. */
bool set_is_abandoned(struct policy_set *set);
/* Whether the operator accepts whatever FILE takes away. */
bool set_accepts(const struct policy_set *set, const struct set_file *file);
/* EVENT comes to FILE, which is looked at again until it is at rest. */
void set_event(struct policy_set *set, struct set_file *file, enum file_event event);

/* --- policy_set_files.c: files by path --- */
/* One more top, at PATH; its number. */
size_t set_add_top(struct policy_set *set, struct bytes path, const char *entry,
                   enum set_top_state state);
void set_files_add(struct set_files *files, struct set_file *file); /* at the end */
struct set_file *set_files_find(const struct policy_set *set, const char *path);
/* The same, made where it is missing; appears in set->files after set_files_settle. Between two of
 * those each path is added once, or several times in a row. Found below TOP, it belongs to the
 * nearest top above it that the configuration names. */
struct set_file *set_files_find_or_add(struct policy_set *set, const char *path, size_t top);
void set_files_settle(struct policy_set *set);
/* The files at or below PATH: [*ret_first, *ret_end) of set->files. PATH/ itself not included. */
void set_files_below(const struct policy_set *set, const char *path, size_t *ret_first,
                     size_t *ret_end);
void set_files_sort(struct set_files *files);
/* FILE is reported on, and looked at, at the end of this apply. */
void set_files_touch(struct policy_set *set, struct set_file *file);
/* Takes GOING (sorted, at least one) out of FILES. */
void set_files_take_out(struct set_files *files, const struct set_files *going);
/* Where NAME stands in what FILE has applied, or NULL. */
const struct set_domain *set_file_find_domain(const struct set_file *file, struct bytes name);
/* FILE is on the disk, or not. */
void set_file_note_presence(struct policy_set *set, struct set_file *file, bool present);
/* How what was read of it last was written. */
struct write_facts set_file_writing(const struct policy_set *set, const struct set_file *file);
/* Its path below its top. */
struct bytes set_file_below(const struct policy_set *set, const struct set_file *file);
/* Whether its top is not there, or has nothing left: nobody can tell what FILE says. */
bool set_file_is_away(const struct policy_set *set, const struct set_file *file);

/* --- policy_set_finish.c: the end of an apply --- */
/* What is at rest goes off the work list, and those that are forgotten are freed. */
void set_files_finish(struct policy_set *set);
void set_file_free(struct policy_set *set, struct set_file *file);

/* --- policy_set_offer.c: offers and shared names --- */
/* Takes FILE. */
struct set_offer *set_offer_new(struct policy_set *set, struct policy_file *file);
/* Nothing: of a file that is gone. */
struct set_offer *set_offer_new_empty(void);
/* The text that OFFERED brings, with the offers that stand now; NULL: none is known. */
const struct policy *set_offer_text(const struct offer_domain *offered);
/* The text of SHARED that comes, or stands. */
const struct policy *set_shared_text(const struct set_shared *shared);
/* The text that is served for DOMAIN, or in a first load is about to be. */
const struct policy *set_domain_text(const struct policy_domain *domain);
void set_offer_free(struct policy_set *set, struct set_offer *offer);
const struct offer_domain *set_offer_find_domain(const struct set_offer *offer, struct bytes name);
const struct offer_shared *set_offer_find_shared(const struct set_offer *offer,
                                                 const struct set_shared *shared);
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
/* POLICY (taken) is DOMAIN's own now / DOMAIN's own is not needed any more. */
void set_mirror_put_text(struct policy_set *set, struct bytes domain, struct policy *policy);
void set_mirror_drop_text(struct policy_set *set, struct bytes domain);
/* Whether SHARED follows a mirror without a text, and so keeps the one it had. */
bool set_mirror_keeps_text(struct policy_set *set, const struct set_shared *shared);
/* Whether something of FILE's applied version is served as it was before, for want of a mirror's
 * text. */
bool set_mirror_keeps_former(struct policy_set *set, const struct set_file *file);
void set_mirror_free(struct policy_set *set);

/* --- policy_set_waits.c: domains that wait for a provider's first text --- */
/* FILE's waits are those of its version OFFER, which has just been published. */
void set_mirror_note_waits(struct policy_set *set, struct set_file *file,
                           const struct set_offer *offer);
/* Others took some of FILE's domains. */
void set_mirror_drop_lost_waits(struct policy_set *set, struct set_file *file);
void set_mirror_clear_waits(struct policy_set *set, struct set_file *file);
/* What DOMAIN of FILE waits for, or NULL. */
const struct set_shared *set_mirror_wait_of(const struct set_file *file,
                                            const struct policy_domain *domain);
/* Those whose wait is over come to their policies. */
void set_mirror_end_waits(struct policy_set *set);
/* POLICY (taken) is DOMAIN's own now: whoever follows it is served with it. */
void set_mirror_put(struct policy_set *set, struct bytes domain, struct policy *policy);

/* --- policy_set_scan.c --- */
void set_scan(struct policy_set *set, const struct watch_changes *changes);
/* Those that settled, or whose writer may be done, are looked at again. */
void set_scan_again(struct policy_set *set);
/* FILE is not on the disk any more. */
void set_scan_vanish(struct policy_set *set, struct set_file *file);
/* Notes how FILE was written, as far as it is known now. False: it is being written, and its end
 * will be told. */
bool set_scan_is_written(struct policy_set *set, struct set_file *file);
/* What FILE offered was never applied, and is not to be. */
void set_scan_drop_offer(struct policy_set *set, struct set_file *file);

/* --- policy_set_read.c --- */
/* Reads what has changed, unless it is abandoned. */
void set_read(struct policy_set *set);
/* What was read ahead is not what is there, or not needed any more. */
void set_read_forget(struct policy_set *set);

/* --- policy_set_claims.c --- */
struct set_claims;
/* What the offers of set->round say of names that others have as well; the caller frees it. */
struct set_claims *set_claims_new(struct policy_set *set);
void set_claims_free(struct set_claims *claims);
/* Settles which offers of set->round stand, of those that are not taken out of it: they are
 * FILE_OFFERED, the others FILE_REFUSED, and claimants are marked. */
void set_claims_settle(struct policy_set *set, struct set_claims *claims);

/* --- policy_set_guard.c --- */
/* Takes offers out that are not to count now: postponed, held, not whole. True: some were; settle
 * again. */
bool set_guard(struct policy_set *set);

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
/* Domains that belong to nobody any more (set->publication). */
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
void set_report_file(struct policy_set *set, struct set_file *file, struct diagnostics *problems);
/* Domains whose removal is held. */
size_t set_report_held(const struct policy_set *set);

/* --- policy_set_memory.c --- */
/* First load: what is remembered becomes owned versions. */
void set_memory_restore(struct policy_set *set);
/* … and their texts, which are published or not wanted, go. */
void set_memory_let_go(struct policy_set *set);

/* --- policy_set_unwritten.c: what the memory is to have --- */
/* What FILE gives has changed, or what is known of it: the memory is to have it. */
void set_memory_note(struct policy_set *set, struct set_file *file);
/* FILE is about to be freed. */
void set_memory_note_forgotten(struct policy_set *set, const struct set_file *file);
/* A shared policy has come to be without a file, or is no more. */
void set_memory_note_orphan(struct policy_set *set, struct set_shared *shared);
/* What gives nothing any more was handed over. */
void set_memory_clear_forgotten(struct policy_set *set);

#endif
