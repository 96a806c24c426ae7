#include "ready_wait.h"

#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "server/control.h"

enum { LOOK_EVERY_MS = 100, ANSWER_MS = 5000 };

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value != NULL ? value : "";
}

/* Of a server that answers and is not ready; always false. */
static bool tell_state(const json_t *reply, struct error *e)
{
    const char *loading = text(json_object_get(reply, "loading"), "text");
    return error_set(e, ERROR_RETRY, "the server is not ready yet (%s); its log tells more",
                     loading[0] != '\0' ? loading : text(reply, "state"));
}

/* False with ERROR_SYSTEM: it is no use to ask again. */
static bool is_ready(const char *control, int64_t left_ms, struct error *e)
{
    json_t *reply = NULL;
    json_t *request = json_pack("{s:s}", "command", "ready");
    int timeout_ms = left_ms < ANSWER_MS ? (int)left_ms : ANSWER_MS;
    bool ready = control_ask(control, request, timeout_ms, &reply, e) &&
                 (strcmp(text(reply, "state"), "serving") == 0 || tell_state(reply, e));
    json_decref(reply);
    json_decref(request);
    return ready;
}

bool ready_wait(const struct settings *settings, int64_t timeout_ms, struct error *e)
{
    int64_t deadline_ms = clock_monotonic_ms() + timeout_ms;
    for (int64_t left_ms = timeout_ms; !is_ready(settings->control, left_ms, e);) {
        left_ms = deadline_ms - clock_monotonic_ms();
        if (left_ms <= 0 || e->code == ERROR_SYSTEM) {
            return false;
        }
        int64_t pause_ms = left_ms < LOOK_EVERY_MS ? left_ms : LOOK_EVERY_MS;
        nanosleep(&(struct timespec){.tv_nsec = (long)pause_ms * 1000000L}, NULL);
        left_ms = deadline_ms - clock_monotonic_ms();
        left_ms = left_ms > 0 ? left_ms : 1;
    }
    return true;
}
