#include "leaving_list.h"

#include <unistd.h>

#include <jansson.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/json_read.h"
#include "policies/live/leaving.h"
#include "server/control/control.h"

enum { ASK_TIMEOUT_MS = 5000 };

static void add(struct leaving_list *list, const struct leaving_item *item)
{
    ARRAY_GROW(list->items, list->count, list->capacity);
    list->items[list->count++] = *item;
}

static char *string_or_null(const json_t *item, const char *name)
{
    return memory_string_or_null(json_string_value(json_object_get(item, name)));
}

static void take_reply(const json_t *reply, struct leaving_list *list)
{
    size_t i = 0;
    const json_t *item = NULL;
    json_array_foreach(json_object_get(reply, "leaving"), i, item)
    {
        const char *domain = json_string_value(json_object_get(item, "domain"));
        if (domain != NULL) {
            add(list, &(struct leaving_item){
                          .domain = memory_string(domain),
                          .retired_s = json_number(item, "retired"),
                          .gone_s = json_number(item, "gone"),
                          .until_s = json_number(item, "until"),
                          .known = json_is_true(json_object_get(item, "known")),
                          .served = json_is_true(json_object_get(item, "served")),
                          .shared = string_or_null(item, "shared"),
                          .digest = string_or_null(item, "digest"),
                      });
        }
    }
    list->gone_count = json_number(reply, "gone_count");
}

/* --- Where no server runs --- */

struct reading {
    struct history *history;
    struct leaving_list list;
    int64_t now_s;
    bool failed;
    struct error *e;
};

static void read_one(const struct history_leaving *leaving, void *context)
{
    struct reading *reading = context;
    bool known = false;
    int64_t until_s = 0;
    if (reading->failed || !leaving_until(reading->history, leaving->domain, reading->now_s, &known,
                                          &until_s, reading->e)) {
        reading->failed = true;
        return;
    }
    add(&reading->list, &(struct leaving_item){
                            .domain = memory_string_of(leaving->domain),
                            .retired_s = leaving->retired_s,
                            .gone_s = leaving->gone_s,
                            .until_s = until_s,
                            .known = known,
                            .served = leaving->gone_s == 0,
                        });
}

static void history_cleanup(struct history **history)
{
    history_close(*history);
}

static bool read_history(const struct settings *settings, struct leaving_list *ret_list,
                         struct error *e)
{
    CLEANUP_FREE char *path = file_path_join(settings->state, "history.db");
    if (access(path, F_OK) != 0) {
        return error_set(e, ERROR_NOT_FOUND,
                         "no server runs, and %s is missing: nothing is known of what was served; "
                         "start it with `mtasts-host serve`",
                         path);
    }
    CLEANUP(history_cleanup) struct history *history = NULL;
    if (!history_open(path, &history, e)) {
        return false;
    }
    struct reading reading = {.history = history, .now_s = clock_wall_s(), .e = e};
    if (!history_each_leaving(history, LEAVING_LIST_MAX, read_one, &reading, e) || reading.failed ||
        !history_count_left(history, &reading.list.gone_count, e)) {
        leaving_list_clear(&reading.list);
        return false;
    }
    *ret_list = reading.list;
    return true;
}

bool leaving_list_ask(const struct settings *settings, struct leaving_list *ret_list,
                      struct error *e)
{
    json_t *reply = NULL;
    json_t *request = json_pack("{s:s, s:i}", "command", "leaving", "most", LEAVING_LIST_MAX);
    bool answered = control_ask(settings_control(settings), request, ASK_TIMEOUT_MS, &reply, e);
    json_decref(request);
    if (!answered) {
        return e->code == ERROR_NOT_FOUND && read_history(settings, ret_list, e);
    }
    struct leaving_list list = {0};
    take_reply(reply, &list);
    json_decref(reply);
    *ret_list = list;
    return true;
}

bool leaving_list_ask_left(const struct settings *settings, const char *after,
                           struct leaving_list *ret_list, struct error *e)
{
    json_t *reply = NULL;
    struct leaving_list list = {0};
    json_t *request = json_pack("{s:s, s:i, s:s}", "command", "leaving", "most", LEAVING_LIST_MAX,
                                "left_after", after);
    bool answered = control_ask(settings_control(settings), request, ASK_TIMEOUT_MS, &reply, e);
    json_decref(request);
    if (!answered) {
        return false;
    }
    const char *from = json_string_value(json_object_get(reply, "left_after"));
    bool understood = from != NULL && strcmp(from, after) == 0;
    take_reply(reply, &list);
    json_decref(reply);
    if (!understood) { /* it told of something else */
        leaving_list_clear(&list);
        return error_set(e, ERROR_CONFLICT,
                         "the server is older than this program and cannot say what its domains "
                         "served last; restart it");
    }
    *ret_list = list;
    return true;
}

void leaving_list_clear(struct leaving_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].domain);
        free(list->items[i].shared);
        free(list->items[i].digest);
    }
    free(list->items);
    *list = (struct leaving_list){0};
}
