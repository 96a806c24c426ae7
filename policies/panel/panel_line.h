/* What is wanted of domains as lines of text: a batch of `add -`, and what the control socket's
 * request `panel` carries. Pure.
 *
 *     # a comment, as blank lines are
 *     a.example --policy google
 *     b.example --mx mx1.b.example,mx2.b.example --max-age 1d
 *     c.example --mx mx.c.example --mode enforce            of set alone
 *
 * Words stand between blanks; the words are the options of the commands. */
#ifndef POLICIES_PANEL_PANEL_LINE_H
#define POLICIES_PANEL_PANEL_LINE_H

#include "policies/panel/panel_plan.h"

enum {
    PANEL_LINE_MAX = 16 * 1024,       /* octets of one line */
    PANEL_TEXT_MAX = 4 * 1024 * 1024, /* octets of a batch */
    PANEL_MX_MAX = 256,               /* patterns of one domain, … */
    PANEL_MX_SUM_MAX = 40000,         /* … and of a batch */
};

/* Reads one VALUE of the option NAME ("policy", "mx", "mode", "max-age") into EDIT; several values
 * of mx add up. */
bool panel_edit_read_option(struct panel_edit *edit, struct bytes name, struct bytes value,
                            struct error *e) MUST_USE;
/* Whether EDIT says what its verb asks for; E names what is missing or too much. */
bool panel_edit_check(const struct panel_edit *edit, struct error *e) MUST_USE;

/* All lines of TEXT, each of VERB; PATTERN (may be NULL) has the policy, mx and max_age of lines
 * that name neither a policy nor an mx. False: E has line and column, and nothing was added. */
bool panel_lines_parse(struct bytes text, enum panel_verb verb, const struct panel_edit *pattern,
                       struct panel_edits *edits, struct error *e) MUST_USE;

/* Appends EDIT as a line with its end. */
void panel_line_print(const struct panel_edit *edit, struct buffer *out);

#endif
