/* bench_pair_time CHAIN KEY: how long it takes to read the two files (or one file, given twice)
 * into a pair, in microseconds of processor time, where another pair with the same intermediates
 * was read before: with its proof, and without (pair_reader_read_quickly). The least of five runs
 * of a thousand. */
#include <stdio.h>
#include <time.h>

#include "lib/base/file.h"
#include "lib/certificates/pair_reader.h"

enum { RUNS = 5, PAIRS = 1000 };

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

struct input {
    struct pair_text chain;
    struct pair_text key;
    const struct pair_text *key_text; /* &chain where one file has both */
};

static bool parse(struct pair_reader *reader, const struct input *input, bool quickly,
                  struct error *e)
{
    struct certificate_pair *pair = NULL;
    bool proven = false;
    bool good = quickly ? pair_reader_read_quickly(reader, &input->chain, input->key_text, &pair,
                                                   &proven, e)
                        : pair_reader_read(reader, &input->chain, input->key_text, &pair, e);
    certificate_pair_unref(pair);
    return good;
}

/* In microseconds a pair; negative: it cannot be read. */
static double measure(struct pair_reader *reader, const struct input *input, bool quickly,
                      struct error *e)
{
    double best_us = 1e12;
    for (int run = 0; run < RUNS; run++) {
        double start_us = now_us();
        for (int i = 0; i < PAIRS; i++) {
            if (!parse(reader, input, quickly, e)) {
                return -1;
            }
        }
        double took_us = now_us() - start_us;
        best_us = took_us < best_us ? took_us : best_us;
    }
    return best_us / PAIRS;
}

int main(int argc, char **argv)
{
    struct error e = {0};
    CLEANUP(buffer_clear) struct buffer chain = BUFFER(CERTIFICATE_FILE_MAX);
    CLEANUP(buffer_clear) struct buffer key = BUFFER(CERTIFICATE_FILE_MAX);
    if (argc != 3 || !file_read(argv[1], &chain, NULL, &e) || !file_read(argv[2], &key, NULL, &e)) {
        fprintf(stderr, "bench_pair_time: %s\n", argc != 3 ? "usage: CHAIN KEY" : e.text);
        return argc != 3 ? 2 : 1;
    }
    struct input input = {.chain = {buffer_bytes(&chain), argv[1], NULL},
                          .key = {buffer_bytes(&key), argv[2], NULL}};
    input.key_text = strcmp(argv[1], argv[2]) == 0 ? &input.chain : &input.key;
    struct chain_pool *pool = chain_pool_new();
    struct pair_reader *reader = pair_reader_new(pool);
    struct certificate_pair *first = NULL; /* keeps the intermediates in the pool */
    double pair_us = -1;
    double quick_us = -1;
    if (pair_reader_read(reader, &input.chain, input.key_text, &first, &e)) {
        pair_us = measure(reader, &input, false, &e);
        quick_us = measure(reader, &input, true, &e);
    }
    certificate_pair_unref(first);
    pair_reader_free(reader);
    chain_pool_unref(pool);
    if (pair_us < 0) {
        fprintf(stderr, "bench_pair_time: %s\n", e.text);
        return 1;
    }
    printf("pair_reader_read: %.1f us, quickly: %.1f us, %zu + %zu octets\n", pair_us, quick_us,
           chain.n, key.n);
    return 0;
}
