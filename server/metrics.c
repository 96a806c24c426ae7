#include "metrics.h"

#include <inttypes.h>
#include <string.h>

#include "lib/base/memory.h"
#include "server/attention.h"

#define PREFIX "mtasts_host_"

/* One number of the answer. */
struct metric {
    const char *name;
    const char *type; /* "gauge", "counter"; or a gauge of the seconds until then ("moment"), or
                           since then ("age") */
    const char *about;
    const char *object; /* the member that it is in; NULL: the answer itself */
    const char *key;    /* NULL: each member of the object is a sample … */
    const char *label;  /* … and its name the value of this label */
    const char *inner;  /* each member of a member is, and its name the value of this one */
};

static const struct metric METRICS[] = {
    {"start_time_seconds", "gauge", "When the server started, in seconds since 1970.", NULL,
     "started", NULL, NULL},
    {"uptime_seconds", "gauge", "Seconds since the server started.", NULL, "uptime_s", NULL, NULL},
    {"loading_certificates", "gauge", "Certificates that the first load has read.", "loading",
     "certificates", NULL, NULL},
    {"loading_certificates_found", "gauge", "Certificates that the first load has found.",
     "loading", "certificates_total", NULL, NULL},
    {"domains", "gauge", "Domains whose policy is served.", NULL, "domains", NULL, NULL},
    {"shared_policies", "gauge", "Policies that several domains may use.", NULL, "shared_policies",
     NULL, NULL},
    {"files", "gauge", "Policy files.", NULL, "files", NULL, NULL},
    {"files_in_error", "gauge", "Policy files in error: their last good policies are served.", NULL,
     "files_in_error", NULL, NULL},
    {"files_without_good", "gauge", "Of these, that have nothing good in their place.", NULL,
     "files_without_good", NULL, NULL},
    {"removals_held", "gauge", "Domains whose removal is held.", NULL, "removals_held", NULL, NULL},
    {"files_still_open", "gauge",
     "Policy files that take something away and may not be whole: that is held.", NULL,
     "files_still_open", NULL, NULL},
    {"certificates", "gauge", "Certificates that were read from files.", NULL, "certificates", NULL,
     NULL},
    {"certificates_in_error", "gauge",
     "Certificates from files in error: their last good ones are served.", NULL,
     "certificates_in_error", NULL, NULL},
    {"certificates_ending", "gauge",
     "Certificates from files and by ACME that end within so many days; 0: that have ended.",
     "certificates_ending", NULL, "days", NULL},
    {"certificates_nearest_expiry_seconds", "moment",
     "Seconds until the first certificate ends, from a file or by ACME.", NULL, "nearest_expiry",
     NULL, NULL},
    {"names_with_certificate", "gauge",
     "Names that are served and have a certificate, from a file or by ACME.", NULL,
     "names_with_certificate", NULL, NULL},
    {"names_without_certificate", "gauge", "Names that are served and have no certificate.", NULL,
     "names_without_certificate_count", NULL, NULL},
    {"left_early", "gauge",
     "Domains that are served no more while senders may hold a policy of theirs.", NULL,
     "left_early_total", NULL, NULL},
    {"reloads_total", "counter", "Reloads.", NULL, "reloads", NULL, NULL},
    {"config_last_reload_successful", "gauge",
     "Whether the main configuration was without an error when it was read last.", NULL,
     "configuration_good", NULL, NULL},
    {"config_last_reload_success_timestamp_seconds", "gauge",
     "When it was read last without an error, in seconds since 1970.", NULL, "configured", NULL,
     NULL},
    {"requests_total", "counter", "HTTP requests.", NULL, "requests", NULL, NULL},
    {"answers_total", "counter", "Answers to them, by protocol and status.", "answers", NULL,
     "protocol", "status"},
    {"handshakes_total", "counter", "TLS handshakes, by how they ended.", "handshakes", NULL,
     "outcome", NULL},
    {"connections", "gauge", "Connections that are open.", "connections", "current", NULL, NULL},
    {"connections_accepted_total", "counter", "Connections that were accepted.", "connections",
     "accepted", NULL, NULL},
    {"connections_refused_total", "counter", "Connections that a limit refused.", "connections",
     "refused", NULL, NULL},
    {"connections_ended_total", "counter",
     "Connections refused or ended by a limit, or for a fault.", "connections.ended", NULL,
     "reason", NULL},
    {"connections_held_octets", "gauge", "Memory that requests and answers under way hold.",
     "connections", "held", NULL, NULL},
    {"tls_part_in_use", "gauge",
     "1 for what is done here in OpenSSL's place, 0 where it is not: handshakes are slower.",
     "tls.ours", NULL, "part", NULL},
    {"mirrors", "gauge", "Providers whose policies are followed.", "mirror", "followed", NULL,
     NULL},
    {"mirrors_failing", "gauge", "Of those, whose last look failed.", "mirror", "failing", NULL,
     NULL},
    {"mirrors_unknown", "gauge", "Of those, whose policy was never fetched.", "mirror", "unknown",
     NULL, NULL},
    {"mirrors_oldest_seconds", "age",
     "Of those that were, since when the one was fetched that was longest ago.", "mirror", "oldest",
     NULL, NULL},
    {"acme_hosts", "gauge", "Names that are to have a certificate by ACME, by state.", "acme.hosts",
     NULL, "state", NULL},
    {"acme_orders_placed_total", "counter", "Orders placed at CAs.", "acme", "orders_placed", NULL,
     NULL},
    {"acme_orders_done_total", "counter", "Orders that gave a certificate.", "acme", "orders_done",
     NULL, NULL},
    {"acme_orders_failed_total", "counter", "Orders that failed.", "acme", "orders_failed", NULL,
     NULL},
    {"acme_renewals_total", "counter", "Orders done that renewed a certificate.", "acme",
     "renewals", NULL, NULL},
    {"acme_failures_total", "counter", "Failures by type, in the CA's words or ours.",
     "acme.failures", NULL, "type", NULL},
    {"acme_nearest_expiry_seconds", "moment", "Seconds until the first certificate by ACME ends.",
     "acme", "nearest_expiry", NULL, NULL},
};

