#include "init_live.h"

#include <stdio.h>

#include "policies/model/policy_fetch.h"
#include "policies/model/policy_text.h"

struct policy *init_live_policy(struct bytes domain, const struct dns_resolver *resolver)
{
    struct error e;
    struct policy_fetch_options options = {.resolver = resolver};
    CLEANUP(buffer_clear) struct buffer text = BUFFER(POLICY_BODY_MAX);
    if (!policy_fetch(domain, &options, &text, &e)) {
        if (e.code != ERROR_NOT_FOUND) {
            fprintf(stderr, "The live policy cannot be read, as senders cannot: %s\n", e.text);
        }
        return NULL;
    }
    CLEANUP(diagnostics_clear) struct diagnostics d = {0};
    CLEANUP_FREE char *place =
        memory_printf("https://mta-sts.%.*s/.well-known/mta-sts.txt", BYTES_ARG(domain));
    struct policy *policy = NULL;
    bool valid = policy_text_parse(buffer_bytes(&text), place, &policy, &d);
    diagnostics_print(&d, stderr);
    return valid ? policy : NULL;
}
