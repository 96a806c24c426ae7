#include "ownership_source.h"

#include <string.h>

#include <openssl/crypto.h>

#include "lib/base/safe_json.h"
#include "server/control/control.h"

enum { ASK_TIMEOUT_MS = 10000 };

static struct bytes text_of(const json_t *object, const char *key)
{
    json_t *text = json_object_get(object, key);
    safe_json_restore(text); /* paths are compared */
    return (struct bytes){json_string_value(text), json_string_length(text)};
}

static void take(const json_t *answer, struct catalogue_owner *owner)
{
    size_t n = 0;
    const char *digest = json_string_value(json_object_get(answer, "digest"));
    struct catalogue_owner taken = {
        .known = true,
        .entry = text_of(answer, "entry"),
        .path = text_of(answer, "path"),
    };
    if (digest != NULL && taken.entry.p != NULL && taken.path.p != NULL &&
        OPENSSL_hexstr2buf_ex(taken.digest, sizeof(taken.digest), &n, digest, '\0') == 1 &&
        n == sizeof(taken.digest)) {
        *owner = taken;
    }
}

/* At most CONTROL_OWNERS_MAX names. */
static bool ask(struct ownership_source *source, const struct bytes *names, size_t count,
                struct catalogue_owner *owners, struct error *e)
{
    json_t *reply = NULL;
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(list, json_stringn(names[i].p, names[i].n));
    }
    json_t *request = json_pack("{s:s, s:o}", "command", "owners", "names", list);
    bool ok = control_ask(settings_control(source->settings), request, ASK_TIMEOUT_MS, &reply, e);
    json_decref(request);
    if (!ok) {
        return false;
    }
    json_array_append_new(source->replies, reply);
    const json_t *found = json_object_get(reply, "owners");
    for (size_t i = 0; i < count; i++) {
        take(json_object_getn(found, names[i].p, names[i].n), &owners[i]);
    }
    return true;
}

static bool ask_all(struct ownership_source *source, const struct bytes *names, size_t count,
                    struct catalogue_owner *owners, struct error *e)
{
    source->replies = json_array();
    for (size_t first = 0; first < count; first += CONTROL_OWNERS_MAX) {
        size_t left = count - first;
        size_t part = left < CONTROL_OWNERS_MAX ? left : CONTROL_OWNERS_MAX;
        if (!ask(source, names + first, part, owners + first, e)) {
            return false;
        }
    }
    return true;
}

static void keep_why(struct ownership_source *source, const struct error *e)
{
    if (source->why == NULL && e->code != ERROR_NOT_FOUND) {
        source->why = memory_string(e->text);
    }
}

/* A server that loads, or does not know the question, is asked no further: what is remembered is
 * what it will begin with. */
void ownership_source_ask(const struct bytes *names, size_t count, struct catalogue_owner *owners,
                          void *context)
{
    struct error e;
    struct error not_remembered;
    struct ownership_source *source = context;
    if (ask_all(source, names, count, owners, &e)) {
        return;
    }
    memset(owners, 0, count * sizeof(*owners));
    if (!ownership_memory_ask(&source->memory, source->settings->state, names, count, owners,
                              &not_remembered)) {
        keep_why(source, &e);
        keep_why(source, &not_remembered);
    }
}

void ownership_source_clear(struct ownership_source *source)
{
    json_decref(source->replies);
    ownership_memory_clear(&source->memory);
    free(source->why);
    *source = (struct ownership_source){0};
}
