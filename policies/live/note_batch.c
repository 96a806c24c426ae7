#include "note_batch.h"

#include <stdlib.h>

void note_batch_clear(struct note_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        policy_free(batch->items[i].policy);
    }
    free(batch->items);
    free(batch->texts);
    *batch = (struct note_batch){0};
}

static size_t add_text(struct note_batch *batch, struct bytes text)
{
    size_t at = batch->texts_length;
    size_t wanted = at + text.n + 1;
    if (batch->texts == NULL || wanted > batch->texts_capacity) {
        batch->texts_capacity =
            wanted > 2 * batch->texts_capacity ? wanted : 2 * batch->texts_capacity;
        batch->texts = memory_resize(batch->texts, batch->texts_capacity, 1);
    }
    memcpy(batch->texts + at, text.p, text.n);
    batch->texts[at + text.n] = '\0';
    batch->texts_length = wanted;
    return at;
}

/* Neighbours often use the same one. */
static size_t add_shared(struct note_batch *batch, struct bytes name)
{
    if (batch->last_shared == 0 || !bytes_equal(note_batch_text(batch, batch->last_shared), name)) {
        batch->last_shared = add_text(batch, name);
    }
    return batch->last_shared;
}

/* The texts of NOTE are copied, all else is as it stands there. */
static void add_note(struct note_batch *batch, struct note note, struct bytes subject,
                     struct bytes shared)
{
    ARRAY_GROW(batch->items, batch->count, batch->capacity);
    note.subject = add_text(batch, subject);
    note.shared = shared.n != 0 ? add_shared(batch, shared) : 0;
    batch->items[batch->count++] = note;
}

void note_batch_add(struct note_batch *batch, const struct policy_set_event *event)
{
    bool replaced = event->before != NULL && event->after != NULL;
    const struct note note = {
        .policy = event->after != NULL ? policy_ref(event->after) : NULL,
        .none = event->none,
        .turned = replaced && (event->before->mode == POLICY_NONE) != event->none,
        .gone = event->gone,
    };
    add_note(batch, note, event->subject, event->shared);
}

static void add_from(struct note_batch *batch, const struct note_batch *from,
                     const struct note *note)
{
    add_note(batch, *note, note_batch_text(from, note->subject),
             note->shared != 0 ? note_batch_text(from, note->shared) : BYTES(""));
}

void note_batch_append(struct note_batch *batch, struct note_batch *from)
{
    if (batch->count == 0) {
        note_batch_clear(batch);
        *batch = *from;
    } else {
        for (size_t i = 0; i < from->count; i++) {
            add_from(batch, from, &from->items[i]);
        }
        from->count = 0; /* the references have moved */
        note_batch_clear(from);
    }
    *from = (struct note_batch){0};
}

struct sorted_note {
    const char *subject;
    struct note *note;
};

/* By subject; of one subject in the order noted, which is that of the addresses. */
static int by_subject(const void *left, const void *right)
{
    const struct sorted_note *a = left;
    const struct sorted_note *b = right;
    int order = strcmp(a->subject, b->subject);
    return order != 0 ? order : (a->note > b->note) - (a->note < b->note);
}

void note_batch_give_up_older(struct note_batch *batch)
{
    struct sorted_note *sorted = memory_zero(batch->count, sizeof(*sorted));
    bool *older = memory_zero(batch->count, sizeof(*older));
    struct note_batch kept = {0};
    for (size_t i = 0; i < batch->count; i++) {
        sorted[i] = (struct sorted_note){batch->texts + batch->items[i].subject, &batch->items[i]};
    }
    qsort(sorted, batch->count, sizeof(*sorted), by_subject);
    for (size_t i = 0; i + 1 < batch->count; i++) {
        if (strcmp(sorted[i].subject, sorted[i + 1].subject) == 0) {
            sorted[i + 1].note->gap = true;
            older[sorted[i].note - batch->items] = true;
        }
    }
    for (size_t i = 0; i < batch->count; i++) {
        if (older[i]) {
            policy_free(batch->items[i].policy);
        } else {
            add_from(&kept, batch, &batch->items[i]);
        }
    }
    free(sorted);
    free(older);
    batch->count = 0; /* the references have moved */
    note_batch_clear(batch);
    *batch = kept;
}
