/* What bench_handshake_client found: counts and the time that each fetch took. */
#ifndef BENCH_HANDSHAKE_REPORT_H
#define BENCH_HANDSHAKE_REPORT_H

#include <stddef.h>
#include <stdint.h>

struct handshake_report {
    uint32_t *took_us; /* of the good ones */
    size_t done;
    size_t capacity;
    size_t failed;
    size_t tickets;          /* session tickets that came */
    char first_failure[256]; /* and what it was about */
};

void handshake_report_took(struct handshake_report *report, uint64_t ns);
void handshake_report_failed(struct handshake_report *report, const char *name, const char *why);

/* One JSON object in a line on stdout. Sorts the times. */
void handshake_report_print(struct handshake_report *report, double seconds);
void handshake_report_clear(struct handshake_report *report);

#endif
