#include "retire_view.h"

#include <jansson.h>

#include "cli/time_text.h"
#include "lib/base/safe_json.h"
#include "lib/base/safe_text.h"

/* Of those that went in time nothing is left to do. */
static bool is_told(const struct leaving_item *item, int64_t now_s)
{
    return item->until_s > now_s || (item->served && item->retired_s != 0);
}

static void print_one(const struct leaving_item *item, int64_t now_s, FILE *out)
{
    fprintf(out, "%-40s ", SAFE_TEXT(item->domain));
    if (item->until_s > now_s) {
        fprintf(out, "until %s (%s)%s\n", time_text_moment(item->until_s).text,
                time_text_from_now(item->until_s, now_s).text,
                item->served ? "" : ", and it is gone: put it back with mode none until then");
    } else if (!item->known) {
        fprintf(out, "not known what it served before mode none: keep it for the max_age of that "
                     "policy\n");
    } else {
        fprintf(out, "may go: no sender holds a policy of another mode\n");
    }
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

static json_t *time_or_null(int64_t time_s)
{
    return time_s != 0 ? json_integer((json_int_t)time_s) : json_null();
}

void retire_view_print_json(const struct leaving_list *list, int64_t now_s, FILE *out)
{
    json_t *told = json_array();
    for (size_t i = 0; i < list->count; i++) {
        const struct leaving_item *item = &list->items[i];
        if (is_told(item, now_s)) {
            json_array_append_new(told, json_pack("{s:o,s:o,s:o,s:b,s:b,s:o,s:b}", "domain",
                                                  safe_json_text(item->domain), "retired",
                                                  time_or_null(item->retired_s), "gone",
                                                  time_or_null(item->gone_s), "served",
                                                  item->served, "known", item->known, "until",
                                                  time_or_null(item->until_s), "may_go",
                                                  item->known && item->until_s <= now_s));
        }
    }
    json_t *all = json_pack("{s:o}", "retired", told);
    safe_json_print(all, out);
    json_decref(all);
}
