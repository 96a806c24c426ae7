/* bench_pair_time CHAIN KEY: how long certificate_pair_parse takes for the two files, in
 * microseconds of processor time. The least of five runs of a thousand. */
#include <stdio.h>
#include <time.h>

#include "base/file.h"
#include "certificates/pair.h"

enum { RUNS = 5, PAIRS = 1000 };

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static bool parse(struct bytes chain, struct bytes key, char **paths, struct error *e)
{
    struct certificate_pair *pair = NULL;
    bool good = certificate_pair_parse(chain, paths[0], key, paths[1], &pair, e);
    certificate_pair_unref(pair);
    return good;
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
    double best_us = 1e12;
    for (int run = 0; run < RUNS; run++) {
        double start_us = now_us();
        for (int i = 0; i < PAIRS; i++) {
            if (!parse(buffer_bytes(&chain), buffer_bytes(&key), argv + 1, &e)) {
                fprintf(stderr, "bench_pair_time: %s\n", e.text);
                return 1;
            }
        }
        double took_us = now_us() - start_us;
        best_us = took_us < best_us ? took_us : best_us;
    }
    printf("certificate_pair_parse: %.1f us, %zu + %zu octets\n", best_us / PAIRS, chain.n, key.n);
    return 0;
}
