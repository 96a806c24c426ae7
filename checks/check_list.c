#include "check_list.h"

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

static void expect(struct check_item *item, const struct catalogue_view *view)
{
    struct bytes id = catalogue_view_id(view);
    if (view->policy == NULL) {
        return; /* a mirror without a text: nothing is expected of it yet */
    }
    item->ours = true;
    item->expected.policy = policy_ref(view->policy);
    policy_id_for_record(id, view->policy, &item->expected.id);
    item->expected.id_untied = policy_id_judge(id, view->policy) == POLICY_ID_FOREIGN;
}

static void add(struct check_list *list, const struct dns_name *domain,
                const struct catalogue_view *view)
{
    ARRAY_GROW(list->items, list->count, list->capacity);
    struct check_item *item = &list->items[list->count++];
    *item = (struct check_item){.domain = *domain};
    if (view != NULL) {
        expect(item, view);
    }
}

void check_list_add(struct check_list *list, const struct dns_name *domain,
                    const struct catalogue_view *view)
{
    if (!has(list, domain)) {
        add(list, domain, view);
    }
}

static bool add_view(const struct catalogue_view *view, void *context)
{
    struct dns_name domain;
    struct error e;
    if (dns_name_normalise(view->entry->name, &domain, &e)) {
        add(context, &domain, view);
    }
    return true;
}

void check_list_add_all(struct check_list *list, const struct catalogue *catalogue)
{
    catalogue_each(catalogue, add_view, list);
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
    *list = (struct check_list){0};
}
