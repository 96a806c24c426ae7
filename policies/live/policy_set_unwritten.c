/* Which files the memory does not have yet as they are served now. */
#include "policies/live/policy_set_parts.h"

void set_memory_note(struct policy_set *set, struct set_file *file)
{
    if (set->options.state != NULL && !file->unremembered) {
        file->unremembered = true;
        set_files_add(&set->unwritten.files, file);
    }
}

void set_memory_clear_forgotten(struct policy_set *set)
{
    for (size_t i = 0; i < set->unwritten.forgotten_count; i++) {
        free(set->unwritten.forgotten[i].entry);
        free(set->unwritten.forgotten[i].path);
    }
    set->unwritten.forgotten_count = 0;
}

static void note_forgotten(struct policy_set *set, const char *entry, struct bytes path)
{
    if (set->unwritten.forgotten_count ==
        POLICY_SET_FORGOTTEN_MAX) { /* another process writes, or nobody */
        set_memory_clear_forgotten(set);
        set->unwritten.all_else_is = false;
    }
    ARRAY_GROW(set->unwritten.forgotten, set->unwritten.forgotten_count,
               set->unwritten.forgotten_capacity);
    set->unwritten.forgotten[set->unwritten.forgotten_count++] =
        (struct set_forgotten){memory_string(entry), memory_string_of(path)};
}

void set_memory_note_forgotten(struct policy_set *set, const struct set_file *file)
{
    if (set->options.state != NULL) {
        note_forgotten(set, set->tops[file->top].entry, set_file_below(set, file));
    }
}

void set_memory_note_orphan(struct policy_set *set, struct set_shared *shared)
{
    bool is_orphan = set_shared_is_orphan(shared);
    if (is_orphan == shared->remembered || set->options.state == NULL) {
        return;
    }
    if (is_orphan) {
        set->unwritten.orphans = true;
    } else {
        shared->remembered = false;
        note_forgotten(set, "", bytes_of(shared->text));
    }
}
