/* The set of policy files as it stands: what is applied, what is held, and why. No inotify, no
 * clock, and threads only while many files are read (base/parallel.h): told which paths changed and
 * what time it is, it reads those files and publishes what they say into the index. The server,
 * `lint` and `record` all go through here, so they agree.
 *
 * The rules:
 * - The file is the unit: one error, and none of it is applied; its last good policies stay served
 *   and are kept under `state` while it is in error, so that a restart serves them still.
 * - A set of changes is applied as one: a domain may move between files.
 * - A domain, and a shared policy's name, belong to one file. A second mention is an error that
 * names both places; the file loaded first keeps it (byte order of paths within one set), and the
 * refused file is tried again when others change.
 * - A shared policy that vanishes keeps its last good version for the domains that use it, as an
 *   error.
 * - A tree is not read in one instant. While it is `changing`, a domain may stand in a file that
 * was looked at too early: what would take domains away waits, POLICY_SET_POSTPONED_MS at most.
 * - A file that vanishes takes its domains away after `vanish_ms` unless they come back.
 * - A set that would remove more than `removal_percent` of the domains and at least
 * `removal_domains`, or a top path that is missing or unreadable, is held until
 * policy_set_accept_removals.
 * - A shared policy that follows a provider's (policies/policy_mirror.h) has the text that was put
 *   for it last, or else the last good copy. Until there is one, what was served under its name
 *   stays, and domains that come to it stay with what they have.
 * - An empty file is an error; `domains: {}` empties it on purpose. */
#ifndef LOADER_POLICY_SET_H
#define LOADER_POLICY_SET_H

#include "base/diagnostics.h"
#include "policies/policy_file.h"
#include "policies/policy_index.h"
#include "watch/watch.h"

struct policy_set;

struct policy_set_options {
    const char *const *paths; /* directories or files: the tops */
    size_t path_count;
    struct policy_file_defaults defaults;
    const char *state; /* directory for last good copies; NULL: none are kept (command line) */
    const char *mirror_copies; /* directory (policies/mirror_copy.h) for the texts of mirrors that
                                  were not put; NULL: none is looked for */
    const char *snapshot;      /* what an earlier process saved (loader/policy_snapshot_file.h): the
                                  first apply takes from it what did not change; NULL: there is none */
    int64_t vanish_ms;
    int64_t removal_percent;
    int64_t removal_domains;
    /* Asked at each file that is looked at, on any thread: true ends an apply with nothing applied,
     * after which the set is good only for policy_set_free. May be NULL. */
    bool (*abandoned)(void *context);
    void *abandoned_context;
    /* Whether files have changed since CHANGES were handed out, as far as anybody knows. Asked once
     * the files are read, where domains would go. May be NULL: nobody can tell. */
    bool (*changing)(void *context);
    void *changing_context;
};

enum { POLICY_SET_POSTPONED_MS = 10000 };

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
 * call with rescan set loads everything, last good copies for what is in error included. */
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
    size_t domains;
    size_t shared_policies;
    size_t removals_held;
    size_t files_still_open; /* what they take away is held: their writers have not closed them */
};
void policy_set_counts(const struct policy_set *set, struct policy_set_counts *ret_counts);

/* Octets of files that were parsed, not taken from the snapshot, since policy_set_save. */
uint64_t policy_set_unsaved(const struct policy_set *set);
/* What a snapshot is to have: the paths of all files in their order, in an array that the caller
 * frees with what is in it, and what they are parsed with. */
char **policy_set_save(struct policy_set *set, struct policy_file_defaults *ret_defaults,
                       size_t *ret_count);

/* For the command line: one domain or shared policy as the applied files have it, with id and
 * tlsrpt. Entries and the file's path stay valid until the next apply. */
struct policy_set_view {
    const char *path;
    const struct policy_file_entry *entry;  /* the domain's */
    const struct policy_file_entry *shared; /* the shared policy it uses, or NULL */
    const char *shared_path;
    const struct policy *policy; /* the one that counts */
};

/* Only where the set was made with `keep_files` (policy_set_load); else false. */
bool policy_set_find(const struct policy_set *set, struct bytes domain,
                     struct policy_set_view *ret_view);
/* Calls VISIT for each domain, sorted by name. */
void policy_set_each(const struct policy_set *set,
                     bool (*visit)(const struct policy_set_view *view, void *context),
                     void *context);

/* One-shot for the command line: reads everything and keeps ids and places for policy_set_find and
 * _each. True even where files are in error (look at the diagnostics). */
bool policy_set_load(const struct policy_set_options *options, struct policy_set **ret_set,
                     struct error *e) MUST_USE;

#endif
