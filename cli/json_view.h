/* JSON documents of commands: one writer for all of them. */
#ifndef CLI_JSON_VIEW_H
#define CLI_JSON_VIEW_H

#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "policies/model/policy.h"

/* DOCUMENT (taken), indented and safe for terminals (lib/base/safe_json.h). */
void json_view_print(json_t *document, FILE *out);
/* {NAME: LIST} (taken) on stdout. */
void json_view_print_list(const char *name, json_t *list);

/* 0 stands for "never", "none", which is null in JSON. */
json_t *json_view_time(int64_t time_s);
/* POLICY's mx patterns. */
json_t *json_view_mx(const struct policy *policy);

#endif