static void print_head(const char *name, const char *type, const char *about, struct buffer *out)
{
    buffer_printf(out, "# HELP " PREFIX "%s %s\n# TYPE " PREFIX "%s %s\n", name, about, name, type);
}

/* NULL where it is not in the answer. */
static const json_t *object_of(const json_t *status, const char *path)
{
    if (path == NULL) {
        return status;
    }
    struct bytes first = {path, strcspn(path, ".")};
    CLEANUP_FREE char *name = memory_string_of(first);
    const json_t *object = json_object_get(status, name);
    return path[first.n] == '.' ? object_of(object, path + first.n + 1) : object;
}

/* As a label's value is written: backslash and quote escaped; there is no newline in it. */
static void print_label(const char *value, struct buffer *out)
{
    for (; *value != '\0'; value++) {
        if (*value == '\\' || *value == '"') {
            buffer_add(out, BYTES("\\"));
        }
        buffer_add(out, (struct bytes){value, 1});
    }
}

static void print_sample(const struct metric *metric, const char *outer, const char *member,
                         json_int_t value, struct buffer *out)
{
    buffer_printf(out, PREFIX "%s{%s=\"", metric->name, metric->label);
    print_label(outer, out);
    if (metric->inner != NULL) {
        buffer_printf(out, "\",%s=\"", metric->inner);
        print_label(member, out);
    }
    buffer_printf(out, "\"} %lld\n", value);
}

static void print_samples(const struct metric *metric, json_t *object, struct buffer *out)
{
    const char *outer = NULL;
    const char *member = NULL;
    json_t *value = NULL;
    json_t *count = NULL;
    json_object_foreach(object, outer, value)
    {
        if (metric->inner == NULL) {
            print_sample(metric, outer, "", json_integer_value(value), out);
        }
        json_object_foreach(value, member, count)
        {
            print_sample(metric, outer, member, json_integer_value(count), out);
        }
    }
}

