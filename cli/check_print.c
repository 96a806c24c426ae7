#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/check_view.h"

static const char *const colours[] = {
    [FINDING_NOTE] = "\033[36m",
    [FINDING_WARNING] = "\033[33m",
    [FINDING_ERROR] = "\033[31m",
};

struct check_printer check_printer_make(FILE *out)
{
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): nobody changes the environment */
    const char *no_color = getenv("NO_COLOR");
    return (struct check_printer){
        .out = out,
        .colours = isatty(fileno(out)) == 1 && (no_color == NULL || no_color[0] == '\0'),
    };
}

/* WORD in the colour of SEVERITY, padded to WIDTH. */
static void print_coloured(const struct check_printer *printer, enum finding_severity severity,
                           const char *word, int width)
{
    if (printer->colours) {
        fprintf(printer->out, "%s%-*s\033[0m", colours[severity], width, word);
    } else {
        fprintf(printer->out, "%-*s", width, word);
    }
}

static void print_posture(const struct check_printer *printer, const struct check_item *item)
{
    const struct policy *policy = observation_policy(&item->observation);
    if (policy == NULL) {
        fputs("no policy that senders can use", printer->out);
    } else {
        fprintf(printer->out, "mode %s, max_age %u", policy_mode_name(policy->mode),
                policy->max_age_s);
    }
}

static void print_counts(const struct check_printer *printer, const struct findings *findings)
{
    size_t counts[FINDING_ERROR + 1] = {0};
    for (size_t i = 0; i < findings->count; i++) {
        counts[findings->items[i].severity]++;
    }
    if (findings->count == 0) {
        fputs("; nothing found", printer->out);
    }
    for (int severity = FINDING_ERROR; severity >= FINDING_NOTE; severity--) {
        if (counts[severity] != 0) {
            fputs("; ", printer->out);
            CLEANUP_FREE char *words =
                memory_printf("%zu %s%s", counts[severity],
                              finding_severity_name((enum finding_severity)severity),
                              counts[severity] > 1 ? "s" : "");
            print_coloured(printer, (enum finding_severity)severity, words, 0);
        }
    }
}

static void print_finding(const struct check_printer *printer, const struct finding *finding)
{
    enum { SEVERITY_WIDTH = 8 };
    const struct finding_facts *facts = finding_facts(finding->kind);
    fputs("  ", printer->out);
    print_coloured(printer, finding->severity, finding_severity_name(finding->severity),
                   SEVERITY_WIDTH);
    fprintf(printer->out,
            "%s: %s\n"
            "          %s: %s\n"
            "          why: %s\n"
            "          do:  %s%s%s%s\n",
            facts->code, facts->title, finding->subject, finding->what, facts->why, facts->advice,
            facts->rfc != NULL ? " (" : "", facts->rfc != NULL ? facts->rfc : "",
            facts->rfc != NULL ? ")" : "");
}

/* The next of a name's addresses: its group, where there is one that the address before did not
 * have. */
static void print_group(const char *host, const char *group, const char **before, bool *first,
                        FILE *out)
{
    if (group[0] == '\0' || (*before != NULL && strcmp(*before, group) == 0)) {
        return;
    }
    if (*before != NULL) {
        fprintf(out, " and %s", group);
    } else {
        fprintf(out, "%s%s %s", *first ? "  key exchange: " : ", ", host, group);
    }
    *before = group;
    *first = false;
}

/* No judgement: what was agreed upon, by name. */
static void print_key_exchange(const struct observation *seen, FILE *out)
{
    bool first = true;
    const char *before = NULL;
    for (size_t i = 0; i < seen->https_count; i++) {
        print_group("policy host", seen->https[i].group, &before, &first, out);
    }
    for (size_t i = 0; i < seen->mx_count; i++) {
        const struct observed_mx *mx = &seen->mx[i];
        before = NULL;
        for (size_t k = 0; k < mx->smtp_count; k++) {
            print_group(mx->host.text, mx->smtp[k].group, &before, &first, out);
        }
    }
    fputs(first ? "" : "\n", out);
}

void check_print_item(const struct check_printer *printer, const struct check_item *item)
{
    fprintf(printer->out, "%s: ", item->domain.text);
    print_posture(printer, item);
    print_counts(printer, &item->findings);
    fputc('\n', printer->out);
    print_key_exchange(&item->observation, printer->out);
    for (size_t i = 0; i < item->findings.count; i++) {
        print_finding(printer, &item->findings.items[i]);
    }
}

void check_print_change(const struct check_printer *printer, char sign, const char *domain,
                        const struct finding *finding)
{
    fprintf(printer->out, "%c %s: ", sign, domain);
    print_coloured(printer, finding->severity, finding_severity_name(finding->severity), 0);
    fprintf(printer->out, " %s: %s: %s\n", finding_facts(finding->kind)->code, finding->subject,
            finding->what);
}

void check_print_kinds(FILE *out)
{
    for (int kind = 0; kind < FINDING_KINDS; kind++) {
        const struct finding_facts *facts = finding_facts((enum finding_kind)kind);
        fprintf(out, "%s%s (%s%s): %s\n    why: %s\n    do:  %s\n", kind == 0 ? "" : "\n",
                facts->code, finding_severity_name(facts->severity),
                facts->by_mode ? " in enforce" : "", facts->title, facts->why, facts->advice);
        if (facts->rfc != NULL) {
            fprintf(out, "    see: %s\n", facts->rfc);
        }
    }
}
