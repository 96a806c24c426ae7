#include "ownership_memory.h"

#include <stdlib.h>

#include "lib/base/name_map.h"
#include "policies/files/version_record.h"
#include "policies/memory/served_memory.h"

struct digest {
    unsigned char octets[POLICY_DIGEST_OCTETS];
};

/* One of the names that are asked for. */
struct wanted {
    struct catalogue_owner *owner;
    char *shared; /* the shared policy that it uses, or NULL */
    size_t rows;  /* so many have it */
};

struct search {
    struct ownership_memory *kept;
    struct served_memory *memory;
    struct name_map names; /* to 1 + the number in `wanted` */
    struct wanted *wanted;
    struct name_map shared; /* all shared policies, to 1 + the number in `digests` */
    struct digest *digests;
    size_t digest_count;
    size_t digest_capacity;
    struct error e;
    bool failed;
};

static struct bytes keep(struct ownership_memory *memory, struct bytes text)
{
    ARRAY_GROW(memory->texts, memory->count, memory->capacity);
    memory->texts[memory->count] = memory_string_of(text);
    return bytes_of(memory->texts[memory->count++]);
}

static void note_text(struct search *search, const struct policy_file_entry *entry)
{
    if (entry->policy == NULL) {
        return;
    }
    ARRAY_GROW(search->digests, search->digest_count, search->digest_capacity);
    memcpy(search->digests[search->digest_count++].octets, entry->policy->digest,
           POLICY_DIGEST_OCTETS);
    name_map_add(&search->shared, entry->name)->value = search->digest_count;
}

/* ENTRY, by the name SUBJECT, stands in FILE's row. */
static void meet(struct search *search, const struct served_file *file, struct bytes subject,
                 const struct policy_file_entry *entry)
{
    const struct name_map_item *item = name_map_find(&search->names, subject);
    if (item == NULL) {
        return;
    }
    struct wanted *wanted = &search->wanted[item->value - 1];
    struct catalogue_owner *owner = wanted->owner;
    *owner = (struct catalogue_owner){
        .known = ++wanted->rows == 1, /* where two rows have it, neither is the owner */
        .entry = keep(search->kept, file->entry),
        .path = keep(search->kept, file->path),
    };
    if (entry->policy != NULL) {
        memcpy(owner->digest, entry->policy->digest, sizeof(owner->digest));
    }
    free(wanted->shared);
    wanted->shared = entry->shared.n != 0 ? memory_string_of(entry->shared) : NULL;
}

static void meet_all(struct search *search, const struct served_file *row,
                     const struct policy_file *file)
{
    bool orphan = row->entry.n == 0; /* no file has the shared policy any more */
    for (size_t i = 0; i < file->policy_count; i++) {
        const struct policy_file_entry *entry = &file->policies[i];
        CLEANUP_FREE char *subject = memory_printf("@%.*s", BYTES_ARG(entry->name));
        note_text(search, entry);
        if (!orphan) {
            meet(search, row, bytes_of(subject), entry);
        }
    }
    for (size_t i = 0; i < file->domain_count && !orphan; i++) {
        meet(search, row, file->domains[i].name, &file->domains[i]);
    }
}

static void visit(const struct served_file *row, void *context)
{
    struct search *search = context;
    CLEANUP(policy_file_clear) struct policy_file file = {0};
    CLEANUP(buffer_clear) struct buffer version = BUFFER(VERSION_RECORD_MAX);
    if (search->failed) {
        return;
    }
    if (!served_memory_version(search->memory, row->id, &version, &search->e)) {
        search->failed = true;
    } else if (!version_record_read(buffer_bytes(&version), &file)) {
        search->failed = true;
        error_format(&search->e, ERROR_SYNTAX, "what is remembered of %.*s is damaged",
                     BYTES_ARG(row->path));
    } else {
        meet_all(search, row, &file);
    }
}

/* The texts of those that use a shared policy, now that all of these are known. */
static void finish(struct search *search, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct wanted *wanted = &search->wanted[i];
        const struct name_map_item *item =
            wanted->shared != NULL ? name_map_find(&search->shared, bytes_of(wanted->shared))
                                   : NULL;
        if (item != NULL) {
            memcpy(wanted->owner->digest, search->digests[item->value - 1].octets,
                   POLICY_DIGEST_OCTETS);
        }
    }
}

static void clear(struct search *search, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(search->wanted[i].shared);
    }
    free(search->wanted);
    free(search->digests);
    name_map_clear(&search->names);
    name_map_clear(&search->shared);
    served_memory_close(search->memory);
}

bool ownership_memory_ask(struct ownership_memory *memory, const char *state,
                          const struct bytes *names, size_t count, struct catalogue_owner *owners,
                          struct error *e)
{
    struct search search = {.kept = memory};
    if (!served_memory_open_existing(state, &search.memory, e)) {
        return false;
    }
    search.wanted = memory_zero(count, sizeof(*search.wanted));
    for (size_t i = 0; i < count; i++) {
        search.wanted[i].owner = &owners[i];
        name_map_add(&search.names, names[i])->value = i + 1;
    }
    bool ok = served_memory_each(search.memory, visit, &search, e);
    if (ok && search.failed) {
        *e = search.e;
        ok = false;
    }
    if (ok) {
        finish(&search, count);
    } else {
        memset(owners, 0, count * sizeof(*owners)); /* half of an answer is none */
    }
    clear(&search, count);
    return ok;
}

void ownership_memory_clear(struct ownership_memory *memory)
{
    for (size_t i = 0; i < memory->count; i++) {
        free(memory->texts[i]);
    }
    free(memory->texts);
    *memory = (struct ownership_memory){0};
}
