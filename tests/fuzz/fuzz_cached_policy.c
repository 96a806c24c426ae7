/* A policy that a sender kept: what is read prints to the same octets, and no time makes it hold
 * past its max_age. */
#include <stdint.h>
#include <stdlib.h>

#include "policies/model/cached_policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void check_times(const struct cached_policy *cached)
{
    int64_t end_s = cached->fetched_s + (int64_t)cached->policy->max_age_s;
    require(!cached_policy_holds(cached, end_s));
    require(cached->policy->max_age_s == 0 || cached_policy_holds(cached, end_s - 1));
    require(cached->policy->max_age_s == 0 || cached_policy_holds(cached, cached->fetched_s));
    require(!cached_policy_pauses(cached, cached->tried_s + CACHED_POLICY_PAUSE_S));
    require(cached_policy_is_old(cached, end_s));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = {(const char *)data, size};
    struct bytes domain = BYTES("example.org");
    struct error e = {0};
    struct cached_policy cached;
    if (!cached_policy_parse(text, domain, &cached, &e)) {
        require(e.code == ERROR_SYNTAX);
        return 0;
    }
    CLEANUP(buffer_clear) struct buffer printed = BUFFER(CACHED_POLICY_TEXT_MAX);
    cached_policy_print(&cached, domain, &printed);
    require(!printed.overflow && bytes_equal(buffer_bytes(&printed), text));
    check_times(&cached);
    cached_policy_clear(&cached);
    return 0;
}
