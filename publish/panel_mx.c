#include "panel_mx.h"

#include "lib/dns/mx_survey.h"
#include "policies/model/mx_coverage.h"

struct look {
    const struct panel_edits *edits;
    const char *file;
    const struct catalogue *catalogue;
    struct diagnostics *d;
    enum panel_mx_verdict worst;
};

bool panel_mx_needs_files(const struct panel_edit *edit)
{
    return edit->mx_count == 0;
}

static struct bytes domain_of(size_t number, void *context)
{
    const struct look *look = context;
    return dns_name_bytes(&look->edits->items[number].domain);
}

/* What the edit makes of it as far as MX hosts go. NULL: not known, which the edit itself will
 * complain of. The caller frees it. */
static struct policy *policy_meant(const struct look *look, const struct panel_edit *edit)
{
    struct error ignored;
    struct policy *policy = NULL;
    enum policy_mode mode = edit->set_mode ? edit->mode : POLICY_TESTING;
    const struct policy_terms terms = {mode, PANEL_FIRST_MAX_AGE_S, edit->mx, edit->mx_count};
    if (edit->mx_count != 0) {
        return policy_new(&terms, &policy, &ignored) ? policy : NULL;
    }
    CLEANUP_FREE char *subject =
        memory_printf("%s%s", edit->shared.n != 0 ? "@" : "",
                      edit->shared.n != 0 ? edit->shared.text : edit->domain.text);
    const struct policy *found = catalogue_policy(look->catalogue, bytes_of(subject));
    return found != NULL ? policy_copy(found, edit->set_mode ? edit->mode : found->mode) : NULL;
}

/* Takes TEXT. */
static void tell(struct look *look, const struct panel_edit *edit, enum panel_mx_verdict verdict,
                 char *text) /* NOLINT(readability-non-const-parameter): taken */
{
    CLEANUP_FREE char *owned = text;
    look->worst = verdict > look->worst ? verdict : look->worst;
    diagnostics_add(look->d, verdict != PANEL_MX_GOOD ? SEVERITY_ERROR : SEVERITY_WARNING,
                    look->file, edit->line, edit->line != 0, "%s: %s", edit->domain.text, owned);
}

/* The first host that no pattern covers. */
static struct bytes uncovered(const struct mx_coverage *coverage)
{
    for (size_t i = 0; i < coverage->host_count; i++) {
        if (!coverage->hosts[i].covered) {
            return coverage->hosts[i].name;
        }
    }
    return BYTES("");
}

static void judge(struct look *look, const struct panel_edit *edit, const struct policy *policy,
                  const struct mx_coverage *coverage)
{
    struct bytes host = uncovered(coverage);
    if (coverage->verdict == MX_COVERAGE_NONE) {
        tell(look, edit, PANEL_MX_NOT_COVERED,
             memory_printf(
                 "the policy covers none of its MX hosts, %.*s for one; name its hosts, or add "
                 "--no-check",
                 BYTES_ARG(host)));
    } else if (coverage->verdict == MX_COVERAGE_SOME) {
        bool enforce = policy->mode == POLICY_ENFORCE;
        tell(look, edit, enforce ? PANEL_MX_NOT_COVERED : PANEL_MX_GOOD,
             memory_printf("the policy lacks the MX %.*s: %s", BYTES_ARG(host),
                           enforce ? "senders would pass it over; name it, or add --no-check"
                                   : "senders will report it; name it before the mode is enforce"));
    }
}

static void take(size_t number, const struct dns_mx_set *mx, const struct error *e, void *context)
{
    struct look *look = context;
    const struct panel_edit *edit = &look->edits->items[number];
    if (mx == NULL) {
        tell(look, edit, PANEL_MX_NOT_KNOWN,
             memory_printf("its MX records are not known: %s (--no-check does without)", e->text));
        return;
    }
    if (mx->null_mx) {
        tell(look, edit, PANEL_MX_NOT_COVERED,
             memory_printf(
                 "it says in DNS that it takes no mail (RFC 7505): it needs no policy; --no-check "
                 "gives it one"));
        return;
    }
    struct policy *policy = policy_meant(look, edit);
    if (policy == NULL) {
        return;
    }
    CLEANUP(mx_coverage_clear) struct mx_coverage coverage;
    mx_coverage_find_each(policy, &mx->items[0].host, sizeof(mx->items[0]), mx->count, &coverage);
    judge(look, edit, policy, &coverage);
    policy_free(policy);
}

enum panel_mx_verdict panel_mx_look(const struct panel_edits *edits, const char *file,
                                    const struct catalogue *catalogue,
                                    const struct dns_resolver *resolver, struct diagnostics *d)
{
    struct look look = {edits, file, catalogue, d, PANEL_MX_GOOD};
    mx_survey_run(&(struct mx_survey){
        .resolver = resolver,
        .count = edits->count,
        .domain = domain_of,
        .take = take,
        .context = &look,
    });
    return look.worst;
}
