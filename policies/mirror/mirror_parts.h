/* What the files of the mirror share; nobody else includes this. All of it belongs to its thread,
 * but where a line says otherwise. */
#ifndef POLICIES_MIRROR_MIRROR_PARTS_H
#define POLICIES_MIRROR_MIRROR_PARTS_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "lib/base/mailbox.h"
#include "lib/base/work_pool.h"
#include "policies/mirror/mirror.h"
#include "policies/mirror/upstream.h"

enum { MIRROR_THREADS = 4 }; /* that wait for DNS and the network */

/* A look under way: the pool's until it is posted back. */
struct mirror_look {
    LIST_ENTRY(mirror_look) link;
    struct mirror *mirror;
    struct upstream *upstream; /* NULL: nobody waits for it any more */
    char *domain;
    struct look_question question;
    struct address_rule *rule; /* of our interfaces as they were when it began */
    bool unproven;             /* the upstream is not proven (upstream.h) */
    int64_t took_ms;
    bool good;
    struct look_answer answer;
    struct error e;
};

struct mirror {
    struct mirror_options options;
    struct settings_mirror pace;
    char *copies; /* directory */
    pthread_t thread;
    struct mailbox *mailbox; /* any thread posts */
    _Atomic bool abandon;    /* any thread */
    struct dns_resolver *resolver;
    struct work_pool *pool;
    LIST_HEAD(, mirror_look) looks;
    size_t unproven;             /* of these, how many have it set */
    struct upstream **upstreams; /* sorted by domain */
    size_t count;
    bool unkept_told;
    bool stop;
};

/* --- mirror_looks.c --- */
/* Begins those that are due; returns when the next is, -1: none. */
int64_t mirror_begin_looks(struct mirror *mirror, int64_t now_ms);
/* UPSTREAM is followed no more. */
void mirror_abandon_look(struct upstream *upstream);
void mirror_free_looks(struct mirror *mirror);

/* --- mirror_follow.c --- */
void mirror_take_up(struct mirror *mirror, char **domains, size_t count);
/* Writes what is not on the disk yet. */
void mirror_keep(struct mirror *mirror, struct upstream *upstream);

/* --- mirror_status.c --- */
struct mirror_status *mirror_picture(const struct mirror *mirror, int64_t now_s, int64_t now_ms);

#endif
