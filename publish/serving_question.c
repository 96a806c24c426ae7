#include "serving_question.h"

#include <string.h>

#include "server/control/control.h"

enum {
    ROOM = CONTROL_REQUEST_MAX - 1024, /* for names, each between quotes and before a comma */
    NAME_EXTRA = 3,
};

void serving_item_clear(struct serving_item *item)
{
    free(item->domain);
    free(item->why);
}

void serving_item_deny(struct serving_item *item, const char *why)
{
    free(item->why);
    item->why = memory_string(why);
    item->served = false;
}

static void judge(struct serving_item *item, bool same)
{
    item->served = same;
    if (!same) {
        serving_item_deny(item, "another text is served");
    }
}

void serving_item_judge(struct serving_item *item, struct bytes body)
{
    judge(item, bytes_equal(body, policy_body(item->policy)));
}

json_t *serving_question_make(const struct serving_item *items, size_t count, size_t next,
                              size_t *ret_end)
{
    size_t room = ROOM;
    json_t *names = json_array();
    for (; next < count; next++) {
        size_t octets = strlen(items[next].domain) + NAME_EXTRA;
        if (items[next].served) {
            continue;
        }
        if (octets > room) {
            break;
        }
        room -= octets;
        json_array_append_new(names, json_string(items[next].domain));
    }
    *ret_end = next;
    json_t *request = json_array_size(names) != 0
                          ? json_pack("{s:s, s:O, s:O}", "command", "serving", "domain",
                                      json_array_get(names, 0), "domains", names)
                          : NULL;
    json_decref(names);
    return request;
}

static void judge_digest(struct serving_item *item, const json_t *digest)
{
    char hex[2 * POLICY_DIGEST_OCTETS + 1];
    bytes_to_hex(item->policy->digest, POLICY_DIGEST_OCTETS, hex);
    if (json_is_string(digest)) {
        judge(item, strcmp(json_string_value(digest), hex) == 0);
    } else {
        serving_item_deny(item, "no policy is served");
    }
}

/* An older server's answer. */
static void judge_body(struct serving_item *item, const json_t *body)
{
    if (json_is_string(body)) {
        serving_item_judge(item, (struct bytes){json_string_value(body), json_string_length(body)});
    } else {
        serving_item_deny(item, "no policy is served");
    }
}

size_t serving_question_judge(struct serving_item *items, size_t next, size_t end,
                              const json_t *reply)
{
    const json_t *digests = json_object_get(reply, "digests");
    for (size_t i = next; i < end; i++) {
        if (items[i].served) {
            continue;
        }
        if (digests == NULL) {
            judge_body(&items[i], json_object_get(reply, "body"));
            return i + 1;
        }
        judge_digest(&items[i], json_object_get(digests, items[i].domain));
    }
    return end;
}
