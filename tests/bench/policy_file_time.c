/* bench_policy_file_time FILE: how long policy_file_parse takes for FILE (read, validated,
 * rendered, digested, sorted), and an id_edit_apply of all its domains, in seconds. The least of
 * five runs. */
#include <stdio.h>
#include <time.h>

#include "lib/base/file.h"
#include "policies/files/id_edit.h"
#include "policies/files/policy_file.h"

enum { RUNS = 5 };

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool parse(const char *name, struct bytes text, struct policy_file *ret_file)
{
    static const struct policy_file_defaults defaults = {.max_age_s = 604800};
    struct diagnostics d = {0};
    bool good = policy_file_parse(text, name, &defaults, ret_file, &d);
    diagnostics_print(&d, stderr);
    diagnostics_clear(&d);
    return good;
}

static int edit_all(struct bytes text, const struct policy_file *file)
{
    struct id_edit *edits = memory_zero(file->domain_count, sizeof(*edits));
    size_t count = 0;
    for (size_t i = 0; i < file->domain_count; i++) {
        const struct policy_file_entry *entry = &file->domains[i];
        if (entry->policy != NULL) {
            edits[count] = (struct id_edit){.section = ID_EDIT_DOMAINS, .name = entry->name};
            policy_id_make(entry->policy, 1795443301, entry->id, &edits[count].id);
            count++;
        }
    }
    struct error e = {0};
    struct buffer out = BUFFER(POLICY_FILE_MAX);
    double start_s = now_s();
    bool good = id_edit_apply(text, edits, count, &out, &e);
    printf("id_edit_apply: %.3f s, %zu edits\n", now_s() - start_s, count);
    if (!good) {
        fprintf(stderr, "%u:%u: %s\n", e.line, e.column, e.text);
    }
    buffer_clear(&out);
    free(edits);
    return good ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct error e = {0};
    CLEANUP(buffer_clear) struct buffer text = BUFFER(POLICY_FILE_MAX);
    if (argc != 2 || !file_read(argv[1], &text, NULL, &e)) {
        fprintf(stderr, "bench_policy_file_time: %s\n", argc != 2 ? "usage: FILE" : e.text);
        return argc != 2 ? 2 : 1;
    }
    double best_s = 1e9;
    struct policy_file file = {0};
    for (int run = 0; run < RUNS; run++) {
        policy_file_clear(&file);
        double start_s = now_s();
        if (!parse(argv[1], buffer_bytes(&text), &file)) {
            return 1;
        }
        double took_s = now_s() - start_s;
        best_s = took_s < best_s ? took_s : best_s;
    }
    printf("policy_file_parse: %.3f s, %zu domains, %zu octets\n", best_s, file.domain_count,
           text.n);
    int code = edit_all(buffer_bytes(&text), &file);
    policy_file_clear(&file);
    return code;
}
