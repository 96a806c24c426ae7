/* A panel's file and lines for it, with a line "==" between them; the first octet says which verb.
 * - Lines that are read say the same when they are printed and read again.
 * - An edit is made or refused with words; made, the file parses, each domain has what was meant,
 * and every other one and every shared policy what it had; a second time changes nothing.
 *
 * domain_edit_apply looks at its result itself; this looks again, in another way. */
#include <stdint.h>
#include <stdio.h>

#include "policies/files/domain_edit.h"
#include "policies/panel/panel_line.h"

/* NOLINTNEXTLINE(readability-identifier-naming): libFuzzer looks for this name */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LINES_MAX = 1024 * 1024 };

static const struct policy_file_defaults DEFAULTS = {.max_age_s = 604800};

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
    bool good = policy_file_parse(text, "fuzz", &DEFAULTS, ret_file, &d);
    diagnostics_clear(&d);
    return good;
}

static const char *elsewhere(struct bytes domain, void *context)
{
    (void)context;
    return bytes_ends_with(domain, BYTES(".else")) ? "/else.yaml" : NULL;
}

static bool has_shared(struct bytes name, void *context)
{
    (void)context;
    return !bytes_equal(name, BYTES("nosuch"));
}

static const struct policy *policy_of(struct bytes domain, void *context)
{
    return domain.n % 2 == 0 ? context : NULL;
}

static void check_printed(const struct panel_edits *edits, enum panel_verb verb)
{
    struct error e;
    struct panel_edits again = {0};
    struct buffer once = BUFFER(LINES_MAX);
    struct buffer twice = BUFFER(LINES_MAX);
    for (size_t i = 0; i < edits->count; i++) {
        panel_line_print(&edits->items[i], &once);
    }
    EXPECT(panel_lines_parse(buffer_bytes(&once), verb, NULL, &again, &e));
    EXPECT(again.count == edits->count);
    for (size_t i = 0; i < again.count; i++) {
        panel_line_print(&again.items[i], &twice);
    }
    EXPECT(bytes_equal(buffer_bytes(&once), buffer_bytes(&twice)));
    panel_edits_clear(&again);
    buffer_clear(&once);
    buffer_clear(&twice);
}

static const struct panel_item *find_item(const struct panel_item *items, size_t count,
                                          struct bytes domain)
{
    for (size_t i = 0; i < count; i++) {
        if (items[i].outcome != PANEL_UNCHANGED && bytes_equal(items[i].edit.domain, domain)) {
            return &items[i];
        }
    }
    return NULL;
}

static void check_meant(const struct policy_file *after, const struct panel_item *items,
                        size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct domain_edit *edit = &items[i].edit;
        if (items[i].outcome == PANEL_UNCHANGED) {
            continue;
        }
        const struct policy_file_entry *entry = policy_file_find_domain(after, edit->domain);
        EXPECT((entry == NULL) == edit->gone);
        if (entry != NULL && edit->policy != NULL) {
            EXPECT(entry->policy != NULL && policy_equal(entry->policy, edit->policy));
        } else if (entry != NULL) {
            EXPECT(bytes_equal(entry->shared, edit->shared));
        }
    }
}

static void check_others(const struct policy_file *before, const struct policy_file *after,
                         const struct panel_item *items, size_t count)
{
    EXPECT(before->policy_count == after->policy_count);
    for (size_t i = 0; i < before->domain_count; i++) {
        const struct policy_file_entry *was = &before->domains[i];
        const struct policy_file_entry *is = policy_file_find_domain(after, was->name);
        if (find_item(items, count, was->name) != NULL) {
            continue;
        }
        EXPECT(is != NULL && bytes_equal(is->shared, was->shared) && bytes_equal(is->id, was->id));
        EXPECT(bytes_equal(is->tlsrpt, was->tlsrpt) &&
               (is->policy == NULL) == (was->policy == NULL));
        EXPECT(is->policy == NULL || policy_equal(is->policy, was->policy));
    }
}

static int compare(const void *left, const void *right)
{
    const struct domain_edit *a = left;
    const struct domain_edit *b = right;
    return bytes_compare(a->domain, b->domain);
}

static void apply(struct bytes text, const struct policy_file *before,
                  const struct panel_item *items, size_t count)
{
    struct error e = {0};
    struct buffer once = BUFFER(POLICY_FILE_MAX);
    struct buffer twice = BUFFER(POLICY_FILE_MAX);
    struct domain_edit *edits = memory_zero(count + 1, sizeof(*edits));
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (items[i].outcome != PANEL_UNCHANGED) {
            edits[n] = items[i].edit;
            edits[n++].id = bytes_of(items[i].id.text);
        }
    }
    qsort(edits, n, sizeof(*edits), compare);
    if (domain_edit_apply(text, edits, n, &once, &e)) {
        struct policy_file after;
        EXPECT(parse(buffer_bytes(&once), &after));
        check_meant(&after, items, count);
        check_others(before, &after, items, count);
        EXPECT(domain_edit_apply(buffer_bytes(&once), edits, n, &twice, &e));
        policy_file_clear(&after);
        EXPECT(parse(buffer_bytes(&twice), &after));
        check_meant(&after, items, count);
        policy_file_clear(&after);
    } else {
        EXPECT(e.code != ERROR_NONE && e.text[0] != '\0' && once.n == 0);
    }
    free(edits);
    buffer_clear(&once);
    buffer_clear(&twice);
}

static void edit(struct bytes text, const struct panel_edits *edits)
{
    struct error e = {0};
    struct policy *served = NULL;
    struct panel_item *items = NULL;
    struct policy_file file;
    const struct policy_terms none = {.mode = POLICY_NONE};
    EXPECT(policy_new(&none, &served, &e));
    const struct panel_facts facts = {elsewhere, has_shared, policy_of, served};
    const struct panel_task task = {edits->items, edits->count, &facts, text.n % 2 == 0,
                                    1790000000};
    if (parse(text, &file)) {
        if (panel_plan_make(&task, &file, &items, &e)) {
            apply(text, &file, items, edits->count);
            panel_items_free(items, edits->count);
        } else {
            EXPECT(e.text[0] != '\0' && e.line != 0);
        }
        policy_file_clear(&file);
    }
    policy_free(served);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error e;
    struct panel_edits edits = {0};
    struct bytes text = {(const char *)data + 1, size > 0 ? size - 1 : 0};
    const char *between = size > 0 ? memmem(text.p, text.n, "\n==\n", 4) : NULL;
    if (between == NULL) {
        return 0;
    }
    enum panel_verb verb = (enum panel_verb)(data[0] % (PANEL_EXPIRE + 1));
    struct bytes file = {text.p, (size_t)(between - text.p) + 1};
    if (panel_lines_parse(bytes_skip(text, file.n + 3), verb, NULL, &edits, &e)) {
        check_printed(&edits, verb);
        edit(file, &edits);
        panel_edits_clear(&edits);
    } else {
        EXPECT(e.text[0] != '\0' && edits.count == 0);
    }
    return 0;
}
