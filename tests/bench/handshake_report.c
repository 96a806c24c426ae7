#include "handshake_report.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/memory.h"

void handshake_report_took(struct handshake_report *report, uint64_t ns)
{
    ARRAY_GROW(report->took_us, report->done, report->capacity);
    report->took_us[report->done++] = (uint32_t)(ns / 1000);
}

void handshake_report_failed(struct handshake_report *report, const char *name, const char *why)
{
    if (report->failed++ == 0) {
        /* Neither has anything in it that JSON would want escaped. */
        (void)snprintf(report->first_failure, sizeof(report->first_failure), "%s: %s", name, why);
    }
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* The least time that a share of FRACTION of all fetches did not exceed. */
static uint32_t quantile(const struct handshake_report *report, double fraction)
{
    size_t rank = (size_t)(fraction * (double)report->done);
    return report->done == 0 ? 0 : report->took_us[rank < report->done ? rank : report->done - 1];
}

void handshake_report_print(struct handshake_report *report, double seconds)
{
    if (report->done != 0) {
        qsort(report->took_us, report->done, sizeof(*report->took_us), by_size);
    }
    printf("{\"fetches\": %zu, \"failures\": %zu, \"first_failure\": \"%s\", \"seconds\": %.6f, "
           "\"tickets\": %zu, \"p50_us\": %u, \"p99_us\": %u, \"p999_us\": %u, \"max_us\": %u}\n",
           report->done, report->failed, report->first_failure, seconds, report->tickets,
           quantile(report, 0.5), quantile(report, 0.99), quantile(report, 0.999),
           quantile(report, 1));
}

void handshake_report_clear(struct handshake_report *report)
{
    free(report->took_us);
}
