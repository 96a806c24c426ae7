#include "bump_report.h"

#include <stdio.h>

static int64_t from_now(int64_t now_s, const struct policy *policy)
{
    return now_s + policy->max_age_s;
}

/* The date, over every text that senders may hold. */
static void find_date(struct change_story *story, const struct policy *before)
{
    struct rollout *rollout = &story->rollout;
    const struct served_answer *answer = &story->answer;
    if (!answer->known || !answer->listed || answer->held_count >= SERVED_HELD_MAX) {
        rollout->floor_s = answer->held_until_s;
    }
    for (size_t i = 0; i < answer->held_count; i++) {
        rollout_add(rollout, answer->held[i].policy, answer->held[i].until_s);
    }
    if (answer->serving != NULL) {
        rollout_add(rollout, answer->serving, from_now(rollout->now_s, answer->serving));
    }
    if (before != NULL) {
        rollout_add(rollout, before,
                    answer->known ? rollout->now_s : from_now(rollout->now_s, before));
    }
}

void change_story_make(const struct served_answer *answer, const struct policy *older,
                       const struct policy *after, int64_t now_s, struct change_story *ret_story)
{
    const struct policy *before = older != NULL             ? older
                                  : answer->serving != NULL ? answer->serving
                                                            : answer->before;
    *ret_story = (struct change_story){
        .known = before != NULL,
        .rollout = {.after = after, .now_s = now_s, .guessed = !answer->known},
        .unserved = answer->reached && !answer->current,
        .answer = *answer,
    };
    if (before != NULL) {
        policy_diff_make(before, after, &ret_story->diff);
    }
    find_date(ret_story, before);
}

void change_story_clear(struct change_story *story)
{
    policy_diff_clear(&story->diff);
    rollout_clear(&story->rollout);
    served_answer_clear(&story->answer);
}

static const struct policy *older_of(const struct bump_report *report, const char *subject)
{
    return report->older != NULL ? catalogue_policy(report->older, bytes_of(subject)) : NULL;
}

static void tell(struct bump_report *report, const struct served_question *question,
                 struct change_story *ret_story)
{
    const struct policy *older = older_of(report, question->subject);
    struct served_question asked = *question;
    char digest[2 * POLICY_ID_DIGEST + 1];
    if (older != NULL) {
        /* The entity tag has them between quotes. */
        (void)snprintf(digest, sizeof(digest), "%s", older->etag + 1);
        asked.digest = digest;
    }
    struct served_answer answer;
    served_history_ask(&report->history, &asked, &answer);
    change_story_make(&answer, older, question->policy, report->now_s, ret_story);
}

/* Of a shared policy the server is asked by a domain that uses it, which is in the name that the
 * caller frees. */
static struct served_question question_of(const struct bump_report *report,
                                          const struct bump_change *change, char **ret_name)
{
    const struct shared_user *user =
        change->section == ID_EDIT_POLICIES
            ? shared_users_find(report->users, bytes_of(change->subject + 1))
            : NULL;
    *ret_name = user != NULL ? memory_string_of(user->first[0]) : NULL;
    return (struct served_question){
        .subject = change->subject,
        .domain = *ret_name != NULL ? *ret_name : change->subject,
        .policy = change->policy,
    };
}

void bump_report_change(struct bump_report *report, const struct bump_change *change,
                        struct change_story *ret_story)
{
    CLEANUP_FREE char *name = NULL;
    struct served_question question = question_of(report, change, &name);
    if (change->state == POLICY_ID_STALE) {
        question.digest = change->old_id.text + POLICY_ID_MADE - POLICY_ID_DIGEST;
    }
    tell(report, &question, ret_story);
}

bool bump_report_has_changed(struct bump_report *report, const struct bump_change *change)
{
    const struct policy *older = older_of(report, change->subject);
    if (older != NULL) {
        return !policy_equal(older, change->policy);
    }
    CLEANUP_FREE char *name = NULL;
    struct served_question question = question_of(report, change, &name);
    CLEANUP(served_answer_clear) struct served_answer answer;
    served_history_ask(&report->history, &question, &answer);
    return answer.serving != NULL || answer.held_count != 0 ||
           (answer.before != NULL && answer.held_until_s > report->now_s);
}

int64_t bump_report_gone_until_s(struct bump_report *report, const char *domain,
                                 const struct policy *before)
{
    if (before->mode == POLICY_NONE) {
        return 0;
    }
    struct served_question question = {.subject = domain, .domain = domain, .policy = before};
    CLEANUP(served_answer_clear) struct served_answer answer;
    served_history_ask(&report->history, &question, &answer);
    int64_t until_s = from_now(report->now_s, before);
    return until_s > answer.held_until_s ? until_s : answer.held_until_s;
}

void bump_report_move(struct bump_report *report, const struct catalogue_view *view,
                      struct change_story *ret_story)
{
    CLEANUP_FREE char *domain = memory_string_of(view->entry->name);
    const struct served_question question = {
        .subject = domain, .domain = domain, .policy = view->policy};
    tell(report, &question, ret_story);
}
