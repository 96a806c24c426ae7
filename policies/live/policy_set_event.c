/* What happens to one file of the apply under way, by the table of file_state.h. */
#include <assert.h>

#include "policies/live/policy_set_parts.h"

bool set_is_abandoned(struct policy_set *set)
{
    const struct policy_set_options *options = &set->options;
    set->is_abandoned =
        set->is_abandoned || (options->abandoned != NULL && options->abandoned(options->context));
    return set->is_abandoned;
}

bool set_accepts(const struct policy_set *set, const struct set_file *file)
{
    const struct policy_set_accepting *accepting = set->accepting;
    bool accepts = accepting != NULL && accepting->path_count == 0;
    for (size_t i = 0; accepting != NULL && i < accepting->path_count && !accepts; i++) {
        accepts = file_path_is_below(file->path, accepting->paths[i]);
    }
    return accepts;
}

void set_event(struct policy_set *set, struct set_file *file, enum file_event event)
{
    enum file_state state = file_state_after(file->state, event);
    assert(state != FILE_STATES);
    if (state == FILE_STATES) {
        return; /* no table of ours comes here; what is served stays as it is */
    }
    /* Who waits since a round before waits on. */
    if (state != FILE_OFFERED && state != file->before) {
        file->before = state;
        file->since_ms = set->now_ms;
    }
    /* As it is remembered; but a file that was gone and is there says something else. */
    bool keeps_hold = set->starting && event != EVENT_STANDS && !(file->held_gone && file->present);
    bool was_held = file->was_held;
    file->was_held = state == FILE_HELD ||
                     (was_held && (state == FILE_OFFERED || state == FILE_VANISHED || keeps_hold));
    if (state == FILE_HELD) {
        file->held_gone = file->offer->absent;
    }
    if (file->was_held != was_held) {
        set_memory_note(set, file);
    }
    if (state != FILE_REFUSED) {
        file->blocked_by = NULL;
        free(TAKE(file->blocked_over));
    }
    file->state = state;
    set->something_changed = true;
    set_files_touch(set, file);
}
