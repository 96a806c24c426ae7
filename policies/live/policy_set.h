/* The set of policy files as it stands: what is applied, what is held, and why. No inotify, no
 * clock, and threads only while many files are read (lib/base/parallel.h): told which paths changed
 * and what time it is, it reads those files and publishes what they say into the index.
 *
 * The rules:
 * - What was served is remembered (policies/memory/served_memory.h): for each file the version that
 * is applied. The first apply begins with that, and what the disk says is an edit of it, judged
 * like any other. A lost memory costs that protection, never a policy.
 * - The file is the unit: one error, and none of it is applied; its last good policies stay.
 * - A set of changes is applied as one: a domain may move between files.
 * - A name, a domain's or a shared policy's, belongs to one file: policies/model/ownership.h says
 *   to which, and policies/live/settlement.h which files can so stand together. A second mention is
 *   an error that names both places; the refused file is tried again when others change.
 * - A shared policy that vanishes keeps its last good version for the domains that use it, as an
 *   error.
 * - A text that takes something away counts when its writer is done (policies/live/write_rule.h).
 * - A tree is not read in one instant. While it is `changing`, a domain may stand in a file that
 *   was looked at too early: what would take domains away waits (policies/live/removal_rule.h).
 * - A file that vanishes takes its domains away after `vanish_ms` unless they come back, or a file
 *   that is refused has them.
 * - What lies below a top path that is missing, cannot be read, or has no policy file left is held,
 *   however little it is; and so is a set of changes that would remove more than `removal_percent`
 *   of the domains and at least `removal_domains`: until policy_set_accept_removals.
 * - A shared policy that follows a provider's (policies/model/policy_mirror.h) has the text that
 * was put for it last, or else the last good copy. Until there is one, what was served under its
 * name stays, and domains that come to it stay with what they have.
 * - An empty file is an error; `domains: {}` empties it on purpose. */
#ifndef POLICIES_LIVE_POLICY_SET_H
#define POLICIES_LIVE_POLICY_SET_H

#include "lib/base/diagnostics.h"
#include "lib/watch/watch.h"
#include "policies/files/policy_file.h"
#include "policies/memory/served_memory.h"
#include "policies/model/policy_index.h"

struct policy_set;

struct policy_set_options {
    const char *const *paths;   /* directories or files: the tops */
    const char *const *entries; /* the same as the configuration writes them: so they are remembered
                                   by. NULL: they are */
    size_t path_count;
    struct policy_file_defaults defaults;
    const char *state;         /* directory of the memory; NULL: nothing is remembered */
    const char *mirror_copies; /* directory (policies/files/mirror_copy.h) for the texts of mirrors
                                  that were not put; NULL: none is looked for */
    int64_t vanish_ms;
    int64_t settle_ms;
    int64_t removal_percent;
    int64_t removal_domains;
    /* The callbacks below may be NULL; CONTEXT is theirs. */
    void *context;
    /* Asked at each file that is looked at, on any thread: true ends an apply with nothing applied,
     * after which the set is good only for policy_set_free. */
    bool (*abandoned)(void *context);
    /* Whether files have changed since CHANGES were handed out, as far as anybody knows. Asked once
     * the files are read, where domains would go. NULL: nobody can tell. */
    bool (*changing)(void *context);
    /* How the file at PATH was written; NULL: whole. */
    enum watch_writing (*writing)(const char *path, void *context);
    /* Whether SUBJECT, which nobody remembers, served the text with this digest last. */
    bool (*was_last)(struct bytes subject, const unsigned char *digest, void *context);
    /* Whether DOMAIN is free to go: no sender can hold a policy of it. */
    bool (*is_free)(struct bytes domain, void *context);
};

/* One thing that changed in what is served, told just before readers see it. The names and `before`
 * are valid during the call, `after` until the next apply. */
struct policy_set_event {
    struct bytes subject;        /* a domain, or "@NAME" for a shared policy */
    struct bytes shared;         /* "@NAME" that the domain now uses, or empty */
    const struct policy *before; /* its own policy until now, or NULL */
    const struct policy *after;  /* NULL: uses a shared one, or is gone */
    bool none;                   /* what is served from now on, if anything, is of mode none */
    bool gone;
};

/* INDEX is borrowed and outlives the set; nobody else writes to it. */
struct policy_set *policy_set_new(const struct policy_set_options *options,
                                  struct policy_index *index);
/* Shared policies go with the set: nobody may read from INDEX any more. */
void policy_set_free(struct policy_set *set);

/* New defaults and limits; paths and state stay. Other defaults say other things in every file that
 * leaves a value out: the next rescan reads them all again. */
void policy_set_set_limits(struct policy_set *set, const struct policy_set_options *options);

