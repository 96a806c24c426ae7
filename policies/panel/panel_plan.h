/* What the verbs add, set and remove make of the panel's file (`panel` in mtasts-host.yaml(5)): for
 * each domain what it is to have afterwards, or why not. Pure: what stands in other files is asked
 * through struct panel_facts.
 *
 * - add: a domain that is nowhere gets a policy of its own of mode testing, or the name of a shared
 *   policy. One that has just that is left alone, so that a hook may run twice; one that is on its
 *   way out comes back.
 * - set: a domain that is there gets other terms, or another policy. What is not said stays.
 * - remove: it gets a policy of its own of mode none with its mx hosts (RFC 8461 §8.3), and goes
 *   once no sender can hold an older one (PANEL_EXPIRE, which the server asks for by itself).
 * - remove --now: it is taken out at once.
 *
 * In this file mode none means "on its way out"; set does not give it. */
#ifndef POLICIES_PANEL_PANEL_PLAN_H
#define POLICIES_PANEL_PANEL_PLAN_H

#include "policies/files/domain_edit.h"
#include "policies/files/policy_file.h"
#include "policies/model/policy_id.h"

enum {
    PANEL_EDITS_MAX = 10000,              /* of one batch */
    PANEL_FIRST_MAX_AGE_S = 24 * 60 * 60, /* short: a first policy is likely to be changed */
    PANEL_NONE_MAX_AGE_S = 24 * 60 * 60,
};

enum panel_verb { PANEL_ADD, PANEL_SET, PANEL_REMOVE, PANEL_REMOVE_NOW, PANEL_EXPIRE };

/* What is not set stays as it is. */
struct panel_edit {
    enum panel_verb verb;
    struct dns_name domain; /* normalised */
    struct dns_name shared; /* normalised name of a shared policy; empty: none was named */
    struct dns_name *mx;    /* normalised patterns; owned */
    size_t mx_count;
    bool set_mode;
    enum policy_mode mode; /* not none */
    bool set_max_age;
    uint32_t max_age_s;
    unsigned line; /* of the batch; 0: it is no batch */
};

/* Zero-initialised is empty. */
struct panel_edits {
    struct panel_edit *items;
    size_t count;
    size_t capacity;
};
/* One more, zero-initialised; valid until the next. */
struct panel_edit *panel_edits_new(struct panel_edits *edits);
void panel_edits_clear(struct panel_edits *edits);

/* What stands elsewhere. Texts and policies are valid as long as the facts. */
struct panel_facts {
    /* The other file that has DOMAIN, or NULL. */
    const char *(*elsewhere)(struct bytes domain, void *context);
    /* Whether there is a shared policy of that name. */
    bool (*has_shared)(struct bytes name, void *context);
    /* The policy that counts for DOMAIN now; NULL: not known. */
    const struct policy *(*policy_of)(struct bytes domain, void *context);
    void *context;
};

enum panel_outcome {
    PANEL_UNCHANGED, /* it is so already */
    PANEL_ADDED,
    PANEL_CHANGED,
    PANEL_RETIRED, /* serves mode none from now on */
    PANEL_GONE,
    PANEL_OUTCOMES,
};
/* "unchanged", "added", "changed", "retired", "gone". */
const char *panel_outcome_name(enum panel_outcome outcome);

struct panel_item {
    enum panel_outcome outcome;
    struct policy *policy; /* owned; NULL: none of its own */
    struct policy_id id;
    struct domain_edit edit; /* points into this item and into FILE; unless unchanged */
};

struct panel_task {
    const struct panel_edit *edits;
    size_t count;
    const struct panel_facts *facts;
    bool ids_derived; /* an id that is not there is not written */
    int64_t now_s;
};

/* One item for each of the task's edits, in their order, or nothing at all: E then names the
 * domain, and has the line of the batch. RET_ITEMS are the caller's to clear and free. */
bool panel_plan_make(const struct panel_task *task, const struct policy_file *file,
                     struct panel_item **ret_items, struct error *e) MUST_USE;
void panel_items_free(struct panel_item *items, size_t count);

#endif
