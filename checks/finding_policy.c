/* Of what the policy host answers, and what the policy says. */
#include "checks/finding_parts.h"

const struct finding_facts finding_policy_kinds[] = {
    /* FINDING_POLICY_REDIRECT, which the others count from. */
    [0] = {.code = "policy-redirect",
           .severity = FINDING_ERROR,
           .title = "the policy host answers by a redirect",
           .why = "senders must not follow it: they get no policy",
           .advice = "serve the policy at its own address",
           .rfc = "RFC 8461, section 3.3"},
    [FINDING_POLICY_NOT_FOUND -
        FINDING_POLICY_REDIRECT] = {.code = "policy-not-found",
                                    .severity = FINDING_ERROR,
                                    .title = "the policy host has no policy",
                                    .why = "senders see that there should be one and cannot fetch "
                                           "it: the domain is not protected",
                                    .advice = "serve it at /.well-known/mta-sts.txt",
                                    .rfc = "RFC 8461, section 3.3"},
    [FINDING_POLICY_SERVER_ERROR -
        FINDING_POLICY_REDIRECT] = {.code = "policy-server-error",
                                    .severity = FINDING_ERROR,
                                    .title = "the policy host answers that it failed",
                                    .why = "senders get no policy",
                                    .advice = "look at the server and at what is behind it",
                                    .rfc = "RFC 8461, section 3.3"},
    [FINDING_POLICY_STATUS -
        FINDING_POLICY_REDIRECT] = {.code = "policy-status",
                                    .severity = FINDING_ERROR,
                                    .title = "the policy host answers by a status other than 200",
                                    .why = "senders take 200 alone: they get no policy",
                                    .advice =
                                        "answer by 200, without a login or a check for robots",
                                    .rfc = "RFC 8461, section 3.3"},
    [FINDING_POLICY_CONTENT_TYPE - FINDING_POLICY_REDIRECT] =
        {.code = "policy-content-type",
         .severity = FINDING_ERROR,
         .title = "the policy is not of type text/plain",
         .why = "postfix-mta-sts-resolver, postfix-tlspol, KumoMTA and Maddy refuse it",
         .advice = "serve it as text/plain",
         .rfc = "RFC 8461, section 3.2"},
    [FINDING_POLICY_CONTENT_TYPE_FORM -
        FINDING_POLICY_REDIRECT] = {.code = "policy-content-type-form",
                                    .severity = FINDING_WARNING,
                                    .title = "the content type is not written text/plain",
                                    .why = "KumoMTA compares it literally, in lower case",
                                    .advice = "write it text/plain, in lower case",
                                    .rfc = "RFC 8461, section 3.2"},
    [FINDING_POLICY_CONTENT_CODED - FINDING_POLICY_REDIRECT] =
        {.code = "policy-content-coded",
         .severity = FINDING_ERROR,
         .title = "the policy comes compressed, to clients that ask for none of that",
         .why =
             "only mox, postfix-tlspol and postfix-mta-sts-resolver decode gzip; others read the "
             "compressed octets, and refuse them",
         .advice = "switch compression off for /.well-known/mta-sts.txt",
         .rfc = "RFC 9110, section 12.5.3"},
    [FINDING_POLICY_TOO_LONG - FINDING_POLICY_REDIRECT] =
        {.code = "policy-too-long",
         .severity = FINDING_ERROR,
         .title = "the policy is over 64 KiB",
         .why = "senders refuse it",
         .advice =
             "name fewer mx, or patterns with a star; look whether the answer is a policy at all",
         .rfc = "RFC 8461, section 3.3"},
    [FINDING_POLICY_SLOW - FINDING_POLICY_REDIRECT] =
        {.code = "policy-slow",
         .severity = FINDING_WARNING,
         .title = "the policy host takes over 2 s to answer",
         .why = "postfix-tlspol gives up after 2 s, postfix-mta-sts-resolver after 4",
         .advice = "see what it waits for",
         .rfc = "RFC 8461, section 3.3"},
    [FINDING_POLICY_EMPTY - FINDING_POLICY_REDIRECT] = {.code = "policy-empty",
                                                        .severity = FINDING_ERROR,
                                                        .title = "the policy is empty",
                                                        .why = "senders refuse it",
                                                        .advice = "serve the policy",
                                                        .rfc = "RFC 8461, section 3.2"},
    [FINDING_POLICY_INVALID - FINDING_POLICY_REDIRECT] =
        {.code = "policy-invalid",
         .severity = FINDING_ERROR,
         .title = "the policy breaks the grammar",
         .why = "senders refuse it, some or all of them: the domain is not protected",
         .advice = "correct it; \"mtasts-host lint FILE.txt\" tells all",
         .rfc = "RFC 8461, section 3.2"},
    [FINDING_POLICY_RISKY - FINDING_POLICY_REDIRECT] =
        {.code = "policy-risky",
         .severity = FINDING_WARNING,
         .title = "the policy is valid, but some sender reads it otherwise",
         .why = "the sender that is named refuses it, or takes something else",
         .advice = "write it as is said",
         .rfc = "RFC 8461, section 3.2"},
    [FINDING_POLICY_LINE_ENDS -
        FINDING_POLICY_REDIRECT] = {.code = "policy-line-ends",
                                    .severity = FINDING_NOTE,
                                    .title = "lines of the policy end in LF instead of CRLF",
                                    .why = "senders take both, some public checkers complain",
                                    .advice = "end each line in CRLF",
                                    .rfc = "RFC 8461, section 3.2"},
    [FINDING_MODE_TESTING - FINDING_POLICY_REDIRECT] =
        {.code = "mode-testing",
         .severity = FINDING_NOTE,
         .title = "the policy is in testing",
         .why =
             "senders report what fails and deliver all the same: an attacker is seen, not stopped",
         .advice =
             "when reports and check are clean, set mode: enforce, raise max_age, and bump the id",
         .rfc = "RFC 8461, section 5"},
    [FINDING_MODE_NONE - FINDING_POLICY_REDIRECT] =
        {.code = "mode-none",
         .severity = FINDING_WARNING,
         .title = "the policy is none",
         .why = "senders drop what they knew of the domain: it is not protected",
         .advice = "where that is not meant, set testing or enforce; where it is, "
                   "record and host may go when the old policy's max_age is over",
         .rfc = "RFC 8461, section 8.3"},
    [FINDING_MAX_AGE_SHORT - FINDING_POLICY_REDIRECT] =
        {.code = "max-age-short",
         .severity = FINDING_WARNING,
         .title = "max_age is under a day",
         .why = "senders that write rarely forget the policy in between, and "
                "ask anew: who can block that, takes the protection away",
         .advice = "raise it to a week or more",
         .rfc = "RFC 8461, section 3.2"},
    [FINDING_MAX_AGE_LONG -
        FINDING_POLICY_REDIRECT] = {.code = "max-age-long",
                                    .severity = FINDING_NOTE,
                                    .title = "max_age is over half a year",
                                    .why =
                                        "a mistake in the policy may stay with senders that long",
                                    .advice = "a week to some months does as well",
                                    .rfc = "RFC 8461, section 8.1"},
    [FINDING_POLICY_NOT_OURS -
        FINDING_POLICY_REDIRECT] = {.code = "policy-not-ours",
                                    .severity = FINDING_ERROR,
                                    .title = "another policy is served than our configuration has",
                                    .why = "senders go by what is served, whatever was edited here",
                                    .advice = "see which server mta-sts.DOMAIN leads to; "
                                              "\"mtasts-host status\" tells what ours serves"},
    [FINDING_ID_NOT_OURS -
        FINDING_POLICY_REDIRECT] = {.code = "id-not-ours",
                                    .severity = FINDING_ERROR,
                                    .title =
                                        "the id in the DNS is not the one of our configuration",
                                    .why = "senders that know the policy do not hear of the change",
                                    .advice = "publish what \"mtasts-host record DOMAIN\" prints",
                                    .rfc = "RFC 8461, section 3.1"},
    [FINDING_ID_UNTIED - FINDING_POLICY_REDIRECT] =
        {.code = "id-untied",
         .severity = FINDING_NOTE,
         .title = "our policy has an id that was written by hand",
         .why = "nothing shows when the policy changes and the id does not",
         .advice = "\"mtasts-host bump-id\" writes ids that prove which policy they name",
         .rfc = "RFC 8461, section 3.1"},
};
