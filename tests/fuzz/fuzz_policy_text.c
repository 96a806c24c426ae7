/* Whatever the text: what is taken for a policy has a safe form that reads back as itself, without
 * a warning of its own making, and is never larger than senders take. */
#include <stdint.h>
#include <stdlib.h>

#include "policies/model/policy_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(diagnostics_clear) struct diagnostics d = {0};
    struct policy *policy = NULL;
    bool valid = policy_text_parse((struct bytes){(const char *)data, size}, "input", &policy, &d);
    if (valid != (d.errors == 0) || valid != (policy != NULL)) {
        abort();
    }
    if (!valid) {
        return 0;
    }
    CLEANUP(diagnostics_clear) struct diagnostics again_d = {0};
    struct policy *again = NULL;
    if (policy->body_length > POLICY_BODY_MAX ||
        !policy_text_parse(policy_body(policy), "body", &again, &again_d) ||
        !policy_equal(policy, again) || again_d.count > d.count) {
        abort();
    }
    policy_free(again);
    policy_free(policy);
    return 0;
}
