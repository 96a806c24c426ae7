#include "panel_file.h"

#include <errno.h>

#include "lib/base/diagnostics.h"
#include "lib/base/directory_lock.h"
#include "lib/base/fault.h"
#include "lib/base/file.h"

enum { PANEL_FILE_MODE = 0640 };

static const char BEGINNING[] =
    "# Domains of a control panel: `mtasts-host add`, `set` and `remove` write here, a line for "
    "each.\n"
    "# Mode none means on its way out: the server removes such a line once no sender holds more.\n"
    "domains: {}\n";

void panel_edited_clear(struct panel_edited *edited)
{
    panel_items_free(edited->items, edited->count);
    *edited = (struct panel_edited){0};
}

/* Under the lock. */
static bool read_file(const char *path, struct buffer *text, struct file_identity *identity,
                      bool *ret_missing, struct error *e)
{
    *ret_missing = false;
    if (file_read(path, text, identity, e)) {
        return true;
    }
    *ret_missing = e->code == ERROR_SYSTEM && e->system_errno == ENOENT;
    buffer_add_string(text, *ret_missing ? BEGINNING : "");
    return *ret_missing;
}

/* The first thing that is wrong with PATH, at its place. */
static bool fail_in_file(const char *path, const struct diagnostic *first, struct error *e)
{
    return error_set(e, ERROR_SYNTAX, "%s:%u:%u: %s", path, first->line, first->column,
                     first->text);
}

static bool parse(const char *path, struct bytes text, const struct policy_file_defaults *defaults,
                  struct policy_file *ret_file, struct error *e)
{
    CLEANUP(diagnostics_clear) struct diagnostics d = {0};
    return policy_file_parse(text, path, defaults, ret_file, &d) ||
           fail_in_file(path, &d.items[0], e);
}

static int compare(const void *left, const void *right)
{
    const struct domain_edit *a = left;
    const struct domain_edit *b = right;
    return bytes_compare(a->domain, b->domain);
}

/* What changes, sorted. The caller frees it. */
static struct domain_edit *collect(const struct panel_item *items, size_t count, size_t *ret_count)
{
    size_t n = 0;
    struct domain_edit *edits = memory_zero(count + 1, sizeof(*edits));
    for (size_t i = 0; i < count; i++) {
        if (items[i].outcome != PANEL_UNCHANGED) {
            edits[n] = items[i].edit;
            edits[n++].id = bytes_of(items[i].id.text);
        }
    }
    qsort(edits, n, sizeof(*edits), compare);
    *ret_count = n;
    return edits;
}

/* A place that the editor gives is one of the file. */
static bool apply(const char *path, struct bytes text, const struct panel_item *items, size_t count,
                  struct buffer *result, struct error *e)
{
    size_t n = 0;
    CLEANUP_FREE struct domain_edit *edits = collect(items, count, &n);
    if (n == 0 || domain_edit_apply(text, edits, n, result, e)) {
        return true;
    }
    unsigned line = e->line;
    unsigned column = e->column;
    e->line = 0;
    e->column = 0;
    return error_prefix(e, "%s:%u:%u: ", path, line, column);
}

static bool replace(const char *path, struct bytes text, const struct file_identity *identity,
                    bool missing, struct error *e)
{
    return missing ? file_write_new(path, text, PANEL_FILE_MODE, e)
                   : file_replace_if_same(path, text, identity, e);
}

static bool work_on(const char *path, const struct policy_file_defaults *defaults,
                    const struct panel_task *task, struct panel_edited *edited, struct error *e)
{
    struct file_identity identity = {0};
    CLEANUP(buffer_clear) struct buffer text = BUFFER(POLICY_FILE_MAX);
    CLEANUP(buffer_clear) struct buffer result = BUFFER(POLICY_FILE_MAX);
    CLEANUP(policy_file_clear) struct policy_file file = {0};
    if (!read_file(path, &text, &identity, &edited->made, e) ||
        !parse(path, buffer_bytes(&text), defaults, &file, e) ||
        !panel_plan_make(task, &file, &edited->items, e)) {
        return false;
    }
    edited->count = task->count;
    if (!apply(path, buffer_bytes(&text), edited->items, edited->count, &result, e)) {
        return false;
    }
    edited->changed = result.n != 0;
    edited->made = edited->made && edited->changed;
    fault_point("panel.replace");
    return !edited->changed || replace(path, buffer_bytes(&result), &identity, edited->made, e);
}

bool panel_file_edit(const char *path, const struct policy_file_defaults *defaults,
                     const struct panel_task *task, struct panel_edited *ret_edited,
                     struct error *e)
{
    CLEANUP_FREE char *directory = file_path_directory(path);
    CLEANUP_CLOSE int lock = -1;
    struct panel_edited edited = {0};
    *e = (struct error){0};
    if (!directory_lock(directory, &lock, e)) {
        return false;
    }
    if (!work_on(path, defaults, task, &edited, e)) {
        panel_edited_clear(&edited);
        return false;
    }
    *ret_edited = edited;
    return true;
}

bool panel_file_make(const char *path, struct error *e)
{
    return file_write_new(path, bytes_of(BEGINNING), PANEL_FILE_MODE, e) ||
           e->code == ERROR_CONFLICT;
}
