/* bench_memory_time FILES DOMAINS STATE: what the memory of what is served
 * (policies/memory/served_memory.h) costs for so many policy files with so many domains each, half
 * of which name a shared policy. It is made in the directory STATE, which has none. Seconds by the
 * clock. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "lib/base/file.h"
#include "number_argument.h"
#include "policies/files/version_record.h"
#include "policies/memory/served_memory.h"

enum { FILE_TEXT_MAX = 1 << 28, THREADS = 2, FILES_MAX = 10 * 1000 * 1000 };

struct bench {
    const char *state;
    uint64_t files;
    uint64_t domains;
    struct buffer *versions;
    int64_t *ids;
    size_t id_count;
    _Atomic size_t next;
    _Atomic size_t read; /* domains */
};

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void give_up(const struct error *e)
{
    (void)fprintf(stderr, "bench_memory_time: %s\n", e->text);
    exit(1); /* NOLINT(concurrency-mt-unsafe): the only thread that ends it */
}

static void tell(const char *what, double start_s)
{
    (void)printf("%-46s %8.3f s\n", what, now_s() - start_s);
}

/* --- What is remembered --- */

static void print_file(const struct bench *bench, size_t number, struct buffer *text)
{
    buffer_add_string(text, "policies:\n  google: {mode: enforce, mx: [aspmx.l.google.com], "
                            "max_age: 1w}\ndomains:\n");
    for (size_t i = 0; i < bench->domains; i++) {
        if (i % 2 == 0) {
            buffer_printf(text, "  tenant-%zu-%zu.example: google\n", number, i);
        } else {
            buffer_printf(text,
                          "  tenant-%zu-%zu.example: {mode: enforce, mx: [mx1.tenant-%zu-%zu"
                          ".example, \"*.backup.example\"], max_age: 1w}\n",
                          number, i, number, i);
        }
    }
}

static void make_version(struct bench *bench, size_t number)
{
    static const struct policy_file_defaults defaults = {.max_age_s = 604800};
    CLEANUP(buffer_clear) struct buffer text = BUFFER(FILE_TEXT_MAX);
    struct diagnostics d = {0};
    struct policy_file file;
    print_file(bench, number, &text);
    if (!policy_file_parse(buffer_bytes(&text), "bench", &defaults, &file, &d)) {
        diagnostics_print(&d, stderr);
        exit(1); /* NOLINT(concurrency-mt-unsafe): the only thread there is */
    }
    bench->versions[number] = BUFFER(VERSION_RECORD_MAX);
    version_record_add(&bench->versions[number], &file);
    policy_file_clear(&file);
}

/* --- Writing --- */

static struct served_memory *open_memory(const struct bench *bench)
{
    struct error e;
    char *news = NULL;
    struct served_memory *memory = NULL;
    if (!served_memory_open(bench->state, &memory, &news, &e)) {
        give_up(&e);
    }
    free(news);
    return memory;
}

static bool put(const struct bench *bench, struct served_memory *memory, size_t number,
                struct error *e)
{
    CLEANUP_FREE char *path = memory_printf("customers/%zu.yaml", number);
    const struct served_file file = {
        .entry = BYTES("policies.d"),
        .path = bytes_of(path),
        .identity = {.inode = number},
        .line_end = true,
    };
    return served_memory_put(memory, &file, buffer_bytes(&bench->versions[number]), e);
}

static void write_all(const struct bench *bench, struct served_memory *memory)
{
    struct error e;
    bool good = served_memory_begin(memory, &e) && served_memory_clear(memory, &e);
    for (size_t i = 0; good && i < bench->files; i++) {
        good = put(bench, memory, i, &e);
    }
    if (!good || !served_memory_commit(memory, &e)) {
        give_up(&e);
    }
}

