#include "panel_reply.h"

#include <string.h>

#include "lib/base/json_read.h"
#include "lib/base/safe_json.h"
#include "lib/base/safe_text.h"

static const char *const VERBS[] = {
    [PANEL_ADD] = "add",
    [PANEL_SET] = "set",
    [PANEL_REMOVE] = "remove",
    [PANEL_REMOVE_NOW] = "remove-now",
};

const char *panel_verb_name(enum panel_verb verb)
{
    return (size_t)verb < ARRAY_LENGTH(VERBS) ? VERBS[verb] : NULL;
}

bool panel_verb_parse(const char *name, enum panel_verb *ret_verb)
{
    for (size_t i = 0; name != NULL && i < ARRAY_LENGTH(VERBS); i++) {
        if (strcmp(name, VERBS[i]) == 0) {
            *ret_verb = (enum panel_verb)i;
            return true;
        }
    }
    return false;
}

json_t *panel_reply_made(const struct panel_edits *edits, const struct panel_edited *edited)
{
    json_t *domains = json_array();
    for (size_t i = 0; i < edited->count; i++) {
        json_array_append_new(domains,
                              json_pack("{s:s,s:s}", "domain", edits->items[i].domain.text,
                                        "outcome", panel_outcome_name(edited->items[i].outcome)));
    }
    return json_pack("{s:b,s:b,s:o}", "changed", (int)edited->changed, "made", (int)edited->made,
                     "domains", domains);
}

json_t *panel_reply_refused(const struct error *e)
{
    return json_pack("{s:{s:I,s:I,s:o}}", "refused", "line", (json_int_t)e->line, "column",
                     (json_int_t)e->column, "text", safe_json_text(e->text));
}

bool panel_reply_is_refused(const json_t *reply, struct error *e)
{
    const json_t *refused = json_object_get(reply, "refused");
    const char *text = json_text(refused, "text");
    if (refused == NULL) {
        return false;
    }
    *e = (struct error){.code = ERROR_CONFLICT,
                        .line = (unsigned)json_number(refused, "line"),
                        .column = (unsigned)json_number(refused, "column")};
    safe_text_cut_lines(bytes_of(text), sizeof(e->text) - SAFE_TEXT_ELLIPSIS_ROOM, e->text);
    return true;
}
