/* What `check` found, for people. */
#ifndef CLI_CHECK_PRINT_H
#define CLI_CHECK_PRINT_H

#include <stdio.h>

#include "checks/check_list.h"

struct check_printer {
    FILE *out;
    bool colours;
};

/* Colours on a terminal, unless $NO_COLOR is set. */
struct check_printer check_printer_make(FILE *out);

/* One domain: a line that sums up, then its findings. */
void check_print_item(const struct check_printer *printer, const struct check_item *item);
/* One line, as a change of what was found: "+" it is new, "-" it is gone. */
void check_print_change(const struct check_printer *printer, char sign, const char *domain,
                        const struct finding *finding);
/* The table of findings (checks/finding.h), all of it. */
void check_print_kinds(FILE *out);

#endif
