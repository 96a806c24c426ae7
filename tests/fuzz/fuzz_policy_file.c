/* A valid policy file prints back, and what is printed says the same and prints as itself. */
#include <stdint.h>
#include <stdio.h>

#include "policies/files/policy_file.h"

/* NOLINTNEXTLINE(readability-identifier-naming): libFuzzer looks for this name */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct policy_file_defaults defaults = {.max_age_s = 604800};

static void expect(bool so, const char *what, int line)
{
    if (!so) {
        fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, line, what);
        abort();
    }
}
#define EXPECT(condition) expect((condition), #condition, __LINE__)

static void expect_same(const struct policy_file_entry *a, const struct policy_file_entry *b,
                        size_t count)
{
    for (size_t i = 0; i < count; i++) {
        EXPECT(bytes_equal(a[i].name, b[i].name));
        EXPECT(bytes_equal(a[i].shared, b[i].shared));
        EXPECT(bytes_equal(a[i].id, b[i].id));
        EXPECT(bytes_equal(a[i].tlsrpt, b[i].tlsrpt));
        EXPECT((a[i].policy == NULL) == (b[i].policy == NULL));
        EXPECT((a[i].mirror == NULL) == (b[i].mirror == NULL));
        EXPECT((a[i].policy == NULL) == (a[i].shared.n != 0 || a[i].mirror != NULL));
        EXPECT(a[i].mirror == NULL || policy_mirror_equal(a[i].mirror, b[i].mirror));
        EXPECT(a[i].mirror == NULL || a[i].mirror->mode != POLICY_NONE);
        EXPECT(a[i].policy == NULL || policy_equal(a[i].policy, b[i].policy));
        EXPECT(i == 0 || bytes_compare(a[i - 1].name, a[i].name) < 0);
    }
}

static void expect_reads_back(const struct policy_file *file)
{
    struct buffer printed = BUFFER(64 * 1024 * 1024);
    struct buffer again = BUFFER(64 * 1024 * 1024);
    struct diagnostics d = {0};
    struct policy_file other;
    policy_file_print(file, &printed);
    EXPECT(!printed.overflow);
    bool good = policy_file_parse(buffer_bytes(&printed), "printed", &defaults, &other, &d);
    if (!good) {
        diagnostics_print(&d, stderr);
        fputs(printed.p, stderr);
    }
    EXPECT(good);
    EXPECT(file->policy_count == other.policy_count);
    EXPECT(file->domain_count == other.domain_count);
    expect_same(file->policies, other.policies, file->policy_count);
    expect_same(file->domains, other.domains, file->domain_count);
    policy_file_print(&other, &again);
    EXPECT(bytes_equal(buffer_bytes(&printed), buffer_bytes(&again)));
    policy_file_clear(&other);
    buffer_clear(&printed);
    buffer_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct diagnostics d = {0};
    struct policy_file file;
    if (policy_file_parse((struct bytes){(const char *)data, size}, "fuzz", &defaults, &file, &d)) {
        EXPECT(d.errors == 0);
        expect_reads_back(&file);
        policy_file_clear(&file);
    } else {
        EXPECT(d.errors != 0);
    }
    diagnostics_clear(&d);
    return 0;
}
