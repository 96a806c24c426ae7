#include "control_reply.h"

#include "cli/workspace.h"
#include "lib/base/diagnostics.h"
#include "lib/base/safe_json.h"
#include "server/control.h"

json_t *control_reply_ask(const struct settings *settings, json_t *request, int timeout_ms)
{
    struct error e;
    json_t *reply = NULL;
    if (!control_ask(settings->control, request, timeout_ms, &reply, &e)) {
        fprintf(stderr, "mtasts-host: %s\n", e.text);
        reply = NULL;
    }
    json_decref(request);
    return reply;
}

bool control_reply_act(const struct settings *settings, json_t *request, int timeout_ms,
                       const char *subject)
{
    struct error e;
    json_t *reply = NULL;
    bool ok = control_ask(settings->control, request, timeout_ms, &reply, &e);
    if (!ok) {
        fprintf(stderr, "mtasts-host: %s: %s\n", subject, e.text);
    }
    json_decref(reply);
    json_decref(request);
    return ok;
}

void control_reply_print_json(const json_t *reply)
{
    safe_json_print(reply, stdout);
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

void control_reply_print_diagnostics(const json_t *reply, FILE *out)
{
    size_t i = 0;
    const json_t *item = NULL;
    json_array_foreach(json_object_get(reply, "diagnostics"), i, item)
    {
        if (json_is_string(item)) {
            fprintf(out, "%s\n", json_string_value(item));
            continue;
        }
        fprintf(out, "%s", text_of(item, "file"));
        json_int_t line = json_integer_value(json_object_get(item, "line"));
        if (line != 0) {
            fprintf(out, ":%" JSON_INTEGER_FORMAT ":%" JSON_INTEGER_FORMAT, line,
                    json_integer_value(json_object_get(item, "column")));
        }
        fprintf(out, ": %s: %s\n", text_of(item, "severity"), text_of(item, "text"));
    }
}
