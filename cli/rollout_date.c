#include "rollout_date.h"

#include <time.h>

int64_t rollout_until_s(const struct served_answer *answer, const struct policy *before,
                        int64_t now_s)
{
    int64_t until_s = answer->known ? answer->held_until_s : 0;
    bool served_until_now = !answer->known || !answer->current;
    if (before != NULL && served_until_now && until_s < now_s + before->max_age_s) {
        until_s = now_s + before->max_age_s;
    }
    return until_s;
}

static void print_hosts(const struct policy_diff_mx *hosts, FILE *out)
{
    for (size_t i = 0; i < hosts->count; i++) {
        fprintf(out, "%s%.*s", i == 0 ? "" : ", ", BYTES_ARG(hosts->items[i]));
    }
}

void rollout_print(const struct policy_diff *diff, const struct served_answer *answer,
                   int64_t now_s, FILE *out)
{
    if (!policy_diff_needs_time(diff)) {
        return;
    }
    int64_t until_s = rollout_until_s(answer, diff->before, now_s);
    if (until_s <= now_s) {
        fprintf(out, "  no sender holds an older policy any more\n");
        return;
    }
    char date[32];
    time_t t = (time_t)until_s;
    struct tm tm;
    gmtime_r(&t, &tm);
    strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S UTC", &tm);
    fprintf(out, "  until %s: keep the old MX hosts", date);
    if (diff->uncovered.count != 0) {
        fprintf(out, ", route no mail to ");
        print_hosts(&diff->uncovered, out);
    }
    if (diff->mode_lowered) {
        fprintf(out, ", senders may still apply mode %s", policy_mode_name(diff->before->mode));
    }
    fprintf(out, "%s\n",
            answer->known ? "" : " (no history: by the max_age of the text that is replaced)");
}
