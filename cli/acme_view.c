#include "acme_view.h"

#include "acme/acme.h"
#include "lib/base/time_text.h"

enum { NAMES_SHOWN = 10 };

static json_int_t number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

/* NULL where it is missing or null. */
static const char *text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void print_counts(const json_t *acme, FILE *out)
{
    const json_t *hosts = json_object_get(acme, "hosts");
    fputs("ACME:          ", out);
    for (size_t i = 0, shown = 0; i < ACME_STATES; i++) {
        const char *state = acme_state_name((enum acme_state)i);
        if (number(hosts, state) != 0 || i == ACME_STATE_VALID) {
            fprintf(out, "%s%s %" JSON_INTEGER_FORMAT, shown++ != 0 ? ", " : "", state,
                    number(hosts, state));
        }
    }
    if (json_is_false(json_object_get(acme, "orders"))) {
        fputs("; another process on this state directory orders", out);
    }
    fprintf(out,
            "\n  orders:      placed %" JSON_INTEGER_FORMAT ", done %" JSON_INTEGER_FORMAT
            " (renewals %" JSON_INTEGER_FORMAT "), failed %" JSON_INTEGER_FORMAT,
            number(acme, "orders_placed"), number(acme, "orders_done"), number(acme, "renewals"),
            number(acme, "orders_failed"));
    const char *type = NULL;
    json_t *count = NULL;
    const char *before = " (";
    json_t *failures = json_object_get(acme, "failures");
    json_object_foreach(failures, type, count)
    {
        fprintf(out, "%s%s %" JSON_INTEGER_FORMAT, before, type, json_integer_value(count));
        before = ", ";
    }
    fputs(json_object_size(failures) != 0 ? ")\n" : "\n", out);
}

static void print_troubled(const json_t *acme, int64_t now_s, FILE *out)
{
    size_t i = 0;
    const json_t *item = NULL;
    json_array_foreach(json_object_get(acme, "troubled"), i, item)
    {
        if (i == NAMES_SHOWN) {
            fprintf(out, "  ... (--json has more, \"mtasts-host cert list\" all)\n");
            break;
        }
        const char *name = text(item, "name");
        const char *state = text(item, "state");
        const char *problem = text(item, "problem");
        fprintf(out, "  %-40s %s", name != NULL ? name : "", state != NULL ? state : "");
        if (problem != NULL) {
            fprintf(out, ": %s", problem);
        }
        if (number(item, "next") > now_s) {
            fprintf(out, "; next try %s", time_text_from_now(number(item, "next"), now_s).text);
        }
        fputc('\n', out);
    }
}

static void print_cas(const json_t *acme, int64_t now_s, FILE *out)
{
    size_t i = 0;
    const json_t *item = NULL;
    json_array_foreach(json_object_get(acme, "cas"), i, item)
    {
        const char *name = text(item, "name");
        const char *problem = text(item, "problem");
        bool waits = number(item, "wait") > now_s;
        if (problem == NULL && !waits) {
            continue;
        }
        fprintf(out, "  CA %s: %s", name != NULL ? name : "", problem != NULL ? problem : "waits");
        if (waits) {
            fprintf(out, "; nothing is asked of it until %s (%s)",
                    time_text_moment(number(item, "wait")).text,
                    time_text_from_now(number(item, "wait"), now_s).text);
        }
        fputc('\n', out);
    }
}

static void print_nearest(const json_t *acme, int64_t now_s, FILE *out)
{
    const char *host = text(acme, "nearest_expiry_host");
    int64_t nearest_s = number(acme, "nearest_expiry");
    if (host != NULL && nearest_s != 0) {
        fprintf(out, "  first to end: %s, %s\n", host, time_text_from_now(nearest_s, now_s).text);
    }
}

void acme_view_print(const json_t *acme, int64_t now_s, FILE *out)
{
    if (!json_is_object(acme)) {
        return;
    }
    print_counts(acme, out);
    if (text(acme, "problem") != NULL) {
        fprintf(out, "  nothing can be ordered: %s\n", text(acme, "problem"));
    }
    print_nearest(acme, now_s, out);
    print_cas(acme, now_s, out);
    print_troubled(acme, now_s, out);
}
