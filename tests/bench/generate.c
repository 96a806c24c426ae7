/* Makes policy files for benchmarks: the same ones for the same arguments.
 *
 *     bench_generate [--domains N] [--per-file K] [--shared PERCENT] [--policies N] [--seed N]
 *                    [--ids] DIRECTORY
 *
 *     --domains N       1000 by default: tenant-0000000.example …
 *     --per-file K      domains in one file; 0, the default: one file for all
 *     --shared PERCENT  of the domains that name a shared policy; 0 by default
 *     --policies N      shared policies; 10 by default, in a file of their own
 *     --seed N          another seed gives other policies for the same domains
 *     --ids             each policy of a domain's own gets an id
 *
 * Writes DIRECTORY/shared.yaml (where --shared is not 0) and DIRECTORY/domains-NNNNNNN.yaml, 1000
 * files to a sub-directory where there are more of them. Prints what was made. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/buffer.h"
#include "lib/base/file.h"
#include "number_argument.h"

enum { FILES_PER_DIRECTORY = 1000, FILE_MAX_OCTETS = 1 << 30 };

struct plan {
    uint64_t domains;
    uint64_t per_file;
    uint64_t shared_percent;
    uint64_t policies;
    uint64_t seed;
    bool ids;
    const char *directory;
};

/* splitmix64 (Steele, Lea and Flood, 2014): what domain N says depends on N and the seed alone. */
static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

static void add_shared(const struct plan *plan, struct buffer *out)
{
    buffer_add_string(out, "policies:\n");
    for (uint64_t i = 0; i < plan->policies; i++) {
        uint64_t r = mix(plan->seed ^ ~i);
        buffer_printf(out,
                      "  shared-%" PRIu64 ":\n    mode: %s\n    mx: [mx1.shared-%" PRIu64
                      ".example.net, \"*.shared-%" PRIu64 ".example.net\"]\n    max_age: %" PRIu64
                      "\n",
                      i, r % 4 == 0 ? "testing" : "enforce", i, i, 86400 * (1 + r % 28));
    }
}

static void add_domain(const struct plan *plan, uint64_t number, struct buffer *out)
{
    uint64_t r = mix(plan->seed * 0x100000001b3 + number);
    if (r % 100 < plan->shared_percent) {
        buffer_printf(out, "  tenant-%07" PRIu64 ".example: shared-%" PRIu64 "\n", number,
                      (r >> 8) % plan->policies);
        return;
    }
    buffer_printf(out,
                  "  tenant-%07" PRIu64 ".example:\n    mode: %s\n    mx:\n"
                  "      - mx1.tenant-%07" PRIu64 ".example\n"
                  "      - \"*.mx%" PRIu64 ".example.net\"\n    max_age: %" PRIu64 "\n",
                  number, (r >> 8) % 4 == 0 ? "testing" : "enforce", number, (r >> 16) % 100000,
                  86400 * (1 + (r >> 40) % 28));
    if (plan->ids) {
        buffer_printf(out, "    id: 2026%020" PRIu64 "\n", r);
    }
}

static bool write_file(const char *path, struct buffer *text)
{
    /* Not file_replace: its fsync would take ten minutes for a million files. */
    FILE *file = fopen(path, "we");
    if (file == NULL) {
        perror(path);
        return false;
    }
    bool good = fwrite(text->p, 1, text->n, file) == text->n;
    good = fclose(file) == 0 && good;
    if (!good) {
        perror(path);
    }
    buffer_reset(text);
    return good;
}

/* The path of file NUMBER; makes its directory. */
static char *path_of(const struct plan *plan, uint64_t number, uint64_t files, struct error *e)
{
    if (files <= FILES_PER_DIRECTORY) {
        return memory_printf("%s/domains-%07" PRIu64 ".yaml", plan->directory, number);
    }
    CLEANUP_FREE char *directory =
        memory_printf("%s/%04" PRIu64, plan->directory, number / FILES_PER_DIRECTORY);
    if (number % FILES_PER_DIRECTORY == 0 && !file_make_directories(directory, 0755, e)) {
        return NULL;
    }
    return memory_printf("%s/domains-%07" PRIu64 ".yaml", directory, number);
}

static bool generate(const struct plan *plan)
{
    struct error e = {0};
    if (!file_make_directories(plan->directory, 0755, &e)) {
        fprintf(stderr, "bench_generate: %s\n", e.text);
        return false;
    }
    CLEANUP(buffer_clear) struct buffer text = BUFFER(FILE_MAX_OCTETS);
    if (plan->shared_percent != 0) {
        CLEANUP_FREE char *path = file_path_join(plan->directory, "shared.yaml");
        add_shared(plan, &text);
        if (!write_file(path, &text)) {
            return false;
        }
    }
    uint64_t per_file = plan->per_file != 0 ? plan->per_file : plan->domains;
    uint64_t files = per_file != 0 ? (plan->domains + per_file - 1) / per_file : 0;
    size_t octets = 0;
    for (uint64_t file = 0; file < files; file++) {
        buffer_add_string(&text, "domains:\n");
        for (uint64_t i = file * per_file; i < (file + 1) * per_file && i < plan->domains; i++) {
            add_domain(plan, i, &text);
        }
        octets += text.n;
        CLEANUP_FREE char *path = path_of(plan, file, files, &e);
        if (path == NULL || text.overflow || !write_file(path, &text)) {
            fprintf(stderr, "bench_generate: %s\n", text.overflow ? "file too large" : e.text);
            return false;
        }
    }
    printf("%" PRIu64 " domains, %" PRIu64 " files, %zu octets\n", plan->domains, files, octets);
    return true;
}

static int usage(void)
{
    fputs("usage: bench_generate [--domains N] [--per-file K] [--shared PERCENT] [--policies N]\n"
          "                      [--seed N] [--ids] DIRECTORY\n",
          stderr);
    return 2;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"domains", required_argument, NULL, 'd'},
        {"per-file", required_argument, NULL, 'f'},
        {"shared", required_argument, NULL, 's'},
        {"policies", required_argument, NULL, 'p'},
        {"seed", required_argument, NULL, 'r'},
        {"ids", no_argument, NULL, 'i'},
        {0},
    };
    struct plan plan = {.domains = 1000, .policies = 10, .seed = 1};
    for (int option = 0; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        bool good = true;
        switch (option) {
        case 'd':
            good = read_number(optarg, 0, 10 * 1000 * 1000 - 1, &plan.domains);
            break;
        case 'f':
            good = read_number(optarg, 0, UINT32_MAX, &plan.per_file);
            break;
        case 's':
            good = read_number(optarg, 0, 100, &plan.shared_percent);
            break;
        case 'p':
            good = read_number(optarg, 0, 1000 * 1000, &plan.policies) && plan.policies != 0;
            break;
        case 'r':
            good = read_number(optarg, 0, UINT64_MAX, &plan.seed);
            break;
        case 'i':
            plan.ids = true;
            break;
        default:
            good = false;
        }
        if (!good) {
            return usage();
        }
    }
    if (optind + 1 != argc) {
        return usage();
    }
    plan.directory = argv[optind];
    return generate(&plan) ? 0 : 1;
}