/* Seconds from NOW_S to a moment, or since it: below zero where it is past, for that is what an
 * alert is for. No moment is 0. */
static void print_moment(const struct metric *metric, const json_t *object, int64_t now_s,
                         struct buffer *out)
{
    json_int_t moment_s = json_integer_value(json_object_get(object, metric->key));
    if (moment_s != 0) {
        print_head(metric->name, "gauge", metric->about, out);
        int64_t until_s = (int64_t)moment_s - now_s;
        buffer_printf(out, PREFIX "%s %" PRId64 "\n", metric->name,
                      strcmp(metric->type, "age") == 0 ? -until_s : until_s);
    }
}

static void print_metric(const struct metric *metric, const json_t *status, int64_t now_s,
                         struct buffer *out)
{
    const json_t *object = object_of(status, metric->object);
    if (metric->label != NULL) {
        if (json_is_object(object)) {
            print_head(metric->name, metric->type, metric->about, out);
            print_samples(metric, (json_t *)object, out);
        }
        return;
    }
    if (strcmp(metric->type, "moment") == 0 || strcmp(metric->type, "age") == 0) {
        print_moment(metric, object, now_s, out);
        return;
    }
    const json_t *value = json_object_get(object, metric->key);
    if (json_is_integer(value)) {
        print_head(metric->name, metric->type, metric->about, out);
        buffer_printf(out, PREFIX "%s %lld\n", metric->name, json_integer_value(value));
    }
}

static void print_state(const json_t *status, struct buffer *out)
{
    static const char *const STATES[] = {"loading", "serving", "stopping"};
    const char *state = json_string_value(json_object_get(status, "state"));
    if (state == NULL) {
        return;
    }
    print_head("state", "gauge", "1 for what the server is doing.", out);
    for (size_t i = 0; i < ARRAY_LENGTH(STATES); i++) {
        buffer_printf(out, PREFIX "state{state=\"%s\"} %d\n", STATES[i],
                      strcmp(state, STATES[i]) == 0);
    }
}

/* 0 where CODE is not in LIST. */
static json_int_t attention_count(const json_t *list, const char *code)
{
    size_t i = 0;
    const json_t *item = NULL;
    json_array_foreach(list, i, item)
    {
        const char *its = json_string_value(json_object_get(item, "code"));
        if (its != NULL && strcmp(its, code) == 0) {
            return json_integer_value(json_object_get(item, "count"));
        }
    }
    return 0;
}

/* All codes, so that an alert has something to compare with from the start. */
static void print_attention(const json_t *status, struct buffer *out)
{
    const json_t *list = json_object_get(status, "attention");
    if (!json_is_array(list)) {
        return; /* an older server */
    }
    print_head("attention", "gauge", "What wants a person: of how many; 0: of none.", out);
    for (int i = 0; i < ATTENTION_CODES; i++) {
        const char *code = attention_name((enum attention_code)i);
        buffer_printf(out, PREFIX "attention{code=\"%s\"} %lld\n", code,
                      attention_count(list, code));
    }
}

static void print_build(const json_t *status, struct buffer *out)
{
    const char *version = json_string_value(json_object_get(status, "version"));
    if (version != NULL) {
        print_head("build_info", "gauge", "1; the label says which version this is.", out);
        buffer_add_string(out, PREFIX "build_info{version=\"");
        print_label(version, out);
        buffer_add_string(out, "\"} 1\n");
    }
}

void metrics_text(const json_t *status, int64_t now_s, struct buffer *out)
{
    print_build(status, out);
    print_state(status, out);
    print_attention(status, out);
    for (size_t i = 0; i < ARRAY_LENGTH(METRICS); i++) {
        print_metric(&METRICS[i], status, now_s, out);
    }
}
