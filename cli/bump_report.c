#include "bump_report.h"

#include <stdio.h>

#include "cli/policy_diff.h"
#include "cli/rollout_date.h"

static int64_t from_now(const struct bump_report *report, const struct policy *policy)
{
    return report->now_s + policy->max_age_s;
}

/* The date, over every text that senders may hold. */
static void print_date(const struct bump_report *report, const char *subject,
                       const struct served_answer *answer, const struct policy *before,
                       const struct policy *after)
{
    CLEANUP(rollout_clear)
    struct rollout rollout = {
        .after = after,
        .now_s = report->now_s,
        .guessed = !answer->known,
    };
    if (!answer->known || !answer->listed || answer->held_count >= SERVED_HELD_MAX) {
        rollout.floor_s = answer->held_until_s;
    }
    for (size_t i = 0; i < answer->held_count; i++) {
        rollout_add(&rollout, answer->held[i].policy, answer->held[i].until_s);
    }
    if (answer->serving != NULL) {
        rollout_add(&rollout, answer->serving, from_now(report, answer->serving));
    }
    if (before != NULL) {
        rollout_add(&rollout, before, answer->known ? report->now_s : from_now(report, before));
    }
    rollout_print(&rollout, stderr);
    if (subject[0] == '@' && rollout.enforced_until_s != 0) {
        fprintf(stderr, "  a domain that came to this policy from another one meanwhile may need "
                        "longer\n");
    }
}

/* What changed, and the date. */
static void print_change(struct bump_report *report, const struct served_question *question)
{
    const struct policy *older =
        report->older != NULL ? older_copy_policy(report->older, question->subject) : NULL;
    struct served_question asked = *question;
    char digest[2 * POLICY_ID_DIGEST + 1];
    if (older != NULL) {
        /* The entity tag has them between quotes. */
        snprintf(digest, sizeof(digest), "%s", older->etag + 1);
        asked.digest = digest;
    }
    CLEANUP(served_answer_clear) struct served_answer answer;
    served_history_ask(&report->history, &asked, &answer);
    const struct policy *before = older != NULL            ? older
                                  : answer.serving != NULL ? answer.serving
                                                           : answer.before;
    if (before != NULL) {
        CLEANUP(policy_diff_clear) struct policy_diff diff;
        policy_diff_make(before, question->policy, &diff);
        policy_diff_print(&diff, stderr);
    } else {
        report->unknown++;
    }
    print_date(report, question->subject, &answer, before, question->policy);
    if (answer.reached && !answer.current) {
        fprintf(stderr, "  the running server does not serve this policy yet: publish the record "
                        "only when it does\n");
    }
}

void bump_report_change(struct bump_report *report, const struct bump_change *change)
{
    struct served_question question = {
        .subject = change->subject,
        .domain = change->subject,
        .digest = change->state == POLICY_ID_STALE
                      ? change->old_id.text + POLICY_ID_MADE - POLICY_ID_DIGEST
                      : NULL,
        .policy = change->policy,
    };
    CLEANUP_FREE char *first = NULL;
    if (change->section == ID_EDIT_POLICIES) {
        const char *name = change->subject + 1;
        const struct shared_user *user = shared_users_find(report->users, bytes_of(name));
        fprintf(stderr, "policy %s", name);
        if (user != NULL) {
            fputs(", ", stderr);
            shared_user_print(user, stderr);
            first = memory_string_of(user->first[0]);
            question.domain = first;
        }
    } else {
        fputs(change->subject, stderr);
    }
    if (change->derived) {
        fprintf(stderr, ": id %s, by itself\n", change->new_id.text);
    } else if (change->state == POLICY_ID_ABSENT) {
        fprintf(stderr, ": new id %s\n", change->new_id.text);
    } else {
        fprintf(stderr, ": id %s -> %s\n", change->old_id.text, change->new_id.text);
    }
    print_change(report, &question);
}

bool bump_report_has_changed(struct bump_report *report, const struct bump_change *change)
{
    const struct policy *older =
        report->older != NULL ? older_copy_policy(report->older, change->subject) : NULL;
    if (older != NULL) {
        return !policy_equal(older, change->policy);
    }
    CLEANUP_FREE char *first = NULL;
    struct served_question question = {
        .subject = change->subject, .domain = change->subject, .policy = change->policy};
    if (change->section == ID_EDIT_POLICIES) {
        const struct shared_user *user =
            shared_users_find(report->users, bytes_of(change->subject + 1));
        if (user != NULL) {
            first = memory_string_of(user->first[0]);
            question.domain = first;
        }
    }
    CLEANUP(served_answer_clear) struct served_answer answer;
    served_history_ask(&report->history, &question, &answer);
    return answer.serving != NULL || answer.held_count != 0 ||
           (answer.before != NULL && answer.held_until_s > report->now_s);
}

void bump_report_gone(struct bump_report *report, const char *domain, const struct policy *before)
{
    if (before->mode == POLICY_NONE) {
        return;
    }
    struct served_question question = {.subject = domain, .domain = domain, .policy = before};
    CLEANUP(served_answer_clear) struct served_answer answer;
    served_history_ask(&report->history, &question, &answer);
    int64_t until_s = from_now(report, before);
    fprintf(stderr, "%s: gone\n", domain);
    rollout_print_gone(until_s > answer.held_until_s ? until_s : answer.held_until_s, stderr);
}

bool bump_report_is_move(const struct bump_report *report, const struct catalogue_view *view)
{
    if (report->older == NULL || view->policy == NULL) {
        return false;
    }
    CLEANUP_FREE char *domain = memory_string_of(view->entry->name);
    const struct policy_file_entry *entry = older_copy_entry(report->older, domain);
    const struct policy *before = older_copy_policy(report->older, domain);
    return entry != NULL && before != NULL && !bytes_equal(entry->shared, view->entry->shared) &&
           !policy_equal(before, view->policy);
}

void bump_report_move(struct bump_report *report, const struct catalogue_view *view)
{
    CLEANUP_FREE char *domain = memory_string_of(view->entry->name);
    const struct policy_file_entry *entry = older_copy_entry(report->older, domain);
    fprintf(stderr, "%s: policy %.*s -> %.*s\n", domain,
            BYTES_ARG(entry->shared.n != 0 ? entry->shared : BYTES("of its own")),
            BYTES_ARG(view->shared != NULL ? view->shared->name : BYTES("of its own")));
    struct served_question question = {
        .subject = domain,
        .domain = domain,
        .policy = view->policy,
    };
    print_change(report, &question);
}

void bump_report_end(const struct bump_report *report)
{
    if (report->history.why != NULL) {
        fprintf(stderr, "What was served so far is not known: %s\n", report->history.why);
    }
    if (report->history.asked == SERVED_HISTORY_ASKED_MAX) {
        fprintf(stderr,
                "Only the first %d were asked of the server: dates of the others come from --since "
                "or are missing; name domains to ask for them.\n",
                SERVED_HISTORY_ASKED_MAX);
    }
    if (report->unknown != 0) {
        fprintf(stderr,
                "What changed is not known for %zu of these (--since compares with an older "
                "copy). Where an mx was added or replaced, or the mode "
                "lowered: keep the old MX hosts, and route no mail to new ones, until the max_age "
                "of the old policy has passed.\n",
                report->unknown);
    }
}
