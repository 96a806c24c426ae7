/* list: the domains of the panel's file, as they are read (publish/panel_list.h). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/json_view.h"
#include "cli/opening.h"
#include "cli/panel_reader.h"
#include "lib/base/safe_json.h"
#include "lib/base/safe_text.h"
#include "publish/panel_list.h"

struct list {
    const struct invocation *invocation;
    struct settings *settings;
    struct catalogue *others; /* the policy files but the panel's: shared policies stand there */
    const char *policy;       /* --policy; NULL: any */
    const char *state;        /* --state; NULL: any */
    bool json;
    size_t count;
};

static void clear(struct list *list)
{
    catalogue_free(list->others);
    settings_free(list->settings);
}

/* NULL: not known. */
static const struct policy *policy_of(const struct list *list,
                                      const struct policy_file_entry *entry)
{
    if (entry->policy != NULL) {
        return entry->policy;
    }
    CLEANUP_FREE char *subject = memory_printf("@%.*s", BYTES_ARG(entry->shared));
    return catalogue_policy(list->others, bytes_of(subject));
}

static const char *state_of(const struct policy *policy)
{
    static const char *const STATES[] = {
        [POLICY_TESTING] = "testing", [POLICY_ENFORCE] = "enforce", [POLICY_NONE] = "leaving"};
    return policy != NULL ? STATES[policy->mode] : "unknown";
}

static bool is_wanted(const struct list *list, const struct policy_file_entry *entry,
                      const char *state)
{
    return (list->policy == NULL || bytes_equal(entry->shared, bytes_of(list->policy))) &&
           (list->state == NULL || strcmp(list->state, state) == 0);
}

static json_t *bytes_or_null(struct bytes text)
{
    return text.n != 0 ? safe_json_string(text) : json_null();
}

static void print_json(const struct list *list, const struct policy_file_entry *entry,
                       const struct policy *policy)
{
    json_t *mx = policy != NULL ? json_view_mx(policy) : json_array();
    json_t *item =
        json_pack("{s:o,s:s,s:o,s:o,s:o,s:o}", "domain", safe_json_string(entry->name), "state",
                  state_of(policy), "policy", bytes_or_null(entry->shared), "mx", mx, "max_age",
                  policy != NULL ? json_integer(policy->max_age_s) : json_null(), "id",
                  bytes_or_null(entry->id));
    CLEANUP_FREE char *text = safe_json_dump(item, JSON_COMPACT);
    printf("%s%s", list->count != 0 ? ",\n" : "", text);
    json_decref(item);
}

static void print_words(const struct policy_file_entry *entry, const struct policy *policy)
{
    size_t cursor = 0;
    struct bytes mx;
    printf("%.*s %s", BYTES_ARG(entry->name), state_of(policy));
    if (entry->policy == NULL) {
        printf(" --policy %.*s", BYTES_ARG(entry->shared));
    }
    for (size_t i = 0; entry->policy != NULL && policy_next_mx(policy, &cursor, &mx); i++) {
        printf("%s%.*s", i == 0 ? " --mx " : ",", BYTES_ARG(mx));
    }
    printf("\n");
}

static void visit(const struct policy_file_entry *entry, void *context)
{
    struct list *list = context;
    const struct policy *policy = policy_of(list, entry);
    if (!is_wanted(list, entry, state_of(policy))) {
        return;
    }
    if (list->json) {
        print_json(list, entry, policy);
    } else {
        print_words(entry, policy);
    }
    list->count++;
}

static bool load_others(struct list *list)
{
    const struct settings_list *all = &list->settings->policies;
    const char **paths = memory_zero(all->count + 1, sizeof(*paths));
    size_t count = 0;
    for (size_t i = 0; i < all->count; i++) {
        if (strcmp(all->items[i], list->settings->panel) != 0) {
            paths[count++] = all->items[i];
        }
    }
    bool ok = open_policies(list->settings, paths, count, &list->others);
    free(paths);
    return ok;
}

static int print_all(struct list *list)
{
    struct error e;
    CLEANUP(panel_reader_close) struct panel_reader reader;
    struct panel_source source = {
        .read = panel_reader_read,
        .context = &reader,
        .path = list->settings->panel,
        .defaults = workspace_defaults(list->settings),
    };
    if (!panel_reader_open(&reader, list->settings, &e)) {
        return fail(&e);
    }
    printf("%s", list->json ? "{\"domains\": [" : "");
    bool good = panel_list_each(&source, visit, list, &e);
    if (!good) {
        return fail(&e); /* and the document has no end, so that nobody takes it for all */
    }
    printf("%s", list->json ? "]}\n" : "");
    return COMMAND_DONE;
}

int cmd_list(const struct invocation *invocation)
{
    CLEANUP(clear)
    struct list list = {
        .invocation = invocation,
        .policy = invocation_value(invocation, "policy"),
        .state = invocation_value(invocation, "state"),
        .json = invocation_has(invocation, "json"),
    };
    list.settings = open_settings(invocation);
    if (list.settings == NULL || !load_others(&list)) {
        return COMMAND_FAILED;
    }
    return print_all(&list);
}
