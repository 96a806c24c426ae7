#include "tree_import.h"

#include <stdio.h>

#include "lib/base/file.h"
#include "lib/base/parallel.h"
#include "lib/dns/lookup.h"
#include "policies/files/policy_file.h"
#include "policies/files/policy_tree.h"
#include "policies/model/policy_id.h"
#include "policies/model/policy_text.h"
#include "policies/model/sts_record.h"

enum {
    SHARE_FROM = 2,       /* domains with one text that make a shared policy of it */
    SHARED_NAME_MAX = 32, /* "shared-" and a number */
    LOOK_UPS = 16,        /* at the same time */
};

struct imported {
    const struct policy_tree_file *file;
    struct policy *policy; /* owned */
    size_t group;          /* 1 + the shared policy's index; 0: its own */
    struct policy_id live; /* in DNS; "": none */
    char *live_problem;    /* why that is none; owned; or NULL */
};

struct import {
    struct policy_tree tree;
    struct imported *domains; /* in the tree's order: by name */
    size_t count;
    struct policy_file_entry *entries; /* shared policies, then domains */
    struct policy_id *ids;             /* of each entry; "" where it has no policy of its own */
    char (*shared_names)[SHARED_NAME_MAX];
    struct tree_import *result;
};

static void clear(struct import *import)
{
    for (size_t i = 0; i < import->count; i++) {
        policy_free(import->domains[i].policy);
        free(import->domains[i].live_problem);
    }
    free(import->domains);
    free(import->entries);
    free(import->ids);
    free(import->shared_names);
    policy_tree_clear(&import->tree);
}

/* Reads one policy; what is wrong with it, or only unwise, is told with its place. */
static struct policy *read_policy(const struct tree_import *result, const char *path)
{
    CLEANUP(diagnostics_clear) struct diagnostics d = {0};
    CLEANUP(buffer_clear) struct buffer text = BUFFER(POLICY_BODY_MAX);
    struct policy *policy = NULL;
    struct error e;
    if (!file_read(path, &text, NULL, &e)) {
        diagnostics_add_error(&d, path, &e);
    } else if (!policy_text_parse(buffer_bytes(&text), path, &policy, &d)) {
        policy = NULL;
    }
    result->tell(&d, result->context);
    return policy;
}

/* The domain has a better place in the tree. */
static void leave_out(const struct tree_import *result, const struct policy_tree_file *file,
                      const struct policy_tree_file *better)
{
    CLEANUP(diagnostics_clear) struct diagnostics d = {0};
    diagnostics_add(&d, SEVERITY_WARNING, file->path, 0, 0,
                    "left out: %s is the policy of %s already", better->path, file->domain.text);
    result->tell(&d, result->context);
}

static void read_all(struct import *import)
{
    const struct policy_tree *tree = &import->tree;
    import->domains = memory_zero(tree->count + 1, sizeof(import->domains[0]));
    for (size_t i = 0; i < tree->count; i++) {
        const struct policy_tree_file *file = &tree->files[i];
        const struct policy_tree_file *previous =
            import->count != 0 ? import->domains[import->count - 1].file : NULL;
        if (previous != NULL && strcmp(previous->domain.text, file->domain.text) == 0) {
            leave_out(import->result, file, previous);
            continue;
        }
        struct policy *policy = read_policy(import->result, file->path);
        if (policy == NULL) {
            import->result->left_out++;
            continue;
        }
        import->domains[import->count++] = (struct imported){.file = file, .policy = policy};
    }
}

/* --- Ids that are in DNS --- */

static bool look_up(const struct dns_resolver *resolver, struct imported *domain, struct error *e)
{
    struct sts_record record;
    CLEANUP(dns_txt_set_clear) struct dns_txt_set txt = {0};
    CLEANUP_FREE char *name = memory_printf("_mta-sts.%s", domain->file->domain.text);
    if (!dns_lookup_txt(resolver, bytes_of(name), &txt, e) ||
        !sts_record_choose(txt.items, txt.count, &record, e)) {
        return false;
    }
    if (policy_id_judge(record.id, domain->policy) == POLICY_ID_STALE) {
        return error_set(e, ERROR_CONFLICT, "its id %.*s is of another text", BYTES_ARG(record.id));
    }
    policy_id_for_record(record.id, domain->policy, &domain->live);
    return true;
}

/* lib/base/parallel.h */
static void look_up_one(size_t number, void *own, void *context)
{
    struct import *import = context;
    struct imported *domain = &import->domains[number];
    struct error e;
    (void)own;
    if (!look_up(import->result->resolver, domain, &e)) {
        domain->live_problem = memory_string(e.text);
    }
}

static void take_live_id(size_t number, void *context)
{
    struct import *import = context;
    struct imported *domain = &import->domains[number];
    CLEANUP(diagnostics_clear) struct diagnostics d = {0};
    if (domain->live_problem == NULL) {
        import->result->kept_ids++;
        return;
    }
    diagnostics_add(&d, SEVERITY_WARNING, domain->file->path, 0, 0,
                    "_mta-sts.%s in DNS: %s; the policy gets a new id", domain->file->domain.text,
                    domain->live_problem);
    import->result->tell(&d, import->result->context);
}

static void look_up_all(struct import *import)
{
    (void)parallel_run(&(struct parallel_jobs){.count = import->count,
                                               .work = look_up_one,
                                               .take = take_live_id,
                                               .context = import,
                                               .threads = LOOK_UPS});
}

