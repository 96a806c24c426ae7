#include "lib/base/safe_json.h"
#include "server/status.h"

static json_t *row_json(const struct mirror_status_row *row)
{
    return json_pack("{s:s,s:s?,s:s?,s:I,s:I,s:I,s:I,s:o,s:o}", "domain", row->domain, "mode",
                     row->has_policy ? policy_mode_name(row->mode) : NULL, "id",
                     row->has_policy ? row->id.text : NULL, "fetched", (json_int_t)row->fetched_s,
                     "looked", (json_int_t)row->looked_s, "next", (json_int_t)row->next_s,
                     "failures", (json_int_t)row->failures, "problem", safe_json_text(row->problem),
                     "doubt", safe_json_text(row->doubt));
}

json_t *status_mirror(const struct mirror_status *mirror)
{
    if (mirror == NULL) {
        return json_null();
    }
    size_t failing = 0;
    size_t unknown = 0;
    int64_t oldest_s = 0;
    json_t *rows = json_array();
    for (size_t i = 0; i < mirror->count; i++) {
        failing += mirror->rows[i].failures != 0;
        unknown += !mirror->rows[i].has_policy;
        bool is_older = oldest_s == 0 || mirror->rows[i].fetched_s < oldest_s;
        oldest_s = mirror->rows[i].has_policy && is_older ? mirror->rows[i].fetched_s : oldest_s;
        json_array_append_new(rows, row_json(&mirror->rows[i]));
    }
    return json_pack("{s:I,s:I,s:I,s:I,s:o}", "followed", (json_int_t)mirror->count, "failing",
                     (json_int_t)failing, "unknown", (json_int_t)unknown, "oldest",
                     (json_int_t)oldest_s, "upstreams", rows);
}
