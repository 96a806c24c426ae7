#include "rollout_view.h"

#include <inttypes.h>

#include "lib/base/time_text.h"

static void print_mx(const char *title, const struct policy_diff_mx *list, FILE *out)
{
    for (size_t i = 0; i < list->count; i++) {
        fprintf(out, "%s%.*s", i == 0 ? title : ", ", BYTES_ARG(list->items[i]));
    }
    if (list->count != 0) {
        fputc('\n', out);
    }
}

void policy_diff_print(const struct policy_diff *diff, FILE *out)
{
    if (diff->before->mode != diff->after->mode) {
        fprintf(out, "  mode: %s -> %s\n", policy_mode_name(diff->before->mode),
                policy_mode_name(diff->after->mode));
    }
    print_mx("  mx added: ", &diff->added, out);
    print_mx("  mx removed: ", &diff->removed, out);
    if (diff->before->max_age_s != diff->after->max_age_s) {
        fprintf(out, "  max_age: %" PRIu32 " -> %" PRIu32 "\n", diff->before->max_age_s,
                diff->after->max_age_s);
    }
}

static void print_until(int64_t until_s, FILE *out)
{
    fprintf(out, "  until %s: ", time_text_moment(until_s).text);
}

static void print_hosts(const struct policy_diff_mx *hosts, FILE *out)
{
    for (size_t i = 0; i < hosts->count; i++) {
        fprintf(out, "%s%.*s", i == 0 ? "" : ", ", BYTES_ARG(hosts->items[i]));
    }
}

static const char *basis(const struct rollout *rollout)
{
    return rollout->guessed ? " (no history: by the max_age of the text that is replaced)" : "";
}

static void print_enforced(const struct rollout *rollout, FILE *out)
{
    int64_t until_s =
        rollout->enforced_until_s > rollout->floor_s ? rollout->enforced_until_s : rollout->floor_s;
    if (until_s <= rollout->now_s) {
        fprintf(out, "  no sender holds an older policy any more\n");
        return;
    }
    print_until(until_s, out);
    fprintf(out, "keep the old MX hosts");
    if (rollout->enforced.count != 0) {
        fprintf(out, ", route no mail to ");
        print_hosts(&rollout->enforced, out);
    }
    if (rollout->lowered) {
        fprintf(out, ", senders may still apply mode enforce");
    }
    fprintf(out, "%s\n", basis(rollout));
}

void rollout_print(const struct rollout *rollout, FILE *out)
{
    if (rollout->enforced_until_s != 0) {
        print_enforced(rollout, out);
    }
    if (rollout->reported_until_s > rollout->now_s) {
        print_until(rollout->reported_until_s, out);
        fprintf(out, "senders with an older policy of mode testing deliver to ");
        print_hosts(&rollout->reported, out);
        fprintf(out, ", and may report it%s\n", basis(rollout));
    }
}

void rollout_print_gone(int64_t until_s, FILE *out)
{
    print_until(until_s, out);
    fprintf(out, "senders may still apply its policy: keep its MX hosts, and serve mode none until "
                 "then\n");
}
