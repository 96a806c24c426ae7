#include <inttypes.h>
#include <string.h>

#include "cli/status_view.h"
#include "lib/base/memory.h"
#include "server/attention.h"

#define PREFIX "mtasts_host_"

/* One number of the answer. */
struct metric {
    const char *name;
    const char *type; /* "gauge", "counter", or "moment": a gauge of the seconds until then */
    const char *about;
    const char *object; /* the member that it is in; NULL: the answer itself */
    const char *key;    /* NULL: each member of the object is a sample … */
    const char *label;  /* … and its name the value of this label */
};

static const struct metric METRICS[] = {
    {"uptime_seconds", "gauge", "Seconds since the server started.", NULL, "uptime_s", NULL},
    {"loading_certificates", "gauge", "Certificates that the first load has read.", "loading",
     "certificates", NULL},
    {"loading_certificates_found", "gauge", "Certificates that the first load has found.",
     "loading", "certificates_total", NULL},
    {"domains", "gauge", "Domains whose policy is served.", NULL, "domains", NULL},
    {"shared_policies", "gauge", "Policies that several domains may use.", NULL, "shared_policies",
     NULL},
    {"files", "gauge", "Policy files.", NULL, "files", NULL},
    {"files_in_error", "gauge", "Policy files in error: their last good policies are served.", NULL,
     "files_in_error", NULL},
    {"removals_held", "gauge", "Domains whose removal is held.", NULL, "removals_held", NULL},
    {"files_still_open", "gauge",
     "Policy files that take something away and may not be whole: that is held.", NULL,
     "files_still_open", NULL},
    {"certificates", "gauge", "Certificates that were read from files.", NULL, "certificates",
     NULL},
    {"certificates_in_error", "gauge",
     "Certificates from files in error: their last good ones are served.", NULL,
     "certificates_in_error", NULL},
    {"certificates_ending", "gauge",
     "Certificates from files and by ACME that end within so many days; 0: that have ended.",
     "certificates_ending", NULL, "days"},
    {"certificates_nearest_expiry_seconds", "moment",
     "Seconds until the first certificate from a file ends.", NULL, "certificates_nearest_expiry",
     NULL},
    {"names_without_certificate", "gauge", "Names that are served and have no certificate.", NULL,
     "names_without_certificate_count", NULL},
    {"reloads_total", "counter", "Reloads.", NULL, "reloads", NULL},
    {"requests_total", "counter", "HTTP requests.", NULL, "requests", NULL},
    {"connections", "gauge", "Connections that are open.", "connections", "current", NULL},
    {"connections_accepted_total", "counter", "Connections that were accepted.", "connections",
     "accepted", NULL},
    {"connections_refused_total", "counter", "Connections that a limit refused.", "connections",
     "refused", NULL},
    {"connections_ended_total", "counter",
     "Connections refused or ended by a limit, or for a fault.", "connections.ended", NULL,
     "reason"},
    {"connections_held_octets", "gauge", "Memory that requests and answers under way hold.",
     "connections", "held", NULL},
    {"tls_part_in_use", "gauge",
     "1 for what is done here in OpenSSL's place, 0 where it is not: handshakes are slower.",
     "tls.ours", NULL, "part"},
    {"mirrors", "gauge", "Providers whose policies are followed.", "mirror", "followed", NULL},
    {"mirrors_failing", "gauge", "Of those, whose last look failed.", "mirror", "failing", NULL},
    {"mirrors_unknown", "gauge", "Of those, whose policy was never fetched.", "mirror", "unknown",
     NULL},
    {"acme_hosts", "gauge", "Names that are to have a certificate by ACME, by state.", "acme.hosts",
     NULL, "state"},
    {"acme_orders_placed_total", "counter", "Orders placed at CAs.", "acme", "orders_placed", NULL},
    {"acme_orders_done_total", "counter", "Orders that gave a certificate.", "acme", "orders_done",
     NULL},
    {"acme_orders_failed_total", "counter", "Orders that failed.", "acme", "orders_failed", NULL},
    {"acme_renewals_total", "counter", "Orders done that renewed a certificate.", "acme",
     "renewals", NULL},
    {"acme_failures_total", "counter", "Failures by type, in the CA's words or ours.",
     "acme.failures", NULL, "type"},
    {"acme_nearest_expiry_seconds", "moment", "Seconds until the first certificate by ACME ends.",
     "acme", "nearest_expiry", NULL},
};

