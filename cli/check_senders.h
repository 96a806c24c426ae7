/* The sender matrix of `check --senders`, for people and for programs. */
#ifndef CLI_CHECK_SENDERS_H
#define CLI_CHECK_SENDERS_H

#include <stdio.h>

#include <jansson.h>

#include "checks/observation.h"

/* A line for each sender, indented as findings are: its verdict, and why. */
void check_senders_print(const struct observation *observation, FILE *out);

/* [{"sender", "verdict", "reason"}]; the caller frees with json_decref. */
json_t *check_senders_json(const struct observation *observation);

#endif
