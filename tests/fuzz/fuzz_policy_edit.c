/* Edits of the policies of a valid file, which ones and how by its size: the file afterwards says
 * what was meant and nothing else has changed, in what it says and in its octets; a second time
 * changes nothing.
 *
 * policy_edit_apply looks at its result itself; this looks again, in another way. */
#include <stdint.h>
#include <stdio.h>

#include "policies/files/policy_edit.h"
#include "policies/files/policy_file.h"

/* NOLINTNEXTLINE(readability-identifier-naming): libFuzzer looks for this name */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct policy_file_defaults defaults = {.max_age_s = 604800};
enum { ENTRIES_MAX = 8 };

static void expect(bool so, const char *what, int line)
{
    if (!so) {
        fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, line, what);
        abort();
    }
}
#define EXPECT(condition) expect((condition), #condition, __LINE__)

static bool parse(struct bytes text, struct policy_file *ret_file)
{
    struct diagnostics d = {0};
    bool good = policy_file_parse(text, "fuzz", &defaults, ret_file, &d);
    diagnostics_clear(&d);
    return good;
}

static const struct policy *policy_of(const struct policy_file *file,
                                      const struct policy_file_entry *entry)
{
    if (entry->policy != NULL) {
        return entry->policy;
    }
    const struct policy_file_entry *shared = policy_file_find_policy(file, entry->shared);
    return shared != NULL ? shared->policy : NULL;
}

static bool same(const struct policy_file_entry *a, const struct policy_file_entry *b)
{
    return bytes_equal(a->name, b->name) && bytes_equal(a->shared, b->shared) &&
           bytes_equal(a->id, b->id) && bytes_equal(a->tlsrpt, b->tlsrpt) &&
           (a->policy == NULL ? b->policy == NULL
                              : b->policy != NULL && policy_equal(a->policy, b->policy));
}

static void expect_others(const struct policy_file_entry *before, size_t before_count,
                          const struct policy_file_entry *after, size_t after_count,
                          const struct policy_file_entry *edited, const struct policy *meant)
{
    EXPECT(before_count == after_count);
    for (size_t i = 0; i < before_count; i++) {
        if (&before[i] == edited) {
            EXPECT(after[i].policy != NULL && after[i].shared.n == 0);
            EXPECT(policy_equal(after[i].policy, meant));
            EXPECT(bytes_equal(before[i].id, after[i].id));
            EXPECT(bytes_equal(before[i].tlsrpt, after[i].tlsrpt));
        } else {
            EXPECT(same(&before[i], &after[i]));
        }
    }
}

/* The lines of BEFORE but those in the middle that differ; nothing outside one stretch of lines has
 * changed, and that stretch is no longer than an entry: it has the key of no other one. */
static void expect_one_stretch(struct bytes before, struct bytes after,
                               const struct policy_file_entry *entry)
{
    size_t front = 0;
    while (front < before.n && front < after.n && before.p[front] == after.p[front]) {
        front++;
    }
    size_t back = 0;
    while (back < before.n - front && back < after.n - front &&
           before.p[before.n - 1 - back] == after.p[after.n - 1 - back]) {
        back++;
    }
    /* The entry's key stands before all that changed. */
    unsigned line = 1;
    for (size_t i = 0; i < front; i++) {
        line += before.p[i] == '\n' ||
                (before.p[i] == '\r' && (i + 1 == before.n || before.p[i + 1] != '\n'));
    }
    EXPECT(back <= before.n && line >= entry->place.line);
}

static void edit(struct bytes text, const struct policy_file *file,
                 const struct policy_file_entry *entry, enum id_edit_section section, size_t kind)
{
    static const struct dns_name added = {.n = 13, .text = "new.mx.sample"};
    const struct policy *before = policy_of(file, entry);
    if (before == NULL) {
        return;
    }
    struct dns_name first = {0};
    size_t cursor = 0;
    struct bytes mx;
    if (policy_next_mx(before, &cursor, &mx)) {
        first.n = (unsigned char)mx.n;
        memcpy(first.text, mx.p, mx.n);
    }
    /* Left out, it must not be taken for what the edit's own default is. */
    bool set_max_age =
        entry->policy == NULL || before->max_age_s == defaults.max_age_s || (kind & 2) != 0;
    const struct policy_edit edit = {
        .section = section,
        .name = entry->name,
        .basis = before,
        .set_mode = (kind & 1) != 0,
        .mode = POLICY_NONE,
        .set_max_age = set_max_age,
        .max_age_s = 86400,
        .mx_add = &added,
        .mx_add_count = (kind & 4) != 0,
        .mx_remove = &first,
        .mx_remove_count = (kind & 8) != 0,
    };
    struct policy *meant = NULL;
    struct buffer once = BUFFER(POLICY_FILE_MAX);
    struct buffer twice = BUFFER(POLICY_FILE_MAX);
    struct error e = {0};
    bool applied = policy_edit_apply(text, &edit, &once, &e);
    struct error ignored = {0};
    if (applied && policy_edit_meant(&edit, before, &meant, &ignored)) {
        struct policy_file after;
        EXPECT(parse(buffer_bytes(&once), &after));
        expect_others(file->policies, file->policy_count, after.policies, after.policy_count, entry,
                      meant);
        expect_others(file->domains, file->domain_count, after.domains, after.domain_count, entry,
                      meant);
        expect_one_stretch(text, buffer_bytes(&once), entry);
        EXPECT(policy_edit_apply(buffer_bytes(&once), &edit, &twice, &e));
        EXPECT(bytes_equal(buffer_bytes(&once), buffer_bytes(&twice)));
        policy_file_clear(&after);
        policy_free(meant);
    } else {
        EXPECT(!applied);
        EXPECT(e.code == ERROR_CONFLICT || e.code == ERROR_SYNTAX || e.code == ERROR_LIMIT);
        EXPECT(e.text[0] != '\0');
        EXPECT(once.n == 0);
    }
    buffer_clear(&once);
    buffer_clear(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct policy_file file;
    struct bytes text = {(const char *)data, size};
    if (parse(text, &file)) {
        for (size_t i = 0; i < file.policy_count && i < ENTRIES_MAX; i++) {
            edit(text, &file, &file.policies[i], ID_EDIT_POLICIES, size + i);
        }
        for (size_t i = 0; i < file.domain_count && i < ENTRIES_MAX; i++) {
            edit(text, &file, &file.domains[i], ID_EDIT_DOMAINS, size / 2 + i);
        }
        policy_file_clear(&file);
    }
    return 0;
}
