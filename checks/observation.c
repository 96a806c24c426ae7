#include "observation.h"

#include <stdlib.h>

#include "policies/model/policy_text.h"

enum { HTTP_OK = 200 };

static void https_clear(struct observed_https *https)
{
    free(https->content_type);
    free(https->content_coding);
    free(https->location);
    buffer_clear(&https->body);
    policy_free(https->policy);
    diagnostics_clear(&https->remarks);
}

void observation_clear(struct observation *observation)
{
    dns_txt_set_clear(&observation->sts.texts);
    dns_txt_set_clear(&observation->tlsrpt.texts);
    for (size_t i = 0; i < observation->https_count; i++) {
        https_clear(&observation->https[i]);
    }
    free(observation->https);
    for (size_t i = 0; i < observation->mx_count; i++) {
        free(observation->mx[i].smtp);
    }
    free(observation->mx);
    *observation = (struct observation){.time_s = 0};
}

void observation_read_policy(struct observed_https *https)
{
    if (https->status != HTTP_OK) {
        return;
    }
    struct policy *policy = NULL;
    if (policy_text_parse(buffer_bytes(&https->body), "mta-sts.txt", &policy, &https->remarks)) {
        https->policy = policy;
    }
}

const struct policy *observation_policy(const struct observation *observation)
{
    for (size_t i = 0; i < observation->https_count; i++) {
        if (observation->https[i].policy != NULL) {
            return observation->https[i].policy;
        }
    }
    return NULL;
}
