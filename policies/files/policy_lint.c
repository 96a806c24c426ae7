#include "policy_lint.h"

#include <string.h>

#include "lib/base/memory.h"
#include "policies/model/mx_pattern.h"
#include "policies/model/policy_id.h"

enum { DAY_S = 24 * 60 * 60 };

/* One policy, and where it stands. */
struct subject {
    const struct policy *policy;
    struct bytes id;
    const char *file;
    unsigned line;
    unsigned column;
};

#define WARN(d, place, ...)                                                                        \
    diagnostics_add((d), SEVERITY_WARNING, (place)->file, (place)->line, (place)->column,          \
                    __VA_ARGS__)

static int by_octets(const void *left, const void *right)
{
    const struct bytes *a = left;
    const struct bytes *b = right;
    return bytes_compare(*a, *b);
}

/* The patterns of POLICY, sorted; the caller frees them, POLICY owns their texts. */
static struct bytes *sorted_mx(const struct policy *policy, size_t *ret_count)
{
    size_t count = 0;
    size_t cursor = 0;
    struct bytes pattern;
    while (policy_next_mx(policy, &cursor, &pattern)) {
        count++;
    }
    struct bytes *mx = memory_zero(count, sizeof(*mx));
    cursor = 0;
    for (size_t i = 0; i < count && policy_next_mx(policy, &cursor, &mx[i]); i++) {
    }
    qsort(mx, count, sizeof(*mx), by_octets);
    *ret_count = count;
    return mx;
}

/* The one wildcard that would cover HOST: its first label replaced by a star. */
static bool wildcard_above(struct bytes host, struct dns_name *ret_pattern)
{
    const char *dot = memchr(host.p, '.', host.n);
    if (dot == NULL || host.p[0] == '*') {
        return false;
    }
    struct bytes tail = {dot, host.n - (size_t)(dot - host.p)};
    ret_pattern->n = (unsigned char)(tail.n + 1);
    ret_pattern->text[0] = '*';
    memcpy(ret_pattern->text + 1, tail.p, tail.n);
    ret_pattern->text[ret_pattern->n] = '\0';
    return true;
}

static bool is_wildcard(struct bytes mx)
{
    return mx.p[0] == '*';
}

/* MX: sorted; the AT-th of COUNT. */
static void check_pattern(const struct bytes *mx, size_t count, size_t at,
                          const struct subject *subject, struct diagnostics *d)
{
    struct dns_name above;
    struct bytes pattern = mx[at];
    if (at > 0 && bytes_equal(pattern, mx[at - 1])) {
        return; /* told already */
    }
    if (at + 1 < count && bytes_equal(pattern, mx[at + 1])) {
        WARN(d, subject, "mx \"%.*s\" stands more than once; remove one", BYTES_ARG(pattern));
    }
    if (wildcard_above(pattern, &above)) {
        struct bytes key = dns_name_bytes(&above);
        if (bsearch(&key, mx, count, sizeof(*mx), by_octets) != NULL) {
            WARN(d, subject, "mx \"%.*s\" is covered by \"%s\" already; remove one of them",
                 BYTES_ARG(pattern), above.text);
        }
    }
    if (!dns_name_is_idna(pattern)) {
        WARN(d, subject,
             "mx \"%.*s\" is no valid internationalised name (IDNA), though DNS may have it; look "
             "at what follows xn--",
             BYTES_ARG(pattern));
    }
    if (is_wildcard(pattern) && memchr(pattern.p + 2, '.', pattern.n - 2) == NULL) {
        WARN(d, subject,
             "mx \"%.*s\" covers every host right under a top-level domain, other people's too; "
             "name your own",
             BYTES_ARG(pattern));
    }
}

static void check_mx(const struct subject *subject, struct diagnostics *d)
{
    size_t count = 0;
    CLEANUP_FREE struct bytes *mx = sorted_mx(subject->policy, &count);
    for (size_t i = 0; i < count; i++) {
        check_pattern(mx, count, i, subject, d);
    }
    if (subject->policy->mode == POLICY_ENFORCE && count == 1 && !is_wildcard(mx[0])) {
        WARN(d, subject,
             "mode enforce with a single mx: mail waits in the senders' queues when another host "
             "has to take over; name that one too, before it is needed");
    }
}

static void check_max_age(const struct subject *subject, struct diagnostics *d)
{
    const struct policy *policy = subject->policy;
    if (policy->mode == POLICY_ENFORCE && policy->max_age_s < POLICY_LINT_ENFORCE_MAX_AGE_MIN_S) {
        WARN(d, subject,
             "mode enforce with a max_age of %u s: a sender that does not write every day is not "
             "protected; raise max_age to a week (1w) or more",
             policy->max_age_s);
    }
    if (policy->mode == POLICY_NONE && policy->max_age_s > POLICY_LINT_NONE_MAX_AGE_MAX_S) {
        WARN(d, subject,
             "mode none with a max_age of %u s keeps senders from asking again for that long (RFC "
             "8461, section 8.3); lower max_age to a day (1d) or less",
             policy->max_age_s);
    }
}

