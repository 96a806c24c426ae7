#include "served_past.h"

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "policies/live/leaving.h"

enum { AGAIN_MS = 1000 }; /* after a failure, as there may be questions about a million names */

struct served_past {
    char *path;
    struct history *history; /* NULL: not open */
    int64_t failed_ms;       /* when last; 0: never */
};

struct served_past *served_past_new(const char *state)
{
    struct served_past *past = memory_zero(1, sizeof(*past));
    past->path = file_path_join(state, "history.db");
    return past;
}

void served_past_free(struct served_past *past)
{
    if (past != NULL) {
        history_close(past->history);
        free(past->path);
        free(past);
    }
}

static bool fail(struct served_past *past)
{
    history_close(TAKE(past->history));
    past->failed_ms = clock_monotonic_ms();
    return false;
}

static bool is_open(struct served_past *past)
{
    struct error ignored;
    if (past->history != NULL) {
        return true;
    }
    if (past->failed_ms != 0 && clock_monotonic_ms() - past->failed_ms < AGAIN_MS) {
        return false;
    }
    return history_open_reading(past->path, &past->history, &ignored) || fail(past);
}

bool served_past_was_last(struct served_past *past, struct bytes subject,
                          const unsigned char digest[32])
{
    struct error ignored;
    bool last = false;
    return is_open(past) &&
           (history_is_last(past->history, subject, digest, &last, &ignored) || fail(past)) && last;
}

bool served_past_is_free(struct served_past *past, struct bytes domain, int64_t now_s)
{
    struct error ignored;
    bool retired = false;
    bool known = false;
    int64_t until_s = 0;
    return is_open(past) &&
           ((history_is_retired(past->history, domain, &retired, &ignored) &&
             leaving_until(past->history, domain, now_s, &known, &until_s, &ignored)) ||
            fail(past)) &&
           retired && known && until_s <= now_s;
}
