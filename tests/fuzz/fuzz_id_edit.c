/* New ids for all policies of a valid file, or (where its size is odd) for every other one: the
 * result says the same but for those ids, what was there stands there still, and a second time
 * changes nothing.
 *
 * id_edit_apply looks at its result itself; this looks again, in another way. */
#include <stdint.h>
#include <stdio.h>

#include "policies/files/id_edit.h"
#include "policies/files/policy_file.h"

/* NOLINTNEXTLINE(readability-identifier-naming): libFuzzer looks for this name */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct policy_file_defaults defaults = {.max_age_s = 604800};
enum { NOW_S = 1795443301 };

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

static void plan(enum id_edit_section section, const struct policy_file_entry *entries,
                 size_t count, size_t step, struct id_edit *edits, size_t *edit_count)
{
    for (size_t i = 0; i < count; i += step) {
        if (entries[i].policy != NULL) {
            struct id_edit *edit = &edits[(*edit_count)++];
            *edit = (struct id_edit){.section = section, .name = entries[i].name};
            policy_id_make(entries[i].policy, NOW_S, BYTES(""), &edit->id);
        }
    }
}

/* Every octet of what remains of BEFORE when its old ids are taken out comes, in order, in AFTER.
 * Ids may be any letters and digits, so only others are looked at. */
static void expect_rest_is_kept(struct bytes before, struct bytes after)
{
    size_t at = 0;
    for (size_t i = 0; i < before.n; i++) {
        char c = before.p[i];
        bool may_be_id = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        /* An id in double quotes may be written with escapes and line breaks. */
        if (may_be_id || c == '\\' || c == '\n' || c == '\r' || c == ' ' || c == '\t') {
            continue;
        }
        while (at < after.n && after.p[at] != c) {
            at++;
        }
        EXPECT(at < after.n);
        at++;
    }
}

static void expect_meant(const struct policy_file *before, const struct policy_file *after,
                         const struct id_edit *edits, size_t count)
{
    EXPECT(before->policy_count == after->policy_count);
    EXPECT(before->domain_count == after->domain_count);
    for (size_t i = 0; i < count; i++) {
        const struct policy_file_entry *entry = edits[i].section == ID_EDIT_DOMAINS
                                                    ? policy_file_find_domain(after, edits[i].name)
                                                    : policy_file_find_policy(after, edits[i].name);
        EXPECT(entry != NULL);
        EXPECT(bytes_equal(entry->id, bytes_of(edits[i].id.text)));
        EXPECT(policy_id_judge(entry->id, entry->policy) == POLICY_ID_CURRENT);
    }
    for (size_t i = 0; i < before->domain_count; i++) {
        const struct policy_file_entry *a = &before->domains[i];
        const struct policy_file_entry *b = &after->domains[i];
        EXPECT(bytes_equal(a->name, b->name));
        EXPECT(a->policy == NULL || policy_equal(a->policy, b->policy));
    }
}

static void edit(struct bytes text, const struct policy_file *file, size_t step)
{
    struct id_edit *edits =
        memory_zero(file->policy_count + file->domain_count, sizeof(struct id_edit));
    size_t count = 0;
    plan(ID_EDIT_POLICIES, file->policies, file->policy_count, step, edits, &count);
    plan(ID_EDIT_DOMAINS, file->domains, file->domain_count, step, edits, &count);
    struct buffer once = BUFFER(POLICY_FILE_MAX);
    struct buffer twice = BUFFER(POLICY_FILE_MAX);
    struct error e = {0};
    if (id_edit_apply(text, edits, count, &once, &e)) {
        struct policy_file after;
        EXPECT(parse(buffer_bytes(&once), &after));
        expect_meant(file, &after, edits, count);
        expect_rest_is_kept(text, buffer_bytes(&once));
        EXPECT(id_edit_apply(buffer_bytes(&once), edits, count, &twice, &e));
        EXPECT(bytes_equal(buffer_bytes(&once), buffer_bytes(&twice)));
        policy_file_clear(&after);
    } else {
        EXPECT(e.code == ERROR_CONFLICT || e.code == ERROR_SYNTAX);
        EXPECT(e.text[0] != '\0');
        EXPECT(once.n == 0);
    }
    buffer_clear(&once);
    buffer_clear(&twice);
    free(edits);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct policy_file file;
    struct bytes text = {(const char *)data, size};
    if (parse(text, &file)) {
        edit(text, &file, size % 2 + 1);
        policy_file_clear(&file);
    }
    return 0;
}
