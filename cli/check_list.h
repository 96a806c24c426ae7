/* The domains that `check` looks at, and what came of each. */
#ifndef CLI_CHECK_LIST_H
#define CLI_CHECK_LIST_H

#include "checks/findings.h"
#include "cli/invocation.h"
#include "cli/workspace.h"

struct check_item {
    struct dns_name domain;
    bool ours;
    struct expectation expected; /* where it is ours; the policy is held */
    /* Filled in by a look. */
    struct observation observation;
    struct findings findings;
};

struct check_list {
    struct check_item *items;
    size_t count;
    size_t capacity;
    bool incomplete;           /* names were left out: nobody knows whose they are, or, with --all,
                                  they are in files in error */
    struct settings *settings; /* NULL: no configuration */
};

/* Those that the arguments name, in that order and each once, or with --all those of the
 * configuration. A configuration is read where one is there; with names alone none is needed.
 * False: told on stderr, exit with *RET_CODE. Clear either way. */
bool check_list_make(const struct invocation *invocation, struct check_list *ret_list,
                     int *ret_code);
/* Forgets what was seen. */
void check_item_reset(struct check_item *item);
void check_list_clear(struct check_list *list);

#endif
