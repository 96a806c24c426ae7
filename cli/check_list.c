#include "check_list.h"

#include <stdio.h>
#include <unistd.h>

#include "policies/model/policy_id.h"

static bool has(const struct check_list *list, const struct dns_name *domain)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i].domain.text, domain->text) == 0) {
            return true;
        }
    }
    return false;
}

static struct check_item *add(struct check_list *list, const struct dns_name *domain)
{
    ARRAY_GROW(list->items, list->count, list->capacity);
    struct check_item *item = &list->items[list->count++];
    *item = (struct check_item){.domain = *domain};
    return item;
}

static void expect(struct check_item *item, const struct catalogue_view *view)
{
    struct bytes id = view->shared != NULL ? view->shared->id : view->entry->id;
    if (view->policy == NULL) {
        return; /* a mirror without a text: nothing is expected of it yet */
    }
    item->ours = true;
    item->expected.policy = policy_ref(view->policy);
    policy_id_for_record(id, view->policy, &item->expected.id);
    item->expected.id_untied = policy_id_judge(id, view->policy) == POLICY_ID_FOREIGN;
}

static bool add_argument(struct check_list *list, const struct invocation *invocation,
                         const char *text, const struct catalogue *catalogue)
{
    struct dns_name domain;
    struct error e;
    if (!dns_name_normalise(bytes_of(text), &domain, &e)) {
        (void)invocation_usage(invocation, "%s: %s", text, e.text);
        return false;
    }
    if (bytes_starts_with(dns_name_bytes(&domain), BYTES(POLICY_HOST_PREFIX))) {
        (void)invocation_usage(invocation,
                               "%s is the host that serves a policy; name the mail domain, %s",
                               domain.text, domain.text + strlen(POLICY_HOST_PREFIX));
        return false;
    }
    if (catalogue != NULL && workspace_is_disputed(catalogue, &domain)) {
        list->incomplete = true;
        return true;
    }
    if (has(list, &domain)) {
        return true;
    }
    struct check_item *item = add(list, &domain);
    struct catalogue_view view;
    if (catalogue != NULL && catalogue_find(catalogue, dns_name_bytes(&domain), &view)) {
        expect(item, &view);
    }
    return true;
}

static bool add_view(const struct catalogue_view *view, void *context)
{
    struct check_list *list = context;
    struct dns_name domain;
    struct error e;
    if (dns_name_normalise(view->entry->name, &domain, &e)) {
        expect(add(list, &domain), view);
    }
    return true;
}

static bool fill(const struct invocation *invocation, const struct catalogue *catalogue,
                 struct check_list *list, int *ret_code)
{
    if (invocation_has(invocation, "all")) {
        catalogue_each(catalogue, add_view, list);
        return true;
    }
    *ret_code = COMMAND_USAGE;
    for (size_t i = 0; i < invocation->argument_count; i++) {
        if (!add_argument(list, invocation, invocation->arguments[i], catalogue)) {
            return false;
        }
    }
    return true;
}

bool check_list_make(const struct invocation *invocation, struct check_list *ret_list,
                     int *ret_code)
{
    *ret_list = (struct check_list){0};
    bool all = invocation_has(invocation, "all");
    if (all == (invocation->argument_count != 0)) {
        *ret_code = invocation_usage(invocation, "name domains, or give --all");
        return false;
    }
    struct workspace workspace = {0};
    bool wanted = invocation->config != NULL || all || access(settings_find(NULL), F_OK) == 0;
    if (wanted && !workspace_open(invocation, &workspace)) {
        *ret_code = COMMAND_FAILED;
        return false;
    }
    bool filled = fill(invocation, workspace.catalogue, ret_list, ret_code);
    bool lacks_some = all && workspace_exit(&workspace) != COMMAND_DONE;
    ret_list->incomplete = ret_list->incomplete || lacks_some;
    ret_list->settings = TAKE(workspace.settings);
    workspace_clear(&workspace);
    return filled;
}

void check_item_reset(struct check_item *item)
{
    observation_clear(&item->observation);
    findings_clear(&item->findings);
}

void check_list_clear(struct check_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        check_item_reset(&list->items[i]);
        policy_free((struct policy *)list->items[i].expected.policy);
    }
    free(list->items);
    settings_free(list->settings);
    *list = (struct check_list){0};
}
