#include "bump_json.h"

#include <string.h>

#include "cli/json_view.h"
#include "lib/base/safe_json.h"

/* Sets "domain", or "policy" without its "@". */
static void set_subject(json_t *object, const char *subject)
{
    bool shared = subject[0] == '@';
    json_object_set_new(object, shared ? "policy" : "domain", safe_json_text(subject + shared));
}

static json_t *patterns(const struct policy_diff_mx *list)
{
    json_t *array = json_array();
    for (size_t i = 0; i < list->count; i++) {
        json_array_append_new(array, safe_json_string(list->items[i]));
    }
    return array;
}

static json_t *text_or_null(const char *text)
{
    return text[0] != '\0' ? safe_json_text(text) : json_null();
}

static json_t *name_or_null(struct bytes name)
{
    return name.n != 0 ? safe_json_string(name) : json_null();
}

/* What the policy was before; nothing where that is not known. */
static void set_before(json_t *object, const struct policy_diff *diff)
{
    json_t *before = json_pack("{s:s, s:I}", "mode", policy_mode_name(diff->before->mode),
                               "max_age", (json_int_t)diff->before->max_age_s);
    json_t *after = json_pack("{s:s, s:I}", "mode", policy_mode_name(diff->after->mode), "max_age",
                              (json_int_t)diff->after->max_age_s);
    json_object_set_new(object, "before", before);
    json_object_set_new(object, "after", after);
    json_object_set_new(object, "mx_added", patterns(&diff->added));
    json_object_set_new(object, "mx_removed", patterns(&diff->removed));
}

static void set_story(json_t *object, const struct change_story *story)
{
    const struct rollout *rollout = &story->rollout;
    int64_t until_s = rollout->enforced_until_s;
    if (until_s != 0 && until_s < rollout->floor_s) {
        until_s = rollout->floor_s;
    }
    json_object_set_new(object, "known", json_boolean(story->known));
    if (story->known) {
        set_before(object, &story->diff);
    }
    json_object_set_new(object, "old_mx_needed_until", json_view_time(until_s));
    json_object_set_new(object, "served",
                        story->answer.reached ? json_boolean(!story->unserved) : json_null());
}

json_t *bump_json_id(const struct bump_change *change, const struct change_story *story)
{
    json_t *object = json_pack("{s:s}", "change", "id");
    set_subject(object, change->subject);
    json_object_set_new(object, "file", safe_json_text(change->path));
    json_object_set_new(object, "line", json_integer(change->place.line));
    json_object_set_new(object, "column", json_integer(change->place.column));
    json_object_set_new(object, "old_id", text_or_null(change->old_id.text));
    json_object_set_new(object, "new_id", text_or_null(change->new_id.text));
    json_object_set_new(object, "derived", json_boolean(change->derived));
    set_story(object, story);
    return object;
}

json_t *bump_json_move(const char *domain, struct bytes from, struct bytes to,
                       const struct change_story *story)
{
    json_t *object =
        json_pack("{s:s, s:o, s:o, s:o}", "change", "policy", "domain", safe_json_text(domain),
                  "from", name_or_null(from), "to", name_or_null(to));
    set_story(object, story);
    return object;
}

json_t *bump_json_gone(const char *domain, int64_t until_s)
{
    return json_pack("{s:s, s:o, s:o}", "change", "gone", "domain", safe_json_text(domain), "until",
                     json_view_time(until_s));
}

json_t *bump_json_finding(const char *path, const struct policy_file_place *place,
                          const char *subject, const char *id, const char *text)
{
    json_t *object = json_pack("{s:o, s:I, s:I}", "file", safe_json_text(path), "line",
                               (json_int_t)place->line, "column", (json_int_t)place->column);
    if (subject != NULL) {
        set_subject(object, subject);
    }
    if (id != NULL) {
        json_object_set_new(object, "id", text_or_null(id));
    }
    json_object_set_new(object, "text", safe_json_text(text));
    return object;
}