static void print_head(const char *name, const char *type, const char *about, FILE *out)
{
    fprintf(out, "# HELP " PREFIX "%s %s\n# TYPE " PREFIX "%s %s\n", name, about, name, type);
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
static void print_label(const char *value, FILE *out)
{
    for (; *value != '\0'; value++) {
        if (*value == '\\' || *value == '"') {
            fputc('\\', out);
        }
        fputc(*value, out);
    }
}

static void print_samples(const struct metric *metric, json_t *object, FILE *out)
{
    const char *member = NULL;
    json_t *value = NULL;
    json_object_foreach(object, member, value)
    {
        fprintf(out, PREFIX "%s{%s=\"", metric->name, metric->label);
        print_label(member, out);
        fprintf(out, "\"} %lld\n", json_integer_value(value));
    }
}

/* Seconds from NOW_S to a moment: below zero where it is past, for that is what an alert is for. No
 * moment is 0. */
static void print_moment(const struct metric *metric, const json_t *object, int64_t now_s,
                         FILE *out)
{
    json_int_t moment_s = json_integer_value(json_object_get(object, metric->key));
    if (moment_s != 0) {
        print_head(metric->name, "gauge", metric->about, out);
        fprintf(out, PREFIX "%s %" PRId64 "\n", metric->name, (int64_t)moment_s - now_s);
    }
}

static void print_metric(const struct metric *metric, const json_t *status, int64_t now_s,
                         FILE *out)
{
    const json_t *object = object_of(status, metric->object);
    if (metric->label != NULL) {
        if (json_is_object(object)) {
            print_head(metric->name, metric->type, metric->about, out);
            print_samples(metric, (json_t *)object, out);
        }
        return;
    }
    if (strcmp(metric->type, "moment") == 0) {
        print_moment(metric, object, now_s, out);
        return;
    }
    const json_t *value = json_object_get(object, metric->key);
    if (json_is_integer(value)) {
        print_head(metric->name, metric->type, metric->about, out);
        fprintf(out, PREFIX "%s %lld\n", metric->name, json_integer_value(value));
    }
}

static void print_state(const json_t *status, FILE *out)
{
    static const char *const STATES[] = {"loading", "serving", "stopping"};
    const char *state = json_string_value(json_object_get(status, "state"));
    if (state == NULL) {
        return;
    }
    print_head("state", "gauge", "1 for what the server is doing.", out);
    for (size_t i = 0; i < ARRAY_LENGTH(STATES); i++) {
        fprintf(out, PREFIX "state{state=\"%s\"} %d\n", STATES[i], strcmp(state, STATES[i]) == 0);
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
static void print_attention(const json_t *status, FILE *out)
{
    const json_t *list = json_object_get(status, "attention");
    if (!json_is_array(list)) {
        return; /* an older server */
    }
    print_head("attention", "gauge", "What wants a person: of how many; 0: of none.", out);
    for (int i = 0; i < ATTENTION_CODES; i++) {
        const char *code = attention_name((enum attention_code)i);
        fprintf(out, PREFIX "attention{code=\"%s\"} %lld\n", code, attention_count(list, code));
    }
}

void metrics_view_print(const json_t *status, int64_t now_s, FILE *out)
{
    print_state(status, out);
    print_attention(status, out);
    for (size_t i = 0; i < ARRAY_LENGTH(METRICS); i++) {
        print_metric(&METRICS[i], status, now_s, out);
    }
}