static void write_one(const struct bench *bench, struct served_memory *memory)
{
    struct error e;
    size_t last = bench->files - 1;
    buffer_add_string(&bench->versions[last], "changed");
    if (!served_memory_begin(memory, &e) || !put(bench, memory, last, &e) ||
        !served_memory_commit(memory, &e)) {
        give_up(&e);
    }
    bench->versions[last].n -= sizeof("changed") - 1;
}

/* --- Reading --- */

static struct served_memory *open_reader(const struct bench *bench)
{
    struct error e;
    struct served_memory *memory = NULL;
    if (!served_memory_open_existing(bench->state, &memory, &e)) {
        give_up(&e);
    }
    return memory;
}

static void list_one(const struct served_file *file, void *context)
{
    struct bench *bench = context;
    bench->ids[bench->id_count++] = file->id;
}

static void *read_some(void *context)
{
    struct bench *bench = context;
    struct error e;
    struct served_memory *memory = open_reader(bench);
    CLEANUP(buffer_clear) struct buffer version = BUFFER(VERSION_RECORD_MAX);
    for (size_t i = atomic_fetch_add(&bench->next, 1); i < bench->id_count;
         i = atomic_fetch_add(&bench->next, 1)) {
        struct policy_file file;
        buffer_reset(&version);
        if (!served_memory_version(memory, bench->ids[i], &version, &e)) {
            give_up(&e);
        }
        if (version_record_read(buffer_bytes(&version), &file)) {
            atomic_fetch_add(&bench->read, file.domain_count);
            policy_file_clear(&file);
        }
    }
    served_memory_close(memory);
    return NULL;
}

static void read_all(struct bench *bench)
{
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        (void)pthread_create(&threads[i], NULL, read_some, bench);
    }
    for (size_t i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
}

static void list_all(struct bench *bench)
{
    struct error e;
    struct served_memory *memory = open_reader(bench);
    if (!served_memory_each(memory, list_one, bench, &e)) {
        give_up(&e);
    }
    served_memory_close(memory);
}

static void tell_size(const struct bench *bench)
{
    CLEANUP_FREE char *path = file_path_join(bench->state, "served.db");
    struct stat status;
    if (stat(path, &status) == 0) {
        (void)printf("%-46s %8.1f MB, %.0f octets a domain\n", "served.db",
                     (double)status.st_size / 1e6,
                     (double)status.st_size / (double)(bench->files * bench->domains));
    }
}

static void measure_writing(struct bench *bench)
{
    double start_s = now_s();
    struct served_memory *memory = open_memory(bench);
    write_all(bench, memory);
    tell("written afresh, on the disk", start_s);
    start_s = now_s();
    write_one(bench, memory);
    tell("one file changed", start_s);
    write_all(bench, memory);
    start_s = now_s();
    write_all(bench, memory);
    tell("the same again: what a start writes", start_s);
    served_memory_close(memory);
    start_s = now_s();
    served_memory_close(open_memory(bench));
    tell("opened for writing, looked through", start_s);
}

int main(int argc, char **argv)
{
    struct bench bench = {.state = argc == 4 ? argv[3] : NULL};
    if (argc != 4 || !read_number(argv[1], 1, FILES_MAX, &bench.files) ||
        !read_number(argv[2], 1, FILES_MAX, &bench.domains)) {
        (void)fprintf(stderr, "usage: bench_memory_time FILES DOMAINS STATE\n");
        return 2;
    }
    bench.versions = memory_zero(bench.files, sizeof(*bench.versions));
    bench.ids = memory_zero(bench.files, sizeof(*bench.ids));
    double start_s = now_s();
    for (size_t i = 0; i < bench.files; i++) {
        make_version(&bench, i);
    }
    tell("parsed, and made to records", start_s);
    measure_writing(&bench);
    start_s = now_s();
    list_all(&bench);
    tell("listed", start_s);
    start_s = now_s();
    read_all(&bench);
    tell("all versions read, by two threads", start_s);
    tell_size(&bench);
    return atomic_load(&bench.read) == bench.files * bench.domains ? 0 : 1;
}
