#include "control_reply.h"

#include "cli/opening.h"
#include "lib/base/diagnostics.h"
#include "lib/base/json_read.h"
#include "server/control/control.h"

json_t *control_reply_ask(const struct settings *settings, json_t *request, int timeout_ms,
                          const char *subject)
{
    struct error e;
    json_t *reply = NULL;
    if (!control_ask(settings_control(settings), request, timeout_ms, &reply, &e)) {
        fprintf(stderr, "mtasts-host: %s%s%s\n", subject != NULL ? subject : "",
                subject != NULL ? ": " : "", e.text);
        reply = NULL;
    }
    json_decref(request);
    return reply;
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
        fprintf(out, "%s", json_text(item, "file"));
        long long line = json_number(item, "line");
        if (line != 0) {
            fprintf(out, ":%lld:%lld", line, json_number(item, "column"));
        }
        fprintf(out, ": %s: %s\n", json_text(item, "severity"), json_text(item, "text"));
    }
}
