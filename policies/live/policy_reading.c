#include "policy_reading.h"

#include <time.h>

/* More than a tick of any kernel's clock, by which files are dated. */
enum { RACY_NS = 20 * 1000 * 1000, SECOND_NS = 1000 * 1000 * 1000 };

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * SECOND_NS + now.tv_nsec;
}

void policy_reading_read(const char *path, const struct policy_file_defaults *defaults,
                         struct policy_reading *ret_reading)
{
    struct error e;
    struct policy_reading reading = {0};
    int64_t began_ns = now_ns();
    CLEANUP(buffer_clear) struct buffer text = BUFFER(POLICY_FILE_MAX);
    if (file_read(path, &text, &reading.identity, &e)) {
        reading.racy = began_ns - reading.identity.changed_ns < RACY_NS;
        reading.line_end = bytes_ends_with(buffer_bytes(&text), BYTES("\n"));
        reading.good = policy_file_parse(buffer_bytes(&text), path, defaults, &reading.parsed,
                                         &reading.problems);
    } else {
        reading.unreadable = memory_alloc(sizeof(e));
        *reading.unreadable = e;
    }
    *ret_reading = reading;
}

void policy_reading_clear(struct policy_reading *reading)
{
    policy_file_clear(&reading->parsed);
    diagnostics_clear(&reading->problems);
    free(reading->unreadable);
    *reading = (struct policy_reading){0};
}
