#include "handshake_plan.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/memory.h"

struct handshake_choice {
    struct handshake_plan plan;
    uint64_t state;
    uint32_t *name_of_rank; /* shuffled: who is asked for often says nothing of place or age */
    double *up_to_rank;     /* the sum of the weights of this rank and all before it */
};

/* splitmix64 (Steele, Lea and Flood, 2014). */
static uint64_t next_random(struct handshake_choice *choice)
{
    uint64_t x = choice->state += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

/* From 0 inclusive to 1 exclusive. */
static double next_fraction(struct handshake_choice *choice)
{
    return (double)(next_random(choice) >> 11) * 0x1p-53;
}

static void prepare_zipf(struct handshake_choice *choice)
{
    size_t names = choice->plan.names;
    choice->name_of_rank = memory_zero(names, sizeof(*choice->name_of_rank));
    choice->up_to_rank = memory_zero(names, sizeof(*choice->up_to_rank));
    double sum = 0;
    for (size_t i = 0; i < names; i++) {
        sum += pow((double)(i + 1), -choice->plan.zipf);
        choice->up_to_rank[i] = sum;
        size_t j = next_random(choice) % (i + 1);
        choice->name_of_rank[i] = choice->name_of_rank[j];
        choice->name_of_rank[j] = (uint32_t)i;
    }
}

struct handshake_choice *handshake_choice_new(const struct handshake_plan *plan)
{
    struct handshake_choice *choice = memory_zero(1, sizeof(*choice));
    choice->plan = *plan;
    choice->state = 0; /* the same ranks in every run: a warm cache is warm for the next one */
    if (plan->zipf > 0) {
        prepare_zipf(choice);
    }
    choice->state = plan->seed;
    return choice;
}

void handshake_choice_free(struct handshake_choice *choice)
{
    free(choice->name_of_rank);
    free(choice->up_to_rank);
    free(choice);
}

uint64_t handshake_choice_next(struct handshake_choice *choice)
{
    size_t low = 0, high = choice->plan.names - 1;
    if (choice->up_to_rank == NULL) {
        return next_random(choice) % choice->plan.names;
    }
    double weight = next_fraction(choice) * choice->up_to_rank[high];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (choice->up_to_rank[middle] <= weight) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return choice->name_of_rank[low];
}

uint64_t handshake_choice_pause_ns(struct handshake_choice *choice)
{
    return (uint64_t)(-log1p(-next_fraction(choice)) / choice->plan.rate * 1e9);
}

static bool read_number(const char *text, double min, double max, double *ret_number)
{
    char *end = NULL;
    double number = strtod(text, &end);
    if (end == text || *end != '\0' || !(number >= min && number <= max)) {
        return false;
    }
    *ret_number = number;
    return true;
}

bool handshake_plan_read(int argc, char **argv, struct handshake_plan *ret_plan)
{
    enum {
        PORT,
        NAMES,
        ZIPF,
        SECONDS,
        RATE,
        CONCURRENCY,
        SEED,
        FETCHES,
        HTTP2,
        NAGLE,
        HYBRID,
        COUNT
    };
    static const struct option options[] = {
        {"port", required_argument, NULL, PORT},
        {"names", required_argument, NULL, NAMES},
        {"zipf", required_argument, NULL, ZIPF},
        {"seconds", required_argument, NULL, SECONDS},
        {"rate", required_argument, NULL, RATE},
        {"concurrency", required_argument, NULL, CONCURRENCY},
        {"seed", required_argument, NULL, SEED},
        {"fetches", required_argument, NULL, FETCHES},
        {"http2", required_argument, NULL, HTTP2},
        {"nagle", required_argument, NULL, NAGLE},
        {"hybrid", required_argument, NULL, HYBRID},
        {0},
    };
    static const struct {
        double min, max;
    } bounds[COUNT] = {
        [PORT] = {1, 65535},     [NAMES] = {1, 1e7},   [ZIPF] = {0, 10},
        [SECONDS] = {0.1, 3600}, [RATE] = {0, 100000}, [CONCURRENCY] = {1, 10000},
        [SEED] = {0, 1e15},      [FETCHES] = {0, 1e9}, [HTTP2] = {0, 1},
        [NAGLE] = {0, 1},        [HYBRID] = {0, 1},
    };
    double values[COUNT] = {[NAMES] = 1, [SECONDS] = 1, [CONCURRENCY] = 16, [SEED] = 1};
    bool good = true;
    for (int option = 0; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        good = good && option >= 0 && option < COUNT &&
               read_number(optarg, bounds[option].min, bounds[option].max, &values[option]);
    }
    if (!good || optind != argc || values[PORT] == 0) {
        fputs(
            "usage: bench_handshake_client --port N [--names N] [--zipf S] [--seconds S]\n"
            "                              [--rate N] [--concurrency N] [--seed N] [--fetches N]\n"
            "                              [--http2 0|1] [--nagle 0|1] [--hybrid 0|1]\n",
            stderr);
        return false;
    }
    *ret_plan = (struct handshake_plan){
        .port = (uint64_t)values[PORT],
        .names = (uint64_t)values[NAMES],
        .zipf = values[ZIPF],
        .seconds = values[SECONDS],
        .rate = values[RATE],
        .concurrency = (uint64_t)values[CONCURRENCY],
        .seed = (uint64_t)values[SEED],
        .fetches = (uint64_t)values[FETCHES],
        .http2 = values[HTTP2] != 0,
        .nagle = values[NAGLE] != 0,
        .hybrid = values[HYBRID] != 0,
    };
    return true;
}
