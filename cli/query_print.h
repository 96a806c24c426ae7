/* What a sender must require of a domain's mail hosts, in the words of whoever asks. */
#ifndef CLI_QUERY_PRINT_H
#define CLI_QUERY_PRINT_H

#include <stdio.h>

#include "checks/sender_look_up.h"

/* For the option's row in the command table; the first is the default. */
#define QUERY_FORMATS "text|json|exim|postfix"

/* text     lines NAME: VALUE
 * json     one document
 * exim     one line of NAME=VALUE for ${extract}: mode, id and, where it enforces,
 *          ignore=LIST, a host list of what no mail may go to, for `ignore_target_hosts`; a remark
 *          is in the line as well, as Exim takes what goes to standard error for part of it
 * postfix  a line for a table of smtp_tls_policy_maps where the policy enforces, else nothing
 *
 * FORMAT is one of QUERY_FORMATS. False: it is none. */
bool query_print(const char *format, struct bytes domain, const struct sender_policy *found,
                 FILE *out) MUST_USE;

#endif
