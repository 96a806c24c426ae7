#include "ready_wait.h"

#include <string.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/base/json_read.h"
#include "server/control/control.h"

enum { LOOK_EVERY_MS = 100, ANSWER_MS = 5000 };

enum heard { HEARD_NOTHING, HEARD_STATE, HEARD_READY };

/* Of a server that answers and is not ready. */
static void tell_state(const json_t *reply, struct error *e)
{
    const char *loading = json_text(json_object_get(reply, "loading"), "text");
    error_format(e, ERROR_RETRY, "the server is not ready yet (%s); its log tells more",
                 loading[0] != '\0' ? loading : json_text(reply, "state"));
}

/* E says what is wrong, unless it is ready; with ERROR_SYSTEM it is no use to ask again. */
static enum heard ask(const char *control, int64_t left_ms, struct error *e)
{
    json_t *reply = NULL;
    json_t *request = json_pack("{s:s}", "command", "ready");
    int timeout_ms = left_ms < ANSWER_MS ? (int)left_ms : ANSWER_MS;
    enum heard heard =
        control_ask(control, request, timeout_ms, &reply, e) ? HEARD_STATE : HEARD_NOTHING;
    if (heard == HEARD_STATE && strcmp(json_text(reply, "state"), "serving") == 0) {
        heard = HEARD_READY;
    } else if (heard == HEARD_STATE) {
        tell_state(reply, e);
    }
    json_decref(reply);
    json_decref(request);
    return heard;
}

bool ready_wait(const struct settings *settings, int64_t timeout_ms, struct error *e)
{
    int64_t deadline_ms = clock_monotonic_ms() + timeout_ms;
    bool tells_state = false; /* E does */
    for (int64_t left_ms = timeout_ms; left_ms > 0; left_ms = deadline_ms - clock_monotonic_ms()) {
        struct error latest;
        enum heard heard = ask(settings_control(settings), left_ms, &latest);
        if (heard == HEARD_READY) {
            return true;
        }
        /* The last question may be left no time for its answer: what was heard before says more. */
        if (heard == HEARD_STATE || !tells_state || latest.code != ERROR_RETRY) {
            *e = latest;
            tells_state = heard == HEARD_STATE;
        }
        if (latest.code == ERROR_SYSTEM) {
            return false;
        }
        nanosleep(&(struct timespec){.tv_nsec = LOOK_EVERY_MS * 1000000L}, NULL);
    }
    return false;
}
