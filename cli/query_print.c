#include "query_print.h"

#include <jansson.h>

#include "cli/json_view.h"
#include "lib/base/memory.h"
#include "lib/base/safe_json.h"

struct question {
    struct bytes domain;
    const struct sender_policy *found;
    const struct policy *policy; /* NULL: the domain has none */
};

static int64_t expires_s(const struct question *question)
{
    return question->found->cached.fetched_s + (int64_t)question->policy->max_age_s;
}

static bool enforces(const struct question *question)
{
    return question->policy != NULL && question->policy->mode == POLICY_ENFORCE;
}

static void print_text(const struct question *question, FILE *out)
{
    fprintf(out, "domain: %.*s\n", BYTES_ARG(question->domain));
    if (question->policy == NULL) {
        fprintf(out, "policy: no\n");
        return;
    }
    fprintf(out, "policy: %s\nmode: %s\n", question->found->confirmed ? "confirmed" : "kept",
            policy_mode_name(question->policy->mode));
    size_t cursor = 0;
    struct bytes mx;
    while (policy_next_mx(question->policy, &cursor, &mx)) {
        fprintf(out, "mx: %.*s\n", BYTES_ARG(mx));
    }
    fprintf(out, "max_age: %u\nid: %s\nfetched: %lld\nexpires: %lld\n", question->policy->max_age_s,
            question->found->cached.id, (long long)question->found->cached.fetched_s,
            (long long)expires_s(question));
}

static json_t *remark_of(const struct question *question)
{
    const struct error *remark = &question->found->remark;
    return safe_json_text(remark->code != ERROR_NONE ? remark->text : NULL);
}

static void print_json(const struct question *question, FILE *out)
{
    json_t *all = json_pack("{s:s%, s:b, s:o}", "domain", question->domain.p, question->domain.n,
                            "policy", question->policy != NULL, "remark", remark_of(question));
    if (question->policy != NULL) {
        json_t *rest = json_pack(
            "{s:b, s:b, s:s, s:o, s:I, s:s, s:I, s:I}", "confirmed", question->found->confirmed,
            "enforce", enforces(question), "mode", policy_mode_name(question->policy->mode), "mx",
            json_view_mx(question->policy), "max_age", (json_int_t)question->policy->max_age_s,
            "id", question->found->cached.id, "fetched",
            (json_int_t)question->found->cached.fetched_s, "expires",
            (json_int_t)expires_s(question));
        json_object_update(all, rest);
        json_decref(rest);
    }
    json_view_print(all, out);
}

/* A regular expression for the hosts that a pattern matches; a dot in brackets, as backslashes
 * would have to be doubled on the way through Exim. */
static void print_expression(struct bytes mx, FILE *out)
{
    bool wildcard = bytes_starts_with(mx, BYTES("*."));
    fputs(wildcard ? "^(?i)[^.]+" : "^(?i)", out);
    for (size_t i = wildcard ? 1 : 0; i < mx.n; i++) {
        fprintf(out, mx.p[i] == '.' ? "[%c]" : "%c", mx.p[i]);
    }
    fputc('$', out);
}

static void print_remark(const struct error *remark, FILE *out)
{
    if (remark->code == ERROR_NONE) {
        return;
    }
    fputs(" remark=\"", out);
    for (const char *c = remark->text; *c != '\0'; c++) {
        fputc(*c == '"' || *c == '\\' || (unsigned char)*c < ' ' ? '\'' : *c, out);
    }
    fputc('"', out);
}

/* Exim takes the first item that matches: what the policy names is not ignored, all else is. */
static void print_exim(const struct question *question, FILE *out)
{
    if (question->policy == NULL) {
        fputs("mode=none", out);
    } else {
        fprintf(out, "mode=%s id=%s", policy_mode_name(question->policy->mode),
                question->found->cached.id);
    }
    if (enforces(question)) {
        fputs(" ignore=", out);
        size_t cursor = 0;
        struct bytes mx;
        while (policy_next_mx(question->policy, &cursor, &mx)) {
            fputc('!', out);
            print_expression(mx, out);
            fputc(':', out);
        }
        fputc('*', out);
    }
    print_remark(&question->found->remark, out);
    fputc('\n', out);
}

/* Postfix knows no star: `.example.org` covers names of any depth below. */
static void print_postfix(const struct question *question, FILE *out)
{
    if (!enforces(question)) {
        return;
    }
    fprintf(out, "%.*s secure match=", BYTES_ARG(question->domain));
    size_t cursor = 0;
    struct bytes mx;
    for (bool first = true; policy_next_mx(question->policy, &cursor, &mx); first = false) {
        struct bytes name = bytes_starts_with(mx, BYTES("*.")) ? bytes_skip(mx, 1) : mx;
        fprintf(out, "%s%.*s", first ? "" : ":", BYTES_ARG(name));
    }
    fputs(" servername=hostname\n", out);
}

bool query_print(const char *format, struct bytes domain, const struct sender_policy *found,
                 FILE *out)
{
    static const struct {
        const char *name;
        void (*print)(const struct question *question, FILE *out);
    } rows[] = {{"text", print_text},
                {"json", print_json},
                {"exim", print_exim},
                {"postfix", print_postfix}};
    struct question question = {domain, found, found->cached.policy};
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (strcmp(rows[i].name, format) == 0) {
            rows[i].print(&question, out);
            return true;
        }
    }
    return false;
}