/* --- Shared policies --- */

static void tell_left(const struct tree_import *result, const struct policy_tree_left *left)
{
    CLEANUP(diagnostics_clear) struct diagnostics d = {0};
    diagnostics_add(&d, SEVERITY_WARNING, left->path, 0, 0,
                    left->has_policy
                        ? "left out: whose policy it has, its name does not say; rename it to "
                          "mta-sts.DOMAIN, or write the policy yourself"
                        : "left out: there is no mta-sts.txt in it, nor two directories deeper");
    result->tell(&d, result->context);
}

/* Nothing is lost in silence. */
static void tell_all_left(struct import *import)
{
    for (size_t i = 0; i < import->tree.left_count; i++) {
        tell_left(import->result, &import->tree.left[i]);
    }
    import->result->left_out += import->tree.left_count;
    import->result->failed = import->result->left_out != 0;
}

static int by_body(const void *left, const void *right)
{
    const struct imported *a = left;
    const struct imported *b = right;
    int order = bytes_compare(policy_body(a->policy), policy_body(b->policy));
    order = order != 0 ? order : strcmp(a->live.text, b->live.text);
    return order != 0 ? order : strcmp(a->file->domain.text, b->file->domain.text);
}

static int by_domain(const void *left, const void *right)
{
    const struct imported *a = left;
    const struct imported *b = right;
    return strcmp(a->file->domain.text, b->file->domain.text);
}

/* Gives the next group to COUNT neighbours that have one text, where they are enough. */
static void group(struct import *import, struct imported *first, size_t count)
{
    if (count < SHARE_FROM) {
        return;
    }
    import->result->shared_policies++;
    for (size_t i = 0; i < count; i++) {
        first[i].group = import->result->shared_policies;
    }
}

static bool may_share(const struct imported *a, const struct imported *b)
{
    return policy_equal(a->policy, b->policy) && strcmp(a->live.text, b->live.text) == 0;
}

/* Finds the domains whose policies are one text, and one id where that is kept. */
static void find_groups(struct import *import)
{
    struct imported *all = import->domains;
    qsort(all, import->count, sizeof(all[0]), by_body);
    for (size_t first = 0, end = 0; first < import->count; first = end) {
        while (end < import->count && may_share(&all[first], &all[end])) {
            end++;
        }
        group(import, &all[first], end - first);
    }
    qsort(all, import->count, sizeof(all[0]), by_domain);
}

/* Entry I, which has a policy, gets the id LIVE, or where that is "" one that says which text it is
 * of: so the first bump-id changes what was edited since, and nothing else. */
static void give_id(struct import *import, size_t i, const struct policy_id *live)
{
    struct policy_file_entry *entry = &import->entries[i];
    import->ids[i] = *live;
    if (live->text[0] == '\0') {
        policy_id_make(entry->policy, import->result->now_s, BYTES(""), &import->ids[i]);
    }
    entry->id = bytes_of(import->ids[i].text);
}

/* The same as a policy file, which borrows from IMPORT. */
static void make_file(struct import *import, struct policy_file *ret_file)
{
    size_t shared = import->result->shared_policies;
    import->entries = memory_zero(shared + import->count + 1, sizeof(import->entries[0]));
    import->shared_names = memory_zero(shared + 1, sizeof(import->shared_names[0]));
    import->ids = memory_zero(shared + import->count + 1, sizeof(import->ids[0]));
    for (size_t i = 0; i < shared; i++) {
        snprintf(import->shared_names[i], SHARED_NAME_MAX, "shared-%zu", i + 1);
        import->entries[i].name = bytes_of(import->shared_names[i]);
    }
    for (size_t i = 0; i < import->count; i++) {
        const struct imported *domain = &import->domains[i];
        struct policy_file_entry *entry = &import->entries[shared + i];
        entry->name = dns_name_bytes(&domain->file->domain);
        size_t policy = domain->group != 0 ? domain->group - 1 : shared + i;
        if (domain->group != 0) {
            entry->shared = import->entries[policy].name;
        }
        import->entries[policy].policy = domain->policy;
        give_id(import, policy, &domain->live);
    }
    *ret_file = (struct policy_file){
        .policies = import->entries,
        .policy_count = shared,
        .domains = import->entries + shared,
        .domain_count = import->count,
    };
}

bool tree_import_run(struct tree_import *result, const char *directory, bool shares,
                     struct buffer *text, struct error *e)
{
    CLEANUP(clear) struct import import = {.result = result};
    if (!policy_tree_find(directory, &import.tree, e)) {
        return false;
    }
    read_all(&import);
    tell_all_left(&import);
    result->domains = import.count;
    if (import.count == 0) {
        return error_set(e, ERROR_NOT_FOUND,
                         "no policy below %s; name the directory that has one directory a host: "
                         "mta-sts.DOMAIN/.well-known/mta-sts.txt",
                         directory);
    }
    if (result->resolver != NULL) {
        look_up_all(&import);
    }
    if (shares) {
        find_groups(&import);
    }
    struct policy_file file;
    make_file(&import, &file);
    policy_file_print(&file, text);
    return !text->overflow ||
           error_set(e, ERROR_LIMIT, "the policy file would pass %d octets; import parts of %s",
                     POLICY_FILE_MAX, directory);
}
