/* A copy of a mirrored policy that is read prints as one that says the same, and never holds what
 * could not be served. */
#include <stdint.h>
#include <stdio.h>

#include "policies/files/mirror_copy.h"

/* NOLINTNEXTLINE(readability-identifier-naming): libFuzzer looks for this name */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool so, const char *what, int line)
{
    if (!so) {
        fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, line, what);
        abort();
    }
}
#define EXPECT(condition) expect((condition), #condition, __LINE__)

static void expect_capped(const struct policy *upstream)
{
    const struct policy_mirror mirror = {.mode = POLICY_TESTING};
    struct policy *served = policy_mirror_render(&mirror, upstream);
    EXPECT(served->mode != POLICY_ENFORCE);
    EXPECT(served->max_age_s == upstream->max_age_s);
    EXPECT(upstream->mode == POLICY_ENFORCE || policy_equal(served, upstream));
    policy_free(served);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error e = {0};
    struct mirror_copy copy = {0};
    struct mirror_copy again = {0};
    struct buffer printed = BUFFER(1024 * 1024);
    if (!mirror_copy_parse((struct bytes){(const char *)data, size}, "fuzz", &copy, &e)) {
        EXPECT(copy.policy == NULL && e.code == ERROR_SYNTAX && e.text[0] != '\0');
        return 0;
    }
    EXPECT(policy_id_is_valid(bytes_of(copy.id.text)) && copy.fetched_s >= 0);
    mirror_copy_print(&copy, &printed);
    EXPECT(!printed.overflow);
    EXPECT(mirror_copy_parse(buffer_bytes(&printed), "printed", &again, &e));
    EXPECT(policy_equal(copy.policy, again.policy));
    EXPECT(strcmp(copy.id.text, again.id.text) == 0 && copy.fetched_s == again.fetched_s);
    expect_capped(copy.policy);
    mirror_copy_clear(&copy);
    mirror_copy_clear(&again);
    buffer_clear(&printed);
    return 0;
}
