#include "acme/acme.h"
#include "cli/status_view.h"
#include "cli/table.h"
#include "lib/base/json_read.h"
#include "lib/base/time_text.h"

static void print_counts(const json_t *acme, FILE *out)
{
    const json_t *hosts = json_object_get(acme, "hosts");
    fputs("ACME:          ", out);
    for (size_t i = 0, shown = 0; i < ACME_STATES; i++) {
        const char *state = acme_state_name((enum acme_state)i);
        if (json_number(hosts, state) != 0 || i == ACME_STATE_VALID) {
            fprintf(out, "%s%s %lld", shown++ != 0 ? ", " : "", state, json_number(hosts, state));
        }
    }
    if (json_is_false(json_object_get(acme, "orders"))) {
        fputs("; another process on this state directory orders", out);
    }
    fprintf(out, "\n  orders:      placed %lld, done %lld (renewals %lld), failed %lld",
            json_number(acme, "orders_placed"), json_number(acme, "orders_done"),
            json_number(acme, "renewals"), json_number(acme, "orders_failed"));
    const char *type = NULL;
    json_t *count = NULL;
    const char *before = " (";
    json_t *failures = json_object_get(acme, "failures");
    json_object_foreach(failures, type, count)
    {
        fprintf(out, "%s%s %lld", before, type, json_integer_value(count));
        before = ", ";
    }
    fputs(json_object_size(failures) != 0 ? ")\n" : "\n", out);
}

static void print_troubled(const json_t *item, int64_t now_s, FILE *out)
{
    const char *problem = json_text_or_null(item, "problem");
    int64_t next_s = json_number(item, "next");
    CLEANUP_FREE char *words =
        memory_printf("%s%s%s%s%s", json_text(item, "state"), problem != NULL ? ": " : "",
                      problem != NULL ? problem : "", next_s > now_s ? "; next try " : "",
                      next_s > now_s ? time_text_from_now(next_s, now_s).text : "");
    const struct table_cell cells[] = {{json_text(item, "name"), TABLE_NAME_WIDTH}, {words, 0}};
    table_print_line(out, "  ", cells);
}

static void print_cas(const json_t *acme, int64_t now_s, FILE *out)
{
    size_t i = 0;
    const json_t *item = NULL;
    json_array_foreach(json_object_get(acme, "cas"), i, item)
    {
        const char *name = json_text_or_null(item, "name");
        const char *problem = json_text_or_null(item, "problem");
        bool waits = json_number(item, "wait") > now_s;
        if (problem == NULL && !waits) {
            continue;
        }
        fprintf(out, "  CA %s: %s", name != NULL ? name : "", problem != NULL ? problem : "waits");
        if (waits) {
            fprintf(out, "; nothing is asked of it until %s (%s)",
                    time_text_moment(json_number(item, "wait")).text,
                    time_text_from_now(json_number(item, "wait"), now_s).text);
        }
        fputc('\n', out);
    }
}

static void print_nearest(const json_t *acme, int64_t now_s, FILE *out)
{
    const char *host = json_text_or_null(acme, "nearest_expiry_host");
    int64_t nearest_s = json_number(acme, "nearest_expiry");
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
    if (json_text_or_null(acme, "problem") != NULL) {
        fprintf(out, "  nothing can be ordered: %s\n", json_text_or_null(acme, "problem"));
    }
    print_nearest(acme, now_s, out);
    print_cas(acme, now_s, out);
    table_print_first(out, json_object_get(acme, "troubled"),
                      "--json has more, \"mtasts-host cert list\" all", print_troubled, now_s);
}
