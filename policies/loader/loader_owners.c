#include "loader_owners.h"

#include "policies/loader/loader_parts.h"

struct question {
    struct loader *loader;
    struct loader_owners *owners;
    void (*done)(struct loader_owners *owners, void *context);
    void *context;
};

void loader_owners_free(struct loader_owners *owners)
{
    for (size_t i = 0; owners != NULL && i < owners->count; i++) {
        free(owners->items[i].name);
        free(owners->items[i].entry);
        free(owners->items[i].path);
    }
    free(owners);
}

static void find(struct policy_set *set, struct loader_owner *item)
{
    struct policy_set_owner owner;
    if (policy_set_owner(set, bytes_of(item->name), &owner)) {
        item->entry = memory_string_of(owner.entry);
        item->path = memory_string_of(owner.path);
        memcpy(item->digest, owner.digest, sizeof(item->digest));
    }
}

static void do_ask(void *message)
{
    struct question *question = message;
    struct loader *loader = question->loader;
    if (!atomic_load(&loader->abandon)) {
        for (size_t i = 0; i < question->owners->count; i++) {
            find(loader->policies, &question->owners->items[i]);
        }
        question->done(TAKE(question->owners), question->context);
    }
    loader_owners_free(question->owners);
    free(question);
}

void loader_ask_owners(struct loader *loader, const struct bytes *names, size_t count,
                       void (*done)(struct loader_owners *owners, void *context), void *context)
{
    struct question *question = memory_zero(1, sizeof(*question));
    *question = (struct question){.loader = loader, .done = done, .context = context};
    question->owners =
        memory_zero(1, sizeof(*question->owners) + count * sizeof(struct loader_owner));
    question->owners->count = count;
    for (size_t i = 0; i < count; i++) {
        question->owners->items[i].name = memory_string_of(names[i]);
    }
    mailbox_post(loader->mailbox, do_ask, question);
}
