/* The end of an apply: files that are at rest leave the list of those that are worked on, and those
 * that are forgotten are freed. */
#include "policies/live/policy_set_parts.h"

void set_file_free(struct policy_set *set, struct set_file *file)
{
    set_offer_free(set, file->offer);
    set_offer_free(set, file->restored);
    set_mirror_clear_waits(set, file);
    diagnostics_clear(&file->problems);
    free(file->domains);
    free(file->shared);
    free(file->blocked_over);
    free(file->path);
    free(file);
}

static bool is_forgotten(const struct set_file *file)
{
    return file->state == FILE_FORGOTTEN;
}

static bool is_at_rest(const struct set_file *file)
{
    return file_state_is_at_rest(file->state);
}

/* Takes out those for which IS_OUT, which go to *RET_OUT where that is not NULL. */
static void take_out_where(struct set_files *files, bool (*is_out)(const struct set_file *file),
                           struct set_files *ret_out)
{
    size_t kept = 0;
    for (size_t i = 0; i < files->count; i++) {
        if (!is_out(files->items[i])) {
            files->items[kept++] = files->items[i];
        } else if (ret_out != NULL) {
            set_files_add(ret_out, files->items[i]);
        }
    }
    files->count = kept;
}

static void forget(struct policy_set *set, struct set_files *going)
{
    take_out_where(&set->waiting, is_forgotten, NULL);
    take_out_where(&set->unwritten.files, is_forgotten, NULL);
    set_files_sort(going);
    set_files_take_out(&set->files, going);
    for (size_t i = 0; i < going->count; i++) {
        set_memory_note_forgotten(set, going->items[i]);
        set_file_free(set, going->items[i]);
    }
}

/* Who was refused for the sake of a file that is no more is judged again, at once. */
static void unblock(struct policy_set *set)
{
    for (size_t i = 0; i < set->work.count; i++) {
        struct set_file *file = set->work.items[i];
        if (file->blocked_by != NULL && is_forgotten(file->blocked_by)) {
            file->blocked_by = NULL;
            set->again = true;
        }
    }
}

void set_files_finish(struct policy_set *set)
{
    struct set_files resting = {0};
    struct set_files going = {0};
    unblock(set);
    take_out_where(&set->work, is_at_rest, &resting);
    for (size_t i = 0; i < resting.count; i++) {
        resting.items[i]->listed = false;
        resting.items[i]->before = resting.items[i]->state;
    }
    take_out_where(&resting, is_forgotten, &going);
    if (going.count != 0) {
        forget(set, &going);
    }
    free(resting.items);
    free(going.items);
}