static void check_testing(const struct subject *subject, int64_t now_s, struct diagnostics *d)
{
    int64_t since_s = 0;
    if (subject->policy->mode != POLICY_TESTING || !policy_id_time(subject->id, &since_s) ||
        now_s - since_s <= POLICY_LINT_TESTING_MAX_S) {
        return;
    }
    WARN(d, subject,
         "mode testing for %lld days (by the id's time) protects nobody; when the reports name no "
         "failures, write enforce",
         (long long)((now_s - since_s) / DAY_S));
}

static void lint(const struct subject *subject, int64_t now_s, struct diagnostics *d)
{
    check_max_age(subject, d);
    check_mx(subject, d);
    check_testing(subject, now_s, d);
}

/* NOLINTNEXTLINE(readability-function-size): a place is three of its parameters */
void policy_lint_one(const struct policy *policy, struct bytes id, const char *file, unsigned line,
                     unsigned column, int64_t now_s, struct diagnostics *d)
{
    lint(&(struct subject){policy, id, file, line, column}, now_s, d);
}

static int by_id_and_place(const void *left, const void *right)
{
    const struct policy_lint_shared *a = left;
    const struct policy_lint_shared *b = right;
    int order = bytes_compare(a->entry->id, b->entry->id);
    if (order == 0) {
        order = strcmp(a->path, b->path);
    }
    if (order == 0) {
        const struct policy_file_place *p = &a->entry->place;
        const struct policy_file_place *q = &b->entry->place;
        order = p->line != q->line ? (p->line > q->line) - (p->line < q->line)
                                   : (p->column > q->column) - (p->column < q->column);
    }
    return order;
}

/* An id of ours names one text, so only a foreign one can stand for two. */
static bool id_names_two_texts(const struct policy_lint_shared *a,
                               const struct policy_lint_shared *b)
{
    return bytes_equal(a->entry->id, b->entry->id) &&
           policy_id_judge(a->entry->id, a->policy) == POLICY_ID_FOREIGN &&
           !policy_equal(a->policy, b->policy);
}

/* Compares each with the first that has its id: IN_ONE_FILE chooses which pairs are told. */
static void check_shared_ids(struct policy_lint_shared *items, size_t count, bool in_one_file,
                             struct diagnostics *d)
{
    if (count == 0) {
        return;
    }
    qsort(items, count, sizeof(*items), by_id_and_place);
    const struct policy_lint_shared *first = &items[0];
    for (size_t i = 1; i < count; i++) {
        const struct policy_lint_shared *item = &items[i];
        if (!bytes_equal(item->entry->id, first->entry->id)) {
            first = item;
            continue;
        }
        bool same_file = strcmp(item->path, first->path) == 0;
        if (same_file != in_one_file || !id_names_two_texts(item, first)) {
            continue;
        }
        struct subject place = {.file = item->path,
                                .line = item->entry->id_place.line,
                                .column = item->entry->id_place.column};
        WARN(d, &place,
             "id %.*s is that of the shared policy %.*s too (%s:%u:%u): senders do not notice when "
             "a domain moves from one to the other; run mtasts-host bump-id",
             BYTES_ARG(item->entry->id), BYTES_ARG(first->entry->name), first->path,
             first->entry->id_place.line, first->entry->id_place.column);
    }
}

static void check_name(const struct policy_file_entry *entry, const char *path,
                       struct diagnostics *d)
{
    struct subject place = {.file = path, .line = entry->place.line, .column = entry->place.column};
    if (bytes_starts_with(entry->name, BYTES("mta-sts."))) {
        diagnostics_add(d, SEVERITY_ERROR, place.file, place.line, place.column,
                        "%.*s is the host that serves a policy, not a mail domain; leave "
                        "\"mta-sts.\" out",
                        BYTES_ARG(entry->name));
    } else if (memchr(entry->name.p, '.', entry->name.n) == NULL) {
        WARN(d, &place,
             "%.*s is a single label: no mail domain on the Internet, and no CA gives it a "
             "certificate; write the whole domain",
             BYTES_ARG(entry->name));
    }
}

static void lint_entries(const struct policy_file_entry *entries, size_t count, const char *path,
                         int64_t now_s, struct diagnostics *d)
{
    for (size_t i = 0; i < count; i++) {
        const struct policy_file_entry *entry = &entries[i];
        if (entry->policy != NULL && entry->mirror == NULL) { /* that one is the provider's */
            struct subject subject = {entry->policy, entry->id, path, entry->place.line,
                                      entry->place.column};
            lint(&subject, now_s, d);
        }
    }
}

void policy_lint(const struct policy_file *file, const char *path, int64_t now_s,
                 struct diagnostics *d)
{
    lint_entries(file->policies, file->policy_count, path, now_s, d);
    lint_entries(file->domains, file->domain_count, path, now_s, d);
    for (size_t i = 0; i < file->domain_count; i++) {
        check_name(&file->domains[i], path, d);
    }

    CLEANUP_FREE struct policy_lint_shared *items = memory_zero(file->policy_count, sizeof(*items));
    for (size_t i = 0; i < file->policy_count; i++) {
        items[i] = (struct policy_lint_shared){path, &file->policies[i], file->policies[i].policy};
    }
    check_shared_ids(items, file->policy_count, true, d);
}

void policy_lint_shared_ids(struct policy_lint_shared *items, size_t count, struct diagnostics *d)
{
    check_shared_ids(items, count, false, d);
}
