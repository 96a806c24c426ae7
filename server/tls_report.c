#include "tls_report.h"

#include "lib/base/buffer.h"

enum { LIST_MAX = TLS_PARTS * (TLS_TRIAL_TEXT_MAX + 32) };

/* The parts that are in use, or those that are not, with the reason. */
static void list_parts(const struct tls_trial *trial, bool in_use, struct buffer *list)
{
    for (int part = 0; part < TLS_PARTS; part++) {
        if (tls_trial_uses(trial, (enum tls_part)part) == in_use) {
            buffer_add_string(list, list->n != 0 ? ", " : "");
            buffer_add_string(list, tls_part_name((enum tls_part)part));
            buffer_add_string(list, in_use ? "" : ": ");
            buffer_add_string(list, trial->why[part]);
        }
    }
}

static void tell(struct log *log, const struct tls_trial *trial)
{
    CLEANUP(buffer_clear) struct buffer ours = BUFFER(LIST_MAX);
    CLEANUP(buffer_clear) struct buffer slower = BUFFER(LIST_MAX);
    list_parts(trial, true, &ours);
    list_parts(trial, false, &slower);
    const struct log_field fields[] = {
        LOG_TEXT("openssl", trial->openssl),        LOG_TEXT("groups", trial->groups),
        LOG_TEXT("agreed", trial->group),           LOG_BYTES("ours", buffer_bytes(&ours)),
        LOG_BYTES("slower", buffer_bytes(&slower)),
    };
    bool all = slower.n == 0;
    log_fields(log, all ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING, "tls.library", fields,
               ARRAY_LENGTH(fields) - (all ? 1 : 0));
}

void tls_report_make(struct log *log, struct tls_report *ret_report)
{
    struct error e = {0};
    ret_report->known = tls_trial_make(&ret_report->trial, &e);
    if (ret_report->known) {
        tell(log, &ret_report->trial);
    } else {
        log_event(log, LOG_LEVEL_WARNING, "tls.library", LOG_TEXT("failure", e.text));
    }
}

json_t *tls_report_json(const struct tls_report *report)
{
    if (!report->known) {
        return json_null();
    }
    const struct tls_trial *trial = &report->trial;
    json_t *parts = json_object();
    json_t *slower = json_object();
    for (int i = 0; i < TLS_PARTS; i++) {
        enum tls_part part = (enum tls_part)i;
        bool uses = tls_trial_uses(trial, part);
        json_object_set_new(parts, tls_part_name(part), json_integer(uses ? 1 : 0));
        if (!uses) {
            json_object_set_new(slower, tls_part_name(part), json_string(trial->why[part]));
        }
    }
    return json_pack("{s:s,s:s,s:s,s:o,s:o}", "openssl", trial->openssl, "groups", trial->groups,
                     "agreed", trial->group, "ours", parts, "slower", slower);
}
