/* The domains that `check` looks at, and what came of each. */
#ifndef CHECKS_CHECK_LIST_H
#define CHECKS_CHECK_LIST_H

#include "checks/findings.h"
#include "policies/files/catalogue.h"

struct check_item {
    struct dns_name domain;
    bool ours;
    struct expectation expected; /* where it is ours; the policy is held */
    /* Filled in by a look. */
    struct observation observation;
    struct findings findings;
};

/* Zero-initialised is empty. */
struct check_list {
    struct check_item *items;
    size_t count;
    size_t capacity;
};

/* Adds DOMAIN where it is not there yet; VIEW is what we have of it, NULL: it is not ours. */
void check_list_add(struct check_list *list, const struct dns_name *domain,
                    const struct catalogue_view *view);
void check_list_add_all(struct check_list *list, const struct catalogue *catalogue);
/* Forgets what was seen. */
void check_item_reset(struct check_item *item);
void check_list_clear(struct check_list *list);

#endif
