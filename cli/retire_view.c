#include "retire_view.h"

#include <jansson.h>

#include "cli/json_view.h"
#include "cli/table.h"
#include "lib/base/safe_json.h"
#include "lib/base/safe_text.h"
#include "lib/base/time_text.h"

static void tell_day(const struct catalogue_view *view, const struct retirement *made,
                     int64_t now_s)
{
    struct bytes domain = view->entry->name;
    if (made->until_s > now_s) {
        fprintf(stderr,
                "  until %s senders may hold an older policy%s: keep the policy in %s, the record "
                "_mta-sts.%.*s and the host mta-sts.%.*s with its certificate\n",
                time_text_moment(made->until_s).text,
                made->known ? ""
                : view->policy->mode == POLICY_NONE
                    ? " (as far as is known)"
                    : " (no history: by the max_age of the text that is replaced)",
                view->path, BYTES_ARG(domain), BYTES_ARG(domain));
        fprintf(stderr,
                "  then take it out of %s, and both names out of DNS; \"mtasts-host retire "
                "--list\" says when\n",
                view->path);
    } else if (!made->known) {
        fprintf(stderr,
                "  not known what it served before mode none: keep the policy in %s, the record "
                "_mta-sts.%.*s and the host mta-sts.%.*s for the max_age of that policy\n",
                view->path, BYTES_ARG(domain), BYTES_ARG(domain));
    } else {
        fprintf(stderr,
                "  no sender holds an older policy any more: take it out of %s, and _mta-sts.%.*s "
                "and mta-sts.%.*s out of DNS\n",
                view->path, BYTES_ARG(domain), BYTES_ARG(domain));
    }
}

void retire_view_tell(const struct catalogue_view *view, const struct retirement *made,
                      int64_t now_s)
{
    fprintf(stderr, "%.*s: %s, max_age %s, id %s%s\n", BYTES_ARG(view->entry->name),
            made->changed ? "mode none" : "serves mode none already",
            time_text_span(made->max_age_s).text, made->id.text,
            view->shared != NULL ? ", a policy of its own" : "");
    tell_day(view, made, now_s);
}

void retire_view_end(const struct retiring *retiring)
{
    if (retiring->leaving_unknown != NULL) {
        fprintf(stderr, "Which domains are retired is not known: %s\n", retiring->leaving_unknown);
    }
    if (retiring->history.why != NULL) {
        fprintf(stderr, "What was served so far is not known: %s\n", retiring->history.why);
    }
}

/* Of those that went in time nothing is left to do. */
static bool is_told(const struct leaving_item *item, int64_t now_s)
{
    return item->until_s > now_s || (item->served && item->retired_s != 0);
}

static void print_one(const struct leaving_item *item, int64_t now_s, FILE *out)
{
    CLEANUP_FREE char *words =
        item->until_s > now_s
            ? memory_printf(
                  "until %s (%s)%s", time_text_moment(item->until_s).text,
                  time_text_from_now(item->until_s, now_s).text,
                  item->served ? "" : ", and it is gone: put it back with mode none until then")
            : memory_string(item->known
                                ? "may go: no sender holds a policy of another mode"
                                : "not known what it served before mode none: keep it for the "
                                  "max_age of that policy");
    const struct table_cell cells[] = {{item->domain, TABLE_NAME_WIDTH}, {words, 0}};
    table_print_line(out, "", cells);
}

void retire_view_print(const struct leaving_list *list, int64_t now_s, FILE *out)
{
    size_t told = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (is_told(&list->items[i], now_s)) {
            print_one(&list->items[i], now_s, out);
            told++;
        }
    }
    if (told == 0) {
        fprintf(stderr, "No domain is retired.\n");
    }
    if (list->count == LEAVING_LIST_MAX) {
        fprintf(stderr, "Only the first %d were looked at.\n", LEAVING_LIST_MAX);
    }
}

void retire_view_print_json(const struct leaving_list *list, int64_t now_s)
{
    json_t *told = json_array();
    for (size_t i = 0; i < list->count; i++) {
        const struct leaving_item *item = &list->items[i];
        if (is_told(item, now_s)) {
            json_array_append_new(told, json_pack("{s:o,s:o,s:o,s:b,s:b,s:o,s:b}", "domain",
                                                  safe_json_text(item->domain), "retired",
                                                  json_view_time(item->retired_s), "gone",
                                                  json_view_time(item->gone_s), "served",
                                                  item->served, "known", item->known, "until",
                                                  json_view_time(item->until_s), "may_go",
                                                  item->known && item->until_s <= now_s));
        }
    }
    json_view_print_list("retired", told);
}
