#include "json_view.h"

#include "lib/base/safe_json.h"

void json_view_print(json_t *document, FILE *out)
{
    safe_json_print(document, out);
    json_decref(document);
}

void json_view_print_list(const char *name, json_t *list)
{
    json_view_print(json_pack("{s:o}", name, list), stdout);
}

json_t *json_view_time(int64_t time_s)
{
    return time_s != 0 ? json_integer((json_int_t)time_s) : json_null();
}

json_t *json_view_mx(const struct policy *policy)
{
    json_t *patterns = json_array();
    struct bytes mx;
    for (size_t cursor = 0; policy_next_mx(policy, &cursor, &mx);) {
        json_array_append_new(patterns, json_stringn(mx.p, mx.n));
    }
    return patterns;
}
