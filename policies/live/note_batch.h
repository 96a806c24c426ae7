/* Notes of what came to be served, until they are in the history. One thread at a time. */
#ifndef POLICIES_LIVE_NOTE_BATCH_H
#define POLICIES_LIVE_NOTE_BATCH_H

#include "policies/live/policy_set.h"

/* A million at a start: so texts lie in one piece, and are found by offset. */
struct note {
    size_t subject;        /* offset of a NUL-terminated text */
    size_t shared;         /* 0: a text of its own, or gone */
    struct policy *policy; /* a reference; NULL: gone, or shared */
    int64_t since_s;       /* wall clock */
    bool none;             /* of mode none, whether its own or the shared one */
    bool turned;           /* it was of another mode before, or is now: one that was replaced */
    bool gone;
    bool gap; /* others of this subject, before it, were given up */
};

/* Zero-initialised is empty. */
struct note_batch {
    struct note *items; /* in the order of the changes */
    size_t count;
    size_t capacity;
    char *texts;
    size_t texts_length;
    size_t texts_capacity;
    size_t last_shared;
};

void note_batch_clear(struct note_batch *batch);
void note_batch_add(struct note_batch *batch, const struct policy_set_event *event);
/* All of FROM, left empty, stands behind what is in BATCH. */
void note_batch_append(struct note_batch *batch, struct note_batch *from);
/* The last note of each subject stays, and says that there is a gap before it. */
void note_batch_give_up_older(struct note_batch *batch);

static inline struct bytes note_batch_text(const struct note_batch *batch, size_t offset)
{
    return bytes_of(batch->texts + offset);
}

#endif
