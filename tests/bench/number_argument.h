/* A number on the command line of a program here. */
#ifndef BENCH_NUMBER_ARGUMENT_H
#define BENCH_NUMBER_ARGUMENT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

/* False: TEXT is no whole number from MIN to MAX, both included. */
static inline bool read_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret_number)
{
    char *end = NULL;
    unsigned long long number = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || number < min || number > max) {
        return false;
    }
    *ret_number = number;
    return true;
}

#endif
