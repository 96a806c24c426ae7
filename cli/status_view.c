#include "status_view.h"

#include <string.h>

#include "cli/control_reply.h"
#include "cli/table.h"
#include "lib/base/json_read.h"
#include "lib/base/time_text.h"

static const char MORE[] = "--json has more";

static void print_server(const json_t *status, FILE *out)
{
    fprintf(out, "mtasts-host %s, process %lld, up %s", json_text(status, "version"),
            json_number(status, "pid"), time_text_span(json_number(status, "uptime_s")).text);
    size_t i = 0;
    const json_t *item = NULL;
    json_array_foreach(json_object_get(status, "listeners"), i, item)
    {
        fprintf(out, "%s%s %s", i == 0 ? "\nlistens:       " : ", ", json_text(item, "kind"),
                json_text(item, "address"));
        if (json_number(item, "port") != 0) {
            fprintf(out, " port %lld", json_number(item, "port"));
        }
    }
    fprintf(out, "\nrequests:      %lld, connections now %lld\n", json_number(status, "requests"),
            json_number(json_object_get(status, "connections"), "current"));
}

/* Of a server that has TLS, and is not older than this. */
static void print_tls(const json_t *status, FILE *out)
{
    const json_t *tls = json_object_get(status, "tls");
    if (!json_is_object(tls)) {
        return;
    }
    fprintf(out, "tls:           %s, key exchange %s\n", json_text(tls, "openssl"),
            json_text(tls, "agreed"));
    const char *part = NULL;
    json_t *why = NULL;
    json_object_foreach(json_object_get(tls, "slower"), part, why)
    {
        fprintf(out, "  slower:      %s: %s\n", part, json_string_value(why));
    }
}

static void print_last_change(const json_t *status, int64_t now_s, FILE *out)
{
    fputs("last change:   ", out);
    int64_t changed_s = json_number(status, "last_change");
    if (changed_s == 0) {
        fputs("never", out);
    } else {
        fprintf(out, "%s (%s ago)", time_text_moment(changed_s).text,
                time_text_span(now_s > changed_s ? now_s - changed_s : 0).text);
    }
    fputc('\n', out);
}

/* Of a server that cannot say more yet, or any more. */
static void print_state(const json_t *status, FILE *out)
{
    const char *loading = json_text(json_object_get(status, "loading"), "text");
    fprintf(out, "state:         %s\n", loading[0] != '\0' ? loading : json_text(status, "state"));
    if (json_object_get(status, "domains") != NULL) {
        fprintf(out, "domains:       %lld\n", json_number(status, "domains"));
    }
}

static void print_policies(const json_t *status, FILE *out)
{
    fprintf(out, "domains:       %lld, shared policies %lld\nfiles:         %lld, in error %lld\n",
            json_number(status, "domains"), json_number(status, "shared_policies"),
            json_number(status, "files"), json_number(status, "files_in_error"));
    if (json_number(status, "removals_held") != 0) {
        fprintf(out,
                "held:          the removal of %lld domains; \"mtasts-host reload "
                "--accept-removals\" accepts it\n",
                json_number(status, "removals_held"));
    }
}

static void print_early(const json_t *item, int64_t now_s, FILE *out)
{
    (void)now_s;
    CLEANUP_FREE char *until =
        memory_printf("until %s", time_text_moment(json_number(item, "until")).text);
    const struct table_cell cells[] = {{json_text(item, "domain"), TABLE_NAME_WIDTH}, {until, 0}};
    table_print_line(out, "  ", cells);
}

static void print_left_early(const json_t *status, FILE *out)
{
    const json_t *list = json_object_get(status, "left_early");
    const json_t *total = json_object_get(status, "left_early_total"); /* none of an older server */
    if (json_array_size(list) == 0) {
        return;
    }
    fprintf(out,
            "left early:    %s%lld; senders may hold their policies: put them back with mode none, "
            "unless another host serves them\n",
            json_is_false(json_object_get(status, "left_early_counted")) ? "at least " : "",
            total != NULL ? json_integer_value(total) : (json_int_t)json_array_size(list));
    table_print_first(out, list, MORE, print_early, 0);
}

static void print_policy_host(const json_t *item, int64_t now_s, FILE *out)
{
    (void)now_s;
    fprintf(out, "  mta-sts.%s\n", json_string_value(item));
}

/* Nothing where nobody left. */
static void print_left(const json_t *left, FILE *out)
{
    const json_t *here = json_object_get(left, "pointing_here");
    if (json_array_size(here) != 0) {
        fprintf(out,
                "left:          %zu of %lld whose mta-sts name still points here; have the CNAME "
                "removed\n",
                json_array_size(here), json_number(left, "count"));
        table_print_first(out, here, MORE, print_policy_host, 0);
    }
}

static void print_expiring(const json_t *item, int64_t now_s, FILE *out)
{
    int64_t end_s = json_number(item, "not_after");
    CLEANUP_FREE char *when =
        memory_printf("%s %s, %s", end_s > now_s ? "expires" : "expired",
                      time_text_from_now(end_s, now_s).text, json_text(item, "path"));
    const struct table_cell cells[] = {{json_text(item, "name"), TABLE_NAME_WIDTH}, {when, 0}};
    table_print_line(out, "  ", cells);
}

static void print_name(const json_t *item, int64_t now_s, FILE *out)
{
    (void)now_s;
    fprintf(out, "  %s\n", json_string_value(item));
}

static void print_certificates(const json_t *status, int64_t now_s, FILE *out)
{
    fprintf(out, "certificates:  %lld", json_number(status, "certificates"));
    if (json_number(status, "certificates_in_error") != 0) {
        fprintf(out, ", in error %lld", json_number(status, "certificates_in_error"));
    }
    fputc('\n', out);
    table_print_first(out, json_object_get(status, "certificates_expiring"), MORE, print_expiring,
                      now_s);
    long long without = json_number(status, "names_without_certificate_count");
    if (without != 0) {
        fprintf(out, "without certificate: %lld\n", without);
        table_print_first(out, json_object_get(status, "names_without_certificate"), MORE,
                          print_name, 0);
    }
}

bool status_view_is_serving(const json_t *status)
{
    const char *state =
        json_text(status, "state"); /* older servers say none, and answer when they serve */
    return state[0] == '\0' || strcmp(state, "serving") == 0;
}

/* First of all, since it is what status is asked for. */
static void print_attention(const json_t *status, int64_t now_s, FILE *out)
{
    size_t i = 0;
    const json_t *item = NULL;
    json_array_foreach(json_object_get(status, "attention"), i, item)
    {
        int64_t for_s = now_s - json_number(item, "since");
        fprintf(out, "attention:     %s (for %s)\n", json_text(item, "text"),
                time_text_span(for_s > 0 ? for_s : 0).text);
    }
}

void status_view_print(const json_t *status, int64_t now_s, FILE *out)
{
    print_attention(status, now_s, out);
    print_server(status, out);
    print_tls(status, out);
    if (!status_view_is_serving(status)) {
        print_state(status, out);
        return;
    }
    print_last_change(status, now_s, out);
    print_policies(status, out);
    print_left_early(status, out);
    print_left(json_object_get(status, "left"), out);
    print_certificates(status, now_s, out);
    mirror_view_print(json_object_get(status, "mirror"), now_s, out);
    acme_view_print(json_object_get(status, "acme"), now_s, out);
    if (json_array_size(json_object_get(status, "diagnostics")) != 0) {
        fputs("problems:\n", out);
        control_reply_print_diagnostics(status, out);
    }
}
