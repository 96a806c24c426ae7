/* What the parts of the loader share; nobody else includes this. All of it runs on the loader
 * thread but where a line says otherwise. */
#ifndef POLICIES_LOADER_LOADER_PARTS_H
#define POLICIES_LOADER_LOADER_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "lib/base/mailbox.h"
#include "lib/certificates/live/certificate_keeper.h"
#include "lib/certificates/live/certificate_set.h"
#include "lib/watch/watch.h"
#include "policies/live/served_past.h"
#include "policies/loader/domain_changes.h"
#include "policies/loader/loader.h"
#include "policies/loader/served_notes.h"
#include "policies/loader/survey.h"
#include "policies/memory/memory_writer.h"

struct loader {
    const struct settings *settings;
    struct log *log;
    struct loader_tables *tables;
    struct loader_hooks hooks;
    struct mailbox *mailbox;
    pthread_t thread;
    bool wants_certificates; /* each host is to have one */

    /* Any thread. */
    _Atomic bool abandon;         /* set by loader_stop: messages are freed, not worked on */
    _Atomic int64_t abandoned_ms; /* since when a first load is to end; 0: it is not */
    _Atomic bool loaded;          /* the first load is over … */
    _Atomic bool noted;           /* … and in the history */
    _Atomic int64_t beat_ms;
    _Atomic size_t domains; /* after the first load of policies */

    /* The thread's own from here on. */
    struct watch *watch;
    struct policy_set *policies;
    struct certificate_set *certificates;
    struct snapshot_keeper *certificate_keeper; /* NULL: no snapshot is wanted */
    struct served_notes *notes;
    struct served_past *past;
    struct memory_writer *memory;
    bool memory_is_restored;       /* what is in the memory is what the first load began with */
    bool import_removed;           /* what version 0.1.0 left */
    struct domain_changes changes; /* not told yet */
    char *mirror_copies;           /* directory */
    char *watch_warning;           /* as last logged */
    size_t files_in_error;         /* as last logged, too */
    size_t pairs_in_error;
    int64_t last_change_s;
    int64_t prune_ms;
    uint64_t reloads;
    uint64_t version; /* of what a survey counts */
    struct survey survey;
    uint64_t surveyed;          /* the `version` that it began with … */
    int64_t surveyed_ms;        /* … and when: what nears its end does so without a change */
    int64_t expiry_ms;          /* when the next is due for the log though nobody asks */
    struct question *asked;     /* the latest first: they wait for the next survey … */
    struct question *answering; /* … and these for the one under way */
    bool stop;
};

/* --- loader_load.c: the first load --- */
/* False: abandoned, or there is nothing to serve, which is told. */
bool loader_load(struct loader *loader);
/* For the options of both sets; CONTEXT is the loader, any thread. */
bool loader_step(void *context);
void loader_beat(struct loader *loader);

/* --- loader.c --- */
/* What changed, from files to readers; adds to *RESULT. */
void loader_apply_policies(struct loader *loader, const struct watch_changes *changes,
                           struct policy_set_result *ret_result);
void loader_apply_certificates(struct loader *loader, const struct watch_changes *changes,
                               const struct policy_set_result *result);
/* Other threads, the status and the log hear of what was applied. */
void loader_tell_applied(struct loader *loader, const struct policy_set_result *result,
                         size_t pairs);
/* Looks at all files, and publishes what changed. */
void loader_rescan(struct loader *loader, struct policy_set_result *ret_result);
/* Other threads and the log hear of what was published. */
void loader_tell_changes(struct loader *loader);
/* What was published goes into the history. */
void loader_note_served(struct loader *loader);
/* All but paths and state. */
void loader_use_settings(struct loader *loader, const struct settings *settings);

/* --- loader_memory.c --- */
/* Hands over what the memory of it does not have yet, where its writer wants more. */
void loader_tend_memory(struct loader *loader);
/* Before the end; waits a moment for what is not written yet. */
void loader_finish_memory(struct loader *loader);

/* --- loader_accept.c --- */
/* Applies what is held; adds to *RESULT, and to *NOT_HELD the paths at which nothing was. */
void loader_accept_removals(struct loader *loader, const struct loader_accept *accept,
                            struct policy_set_result *result, struct loader_accept *not_held);

/* --- loader_log.c --- */
/* What is wrong and was not told yet, and what has been mended. */
void loader_log_problems(struct loader *loader);
/* Certificates that have come nearer to their end; NEWS is empty then. */
void loader_log_expiry(struct loader *loader, struct expiry_news *news);

/* --- loader_questions.c: status --- */
/* A slice of what there is to look at for those who asked, and from time to time for the log. */
void loader_tend_questions(struct loader *loader);
/* Whether another slice waits. */
bool loader_has_questions(const struct loader *loader);
/* Without those numbers that take a survey. */
struct loader_status *loader_picture(const struct loader *loader);
/* Nobody is answered. */
void loader_free_questions(struct loader *loader);

/* --- loader_messages.c --- */
/* Any thread: ends the loader thread when it comes to it. */
void loader_post_stop(struct loader *loader);

#endif
