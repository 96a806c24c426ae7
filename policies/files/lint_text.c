#include "lint_text.h"

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "policies/files/policy_lint.h"
#include "policies/model/mx_coverage.h"
#include "policies/model/policy_text.h"
#include "policies/model/sts_record.h"

static const char records_place[] = "--txt";

bool lint_hosts_parse(const char *const *texts, size_t count, struct lint_hosts *ret_hosts,
                      struct error *e)
{
    CLEANUP(lint_hosts_clear)
    struct lint_hosts hosts = {.items = memory_zero(count + 1, sizeof(hosts.items[0]))};
    for (; hosts.count < count; hosts.count++) {
        if (!dns_name_normalise(bytes_of(texts[hosts.count]), &hosts.items[hosts.count], e)) {
            return error_prefix(e, "--mx %s: ", dns_name_show(bytes_of(texts[hosts.count])).text);
        }
    }
    *ret_hosts = hosts;
    hosts.items = NULL;
    return true;
}

void lint_hosts_clear(struct lint_hosts *hosts)
{
    free(hosts->items);
    *hosts = (struct lint_hosts){.count = 0};
}

bool lint_is_text(const char *path)
{
    return bytes_ends_with(bytes_of(path), BYTES(".txt"));
}

static void lint_coverage(const struct policy *policy, const char *path,
                          const struct lint_hosts *hosts, struct diagnostics *d)
{
    CLEANUP(mx_coverage_clear) struct mx_coverage coverage;
    mx_coverage_find(policy, hosts->items, hosts->count, &coverage);
    for (size_t i = 0; i < coverage.host_count; i++) {
        if (!coverage.hosts[i].covered) {
            diagnostics_add(d, SEVERITY_ERROR, path, 0, 0,
                            "%.*s matches no mx pattern, and senders pass it over under enforce; "
                            "add it, and publish a new id before mail is led there",
                            BYTES_ARG(coverage.hosts[i].name));
        }
    }
    for (size_t i = 0; i < coverage.pattern_count; i++) {
        if (!coverage.patterns[i].used) {
            diagnostics_add(d, SEVERITY_WARNING, path, 0, 0,
                            "mx: %.*s matches none of the hosts; correct it, or remove it when no "
                            "mail goes there any more",
                            BYTES_ARG(coverage.patterns[i].text));
        }
    }
}

void lint_text(const char *path, const struct lint_hosts *hosts, struct diagnostics *d)
{
    struct error e;
    CLEANUP(buffer_clear) struct buffer text = BUFFER(POLICY_BODY_MAX);
    if (!file_read(path, &text, NULL, &e)) {
        diagnostics_add_error(d, path, &e);
        return;
    }
    struct policy *policy = NULL;
    if (policy_text_parse(buffer_bytes(&text), path, &policy, d)) {
        policy_lint_one(policy, BYTES(""), path, 0, 0, clock_wall_s(), d);
        if (hosts->count != 0 && policy->mode != POLICY_NONE) {
            lint_coverage(policy, path, hosts, d);
        }
        policy_free(policy);
    }
}

/* Records of other kinds may stand at the name: senders pass them over. One alone was meant. */
static void lint_record(struct bytes text, unsigned line, bool alone, struct diagnostics *d)
{
    struct error e;
    struct sts_record record;
    if (!sts_record_is_one(text) && !alone) {
        diagnostics_add(d, SEVERITY_WARNING, records_place, line, 1,
                        "\"%s\" is no STSv1 record: senders pass it over, but some readers join "
                        "all texts at a name; move it elsewhere",
                        dns_name_show(text).text);
        return;
    }
    if (!sts_record_parse(text, &record, &e)) {
        e.line = line;
        diagnostics_add_error(d, records_place, &e);
        return;
    }
    const char *doubt = sts_record_doubt(&record);
    if (doubt != NULL) {
        diagnostics_add(d, SEVERITY_WARNING, records_place, line, 1, "%s", doubt);
    }
}

void lint_records(const char *const *texts, size_t count, struct diagnostics *d)
{
    CLEANUP_FREE struct bytes *views = memory_zero(count, sizeof(views[0]));
    for (size_t i = 0; i < count; i++) {
        views[i] = bytes_of(texts[i]);
        lint_record(views[i], (unsigned)i + 1, count == 1, d);
    }
    struct error e;
    struct sts_record record;
    if (!sts_record_choose(views, count, &record, &e) &&
        (e.code == ERROR_CONFLICT || (e.code == ERROR_NOT_FOUND && count > 1))) {
        diagnostics_add_error(d, records_place, &e); /* of all together */
    }
}
