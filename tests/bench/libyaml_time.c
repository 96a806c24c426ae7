/* bench_libyaml_time FILE: how long libyaml's bare events of FILE take, in seconds of processor
 * time. The least of five runs: what disturbs a run only makes it longer. */
#include <stdio.h>
#include <time.h>

#include <yaml.h>

#include "lib/base/file.h"

enum { RUNS = 5, FILE_MAX_OCTETS = 1 << 30 };

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool read_events(struct bytes text, size_t *ret_count)
{
    yaml_parser_t parser;
    yaml_event_t event;
    size_t count = 0;
    bool done = false;
    bool good = yaml_parser_initialize(&parser) != 0;
    yaml_parser_set_input_string(&parser, (const unsigned char *)text.p, text.n);
    while (good && !done) {
        good = yaml_parser_parse(&parser, &event) != 0;
        if (good) {
            done = event.type == YAML_STREAM_END_EVENT;
            yaml_event_delete(&event);
            count++;
        }
    }
    yaml_parser_delete(&parser);
    *ret_count = count;
    return good;
}

int main(int argc, char **argv)
{
    struct error e = {0};
    CLEANUP(buffer_clear) struct buffer text = BUFFER(FILE_MAX_OCTETS);
    if (argc != 2 || !file_read(argv[1], &text, NULL, &e)) {
        fprintf(stderr, "bench_libyaml_time: %s\n", argc != 2 ? "usage: FILE" : e.text);
        return argc != 2 ? 2 : 1;
    }
    double best_s = 1e9;
    size_t count = 0;
    for (int run = 0; run < RUNS; run++) {
        double start_s = now_s();
        if (!read_events(buffer_bytes(&text), &count)) {
            fputs("bench_libyaml_time: not YAML\n", stderr);
            return 1;
        }
        double took_s = now_s() - start_s;
        best_s = took_s < best_s ? took_s : best_s;
    }
    printf("%.3f s, %zu events, %zu octets\n", best_s, count, text.n);
    return 0;
}
