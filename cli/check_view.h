/* What `check` saw and found: lines for people (check_print.c), JSON (check_json.c), and what each
 * sender makes of it (check_senders.c). JSON is the caller's to free, with json_decref. */
#ifndef CLI_CHECK_VIEW_H
#define CLI_CHECK_VIEW_H

#include <stdio.h>

#include <jansson.h>

#include "checks/check_list.h"

struct check_printer {
    FILE *out;
    bool colours;
};

/* Colours on a terminal, unless $NO_COLOR is set. */
struct check_printer check_printer_make(FILE *out);

/* One domain: a line that sums up, then its findings. */
void check_print_item(const struct check_printer *printer, const struct check_item *item);
/* {"domain", "ours", "observation": {…}, "findings": […]} */
json_t *check_json_item(const struct check_item *item);

/* One line, as a change of what was found: "+" it is new, "-" it is gone. */
void check_print_change(const struct check_printer *printer, char sign, const char *domain,
                        const struct finding *finding);
/* {"code", "severity", "subject", "what", "why", "advice", "rfc"} */
json_t *check_json_finding(const struct finding *finding);

/* A line for each sender, indented as findings are: its verdict, and why. */
void check_senders_print(const struct observation *observation, FILE *out);
/* [{"sender", "verdict", "reason"}] */
json_t *check_senders_json(const struct observation *observation);

/* The table of findings (checks/finding.h), all of it. */
void check_print_kinds(FILE *out);

#endif
