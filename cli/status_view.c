#include "status_view.h"

#include <string.h>

#include "cli/acme_view.h"
#include "cli/control_reply.h"
#include "cli/mirror_view.h"
#include "lib/base/time_text.h"

enum { NAMES_SHOWN = 10 };

static json_int_t number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value != NULL ? value : "";
}

static void print_server(const json_t *status, FILE *out)
{
    fprintf(out, "mtasts-host %s, process %" JSON_INTEGER_FORMAT ", up %s", text(status, "version"),
            number(status, "pid"), time_text_span(number(status, "uptime_s")).text);
    size_t i = 0;
    const json_t *item = NULL;
    json_array_foreach(json_object_get(status, "listeners"), i, item)
    {
        fprintf(out, "%s%s %s", i == 0 ? "\nlistens:       " : ", ", text(item, "kind"),
                text(item, "address"));
        if (number(item, "port") != 0) {
            fprintf(out, " port %" JSON_INTEGER_FORMAT, number(item, "port"));
        }
    }
    fprintf(out,
            "\nrequests:      %" JSON_INTEGER_FORMAT ", connections now %" JSON_INTEGER_FORMAT "\n",
            number(status, "requests"), number(json_object_get(status, "connections"), "current"));
}

/* Of a server that has TLS, and is not older than this. */
static void print_tls(const json_t *status, FILE *out)
{
    const json_t *tls = json_object_get(status, "tls");
    if (!json_is_object(tls)) {
        return;
    }
    fprintf(out, "tls:           %s, key exchange %s\n", text(tls, "openssl"), text(tls, "agreed"));
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
    int64_t changed_s = number(status, "last_change");
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
    const char *loading = text(json_object_get(status, "loading"), "text");
    fprintf(out, "state:         %s\n", loading[0] != '\0' ? loading : text(status, "state"));
    if (json_object_get(status, "domains") != NULL) {
        fprintf(out, "domains:       %" JSON_INTEGER_FORMAT "\n", number(status, "domains"));
    }
}

static void print_policies(const json_t *status, FILE *out)
{
    fprintf(out,
            "domains:       %" JSON_INTEGER_FORMAT ", shared policies %" JSON_INTEGER_FORMAT
            "\nfiles:         %" JSON_INTEGER_FORMAT ", in error %" JSON_INTEGER_FORMAT "\n",
            number(status, "domains"), number(status, "shared_policies"), number(status, "files"),
            number(status, "files_in_error"));
    if (number(status, "removals_held") != 0) {
        fprintf(out,
                "held:          the removal of %" JSON_INTEGER_FORMAT
                " domains; \"mtasts-host reload --accept-removals\" accepts it\n",
                number(status, "removals_held"));
    }
}

static void print_left_early(const json_t *status, FILE *out)
{
    size_t i = 0;
    const json_t *item = NULL;
    const json_t *list = json_object_get(status, "left_early");
    const json_t *total = json_object_get(status, "left_early_total"); /* none of an older server */
    if (json_array_size(list) != 0) {
        fprintf(out,
                "left early:    %s%" JSON_INTEGER_FORMAT
                "; senders may hold their policies: put them back with mode "
                "none, unless another host serves them\n",
                json_is_false(json_object_get(status, "left_early_counted")) ? "at least " : "",
                total != NULL ? json_integer_value(total) : (json_int_t)json_array_size(list));
    }
    json_array_foreach(list, i, item)
    {
        if (i == NAMES_SHOWN) {
            fprintf(out, "  ... (--json has more)\n");
            break;
        }
        fprintf(out, "  %-40s until %s\n", text(item, "domain"),
                time_text_moment(number(item, "until")).text);
    }
}

/* Nothing where nobody left. */
static void print_left(const json_t *left, FILE *out)
{
    size_t i = 0;
    const json_t *item = NULL;
    const json_t *here = json_object_get(left, "pointing_here");
    if (json_array_size(here) == 0) {
        return;
    }
    fprintf(out,
            "left:          %zu of %" JSON_INTEGER_FORMAT " whose mta-sts name still points here; "
            "have the CNAME removed\n",
            json_array_size(here), json_integer_value(json_object_get(left, "count")));
    json_array_foreach(here, i, item)
    {
        if (i == NAMES_SHOWN) {
            fprintf(out, "  ... (--json has more)\n");
            break;
        }
        fprintf(out, "  mta-sts.%s\n", json_string_value(item));
    }
}

static void print_certificates(const json_t *status, int64_t now_s, FILE *out)
{
    fprintf(out, "certificates:  %" JSON_INTEGER_FORMAT, number(status, "certificates"));
    if (number(status, "certificates_in_error") != 0) {
        fprintf(out, ", in error %" JSON_INTEGER_FORMAT, number(status, "certificates_in_error"));
    }
    fputc('\n', out);
    size_t i = 0;
    const json_t *item = NULL;
    json_array_foreach(json_object_get(status, "certificates_expiring"), i, item)
    {
        if (i == NAMES_SHOWN) {
            fprintf(out, "  ... (--json has more)\n");
            break;
        }
        int64_t left_s = number(item, "not_after") - now_s;
        fprintf(out, "  %-40s %s %s, %s\n", text(item, "name"), left_s > 0 ? "expires" : "expired",
                time_text_from_now(number(item, "not_after"), now_s).text, text(item, "path"));
    }
    json_int_t without = number(status, "names_without_certificate_count");
    if (without == 0) {
        return;
    }
    fprintf(out, "without certificate: %" JSON_INTEGER_FORMAT "\n", without);
    json_array_foreach(json_object_get(status, "names_without_certificate"), i, item)
    {
        if (i == NAMES_SHOWN) {
            fprintf(out, "  ... (--json has more)\n");
            break;
        }
        fprintf(out, "  %s\n", json_string_value(item));
    }
}

bool status_view_is_serving(const json_t *status)
{
    const char *state =
        text(status, "state"); /* older servers say none, and answer when they serve */
    return state[0] == '\0' || strcmp(state, "serving") == 0;
}

/* First of all, since it is what status is asked for. */
static void print_attention(const json_t *status, int64_t now_s, FILE *out)
{
    size_t i = 0;
    const json_t *item = NULL;
    json_array_foreach(json_object_get(status, "attention"), i, item)
    {
        int64_t for_s = now_s - number(item, "since");
        fprintf(out, "attention:     %s (for %s)\n", text(item, "text"),
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
