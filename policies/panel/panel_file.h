/* The panel's file, edited: read, changed and replaced under the lock of its directory, in one
 * step, or left alone. What the verbs mean is panel_plan.h's, what becomes of the text
 * domain_edit.h's. A file that is missing begins with a word on who writes it. */
#ifndef POLICIES_PANEL_PANEL_FILE_H
#define POLICIES_PANEL_PANEL_FILE_H

#include "policies/panel/panel_plan.h"

struct panel_edited {
    struct panel_item *items; /* one for each edit; owned; their edits point to nothing any more */
    size_t count;
    bool changed; /* the file is another one now */
    bool made;    /* there was none before */
};
void panel_edited_clear(struct panel_edited *edited);

/* PATH is the file, absolute, which is written as the user who runs this. False: it is as it was. A
 * place in E is of the batch; what is wrong with the file itself has its place in the text. */
bool panel_file_edit(const char *path, const struct policy_file_defaults *defaults,
                     const struct panel_task *task, struct panel_edited *ret_edited,
                     struct error *e) MUST_USE;

/* PATH, empty of domains, where it is missing. */
bool panel_file_make(const char *path, struct error *e) MUST_USE;

#endif