/* Called during apply for each domain and shared policy whose served text or assignment changes. */
void policy_set_on_change(struct policy_set *set,
                          void (*changed)(const struct policy_set_event *event, void *context),
                          void *context);

struct policy_set_result {
    size_t files_read;
    size_t published; /* domains and shared policies whose text or assignment changed */
    size_t removed;   /* domains */
    size_t held;      /* domains whose removal is held */
};

enum { POLICY_SET_AHEAD_MAX = 8, POLICY_SET_AHEAD_OCTETS = 1024 * 1024 };

/* Changes that will be applied soon: reads and parses their files already, at most
 * POLICY_SET_AHEAD_MAX of at most POLICY_SET_AHEAD_OCTETS each. The next apply takes what was read,
 * unless its changes say that more has come since, or the file's identity does. */
void policy_set_read_ahead(struct policy_set *set, const struct watch_changes *coming);

/* Applies CHANGES (rescan: lists every tree; only files whose identity changed are read). The first
 * call with rescan set loads everything, beginning with what is remembered. */
void policy_set_apply(struct policy_set *set, const struct watch_changes *changes, int64_t now_ms,
                      struct policy_set_result *ret_result);

/* POLICY (taken), valid and in the safe form, is what DOMAIN serves itself now: published for all
 * shared policies that follow it. Any time after the first apply. */
void policy_set_put_mirror(struct policy_set *set, struct bytes domain, struct policy *policy,
                           struct policy_set_result *ret_result);

/* The domains that are followed, each once, sorted. */
struct policy_set_mirrors {
    char **domains;
    size_t count;
    size_t capacity;
};
/* False: they are as at the last call. */
bool policy_set_take_mirrors(struct policy_set *set, struct policy_set_mirrors *ret_mirrors)
    MUST_USE;
void policy_set_mirrors_clear(struct policy_set_mirrors *mirrors);

/* When apply wants to be called again though nothing changed (a vanished file's time is up, what
 * waited is to be looked at again), as monotonic milliseconds; -1: never. Call it then with empty
 * changes. */
int64_t policy_set_next_due_ms(const struct policy_set *set);

/* Applies what is held: of the files at or below PATHS, or all of it where PATH_COUNT is 0. */
void policy_set_accept_removals(struct policy_set *set, const char *const *paths, size_t path_count,
                                int64_t now_ms, struct policy_set_result *ret_result);

/* What is wrong now: parse errors, conflicts, held removals (with the command that accepts them),
 * vanished shared policies. Sorted by file and place. *D is appended to. */
void policy_set_diagnostics(const struct policy_set *set, struct diagnostics *d);
/* Only what is new since the last call: each problem is told once (for the log). */
void policy_set_new_diagnostics(struct policy_set *set, struct diagnostics *d);

struct policy_set_counts {
    size_t files;
    size_t files_in_error;
    size_t files_without_good; /* of these, that give nothing: no version of them ever stood */
    size_t files_present;      /* on the disk */
    size_t domains;
    size_t shared_policies;
    size_t removals_held;
    size_t files_still_open; /* what they take away is held: their writers have not closed them */
};
void policy_set_counts(const struct policy_set *set, struct policy_set_counts *ret_counts);

/* --- What is remembered --- */

/* Whether the memory is what the first apply found, or was handed everything since: then only what
 * changed need be handed over. Else everything is, after policy_set_remember_afresh: also where
 * more than POLICY_SET_FORGOTTEN_MAX files went and nobody took that. */
enum { POLICY_SET_FORGOTTEN_MAX = 2000 };
bool policy_set_remembers(const struct policy_set *set);
void policy_set_remember_afresh(struct policy_set *set);

/* Where the memory is written (policies/memory/memory_writer.h): PUT takes VERSION. */
struct policy_set_memory {
    void (*put)(const struct served_file *file, struct buffer *version, void *context);
    void (*remove)(struct bytes entry, struct bytes path, void *context);
    void *context;
};
/* Whether all that changed was handed over. */
bool policy_set_is_remembered(const struct policy_set *set);
/* Hands over what changed and was not handed over yet, until OCTETS of it are. True: there is more.
 */
bool policy_set_remember(struct policy_set *set, const struct policy_set_memory *memory,
                         size_t octets);

/* Who gives NAME, a domain or "@NAME", and the digest of the text that stands. The texts are valid
 * until the next apply. False: nobody. */
struct policy_set_owner {
    struct bytes entry; /* of `policies`, as the configuration writes it */
    struct bytes path;  /* below it; empty where it is the file itself */
    unsigned char digest[POLICY_DIGEST_OCTETS];
};
bool policy_set_owner(struct policy_set *set, struct bytes name,
                      struct policy_set_owner *ret_owner);

#endif
