/* What is wrong now, in words. */
#include "lib/yaml/fields.h"
#include "policies/live/policy_set_parts.h"

static const char accept_advice[] = "if that is meant, run `mtasts-host reload --accept-removals`";
static const char put_back_advice[] =
    "put its files back, or write `domains: {}` into one if that is meant, or run `mtasts-host "
    "reload --accept-removals`";

static bool is_told(const struct diagnostics *before, size_t near, const struct diagnostic *item)
{
    for (size_t i = 0; i < before->count; i++) {
        /* Lists mostly stay as they are: look at the same place first. */
        const struct diagnostic *old = &before->items[(near + i) % before->count];
        if (old->line == item->line && old->column == item->column &&
            old->severity == item->severity && strcmp(old->text, item->text) == 0 &&
            strcmp(old->file, item->file) == 0) {
            return true;
        }
    }
    return false;
}

void set_report_replace(struct policy_set *set, struct diagnostics *place,
                        struct diagnostics *problems)
{
    for (size_t i = 0; i < problems->count; i++) {
        const struct diagnostic *item = &problems->items[i];
        if (!is_told(place, i, item)) {
            diagnostics_add(&set->fresh, item->severity, item->file, item->line, item->column, "%s",
                            item->text);
        }
    }
    diagnostics_clear(place);
    *place = *problems;
    *problems = (struct diagnostics){0};
}

void set_report_file(struct policy_set *set, struct set_file *file, struct diagnostics *problems)
{
    set->files_in_error -= file->problems.errors != 0;
    set_report_replace(set, &file->problems, problems);
    set->files_in_error += file->problems.errors != 0;
}

/* "FILE:LINE:COLUMN", or FILE alone where that is all that is known. */
static char *describe_place(const struct set_file *file, const struct set_place *place)
{
    return place != NULL && place->line != 0
               ? memory_printf("%s:%u:%u", file->path, place->line, place->column)
               : memory_string(file->path);
}

static const struct set_place *find_domain(const struct set_file *file, struct bytes name)
{
    const struct set_domain *applied = set_file_find_domain(file, name);
    if (applied != NULL) {
        return &applied->place;
    }
    const struct offer_domain *offered =
        file->offer != NULL ? set_offer_find_domain(file->offer, name) : NULL;
    return offered != NULL ? &offered->place : NULL;
}

static void add_conflict(const struct set_file *file, struct set_place at, const char *what,
                         struct bytes name, char *other, struct diagnostics *problems)
{
    diagnostics_add(problems, SEVERITY_ERROR, file->path, at.line, at.column,
                    "%s %.*s is already in %s; remove one of them", what, BYTES_ARG(name), other);
    free(other);
}

/* Whether OWNER has its names still, as far as anybody can tell. */
static bool keeps(const struct policy_set *set, const struct set_file *owner)
{
    return !set_file_is_gone(owner) || set_file_is_away(set, owner);
}

static void report_domains(const struct policy_set *set, const struct set_file *file,
                           struct diagnostics *problems)
{
    for (size_t i = 0; i < file->offer->domain_count; i++) {
        const struct offer_domain *wanted = &file->offer->domains[i];
        struct bytes name = {wanted->name, wanted->name_length};
        const struct policy_domain *domain = policy_index_domain(set->index, name);
        const struct set_file *owner = domain != NULL ? domain->owner : NULL;
        if (owner != NULL && owner != file && keeps(set, owner)) {
            add_conflict(file, wanted->place, "domain", name,
                         describe_place(owner, find_domain(owner, name)), problems);
        }
    }
}

static void report_shared(const struct policy_set *set, const struct set_file *file,
                          struct diagnostics *problems)
{
    for (size_t i = 0; i < file->offer->shared_count; i++) {
        const struct offer_shared *wanted = &file->offer->shared[i];
        const struct set_file *owner = wanted->shared->owner;
        if (owner != NULL && owner != file && keeps(set, owner)) {
            add_conflict(file, wanted->place, "policy", set_shared_name(wanted->shared),
                         describe_place(owner, &wanted->shared->place), problems);
        }
    }
}

struct names {
    const char **items;
    size_t count;
    size_t capacity;
};

static void add_name(struct set_shared *shared, void *context)
{
    struct names *names = context;
    if (shared->owner == NULL) {
        return;
    }
    ARRAY_GROW(names->items, names->count, names->capacity);
    names->items[names->count++] = shared->text + 1;
}

static void report_uses(const struct policy_set *set, const struct set_file *file,
                        struct diagnostics *problems)
{
    for (size_t i = 0; i < file->offer->use_count; i++) {
        const struct offer_use *use = &file->offer->uses[i];
        const struct set_shared *shared = use->shared;
        bool own = false;
        for (size_t n = 0; n < file->offer->shared_count && !own; n++) {
            own = file->offer->shared[n].shared == shared;
        }
        if (own || shared->owner != NULL || shared->users != 0) {
            continue;
        }
        struct names names = {0};
        set_shared_each(set, add_name, &names);
        const char *nearest = fields_nearest(set_shared_name(shared), names.items, names.count);
        CLEANUP_FREE char *suggestion =
            nearest != NULL ? memory_printf("did you mean %s?", nearest)
                            : memory_string("define it below policies: in any file");
        diagnostics_add(problems, SEVERITY_ERROR, file->path, use->place.line, use->place.column,
                        "no shared policy named %.*s; %s", BYTES_ARG(set_shared_name(shared)),
                        suggestion);
        free(names.items);
    }
}

/* Nothing that is applied is in the way, but an offer that is refused itself is: two files that
 * each wait for the other, or say a name differently. */
static void report_blocker(const struct set_file *file, struct diagnostics *problems)
{
    const struct set_file *other = file->blocked_by;
    if (file->blocked_over == NULL) { /* it is away, and in no round */
        return;
    }
    struct bytes over = bytes_of(file->blocked_over);
    const struct offer_domain *mine = set_offer_find_domain(file->offer, over);
    struct set_place place = mine != NULL ? mine->place : (struct set_place){0};
    if (other != NULL) {
        CLEANUP_FREE char *there = describe_place(other, find_domain(other, over));
        diagnostics_add(problems, SEVERITY_ERROR, file->path, place.line, place.column,
                        "%.*s is claimed by %s too, which is refused itself; remove one of them",
                        BYTES_ARG(over), there);
    } else if (mine != NULL) {
        diagnostics_add(problems, SEVERITY_ERROR, file->path, place.line, place.column,
                        "%.*s is claimed by other files too, and none says what is served; leave "
                        "it in one of them",
                        BYTES_ARG(over));
    } else {
        diagnostics_add(problems, SEVERITY_ERROR, file->path, 0, 0,
                        "%.*s is defined only in a file that is refused; mend that one first",
                        BYTES_ARG(over));
    }
}

static void report_refused(struct policy_set *set, struct set_file *file)
{
    struct diagnostics problems = {0};
    report_shared(set, file, &problems);
    report_domains(set, file, &problems);
    report_uses(set, file, &problems);
    if (problems.errors == 0) {
        report_blocker(file, &problems);
    }
    set_report_file(set, file, &problems);
}

static void report_held(struct policy_set *set, struct set_file *file)
{
    struct diagnostics problems = {0};
    diagnostics_add(&problems, SEVERITY_ERROR, file->path, 0, 0,
                    "leaves out %zu of the %zu domains that it had; too many at once, so all of "
                    "them stay served as they were; %s",
                    file->loses, file->domain_count, accept_advice);
    set_report_file(set, file, &problems);
}

static void report_open(struct policy_set *set, struct set_file *file)
{
    struct diagnostics problems = {0};
    diagnostics_add(&problems, SEVERITY_ERROR, file->path, 0, 0,
                    file->left_open
                        ? "takes something away from what is served, and its writer has not closed "
                          "it: what it said before stays until that is done; %s"
                        : "takes something away from what is served, and ends in the middle of a "
                          "line: what it said before stays until it is written whole; %s",
                    accept_advice);
    set_report_file(set, file, &problems);
}

/* How many files and domains are gone below a top and held. */
struct held_gone {
    size_t files;
    size_t domains;
    const char *first;
};

static struct held_gone count_held_gone(const struct policy_set *set, size_t top)
{
    struct held_gone count = {0};
    for (size_t i = 0; i < set->work.count; i++) {
        const struct set_file *file = set->work.items[i];
        if (file->state != FILE_HELD || !set_file_is_gone(file) || file->top != top) {
            continue;
        }
        count.files++;
        count.domains += file->domain_count;
        if (count.first == NULL || strcmp(file->path, count.first) < 0) {
            count.first = file->path;
        }
    }
    return count;
}

/* The domains of TOP's files, but for those that are held by themselves. */
static size_t count_below(const struct policy_set *set, size_t number)
{
    size_t first = 0;
    size_t end = 0;
    size_t domains = 0;
    const struct set_file *itself = set_files_find(set, set->tops[number].path);
    set_files_below(set, set->tops[number].path, &first, &end);
    for (size_t i = first; i < end; i++) {
        const struct set_file *file = set->files.items[i];
        domains += file->top == number && file->state != FILE_HELD ? file->domain_count : 0;
    }
    return domains + (itself != NULL && itself->state != FILE_HELD ? itself->domain_count : 0);
}

static void report_top(struct policy_set *set, size_t number)
{
    struct set_top *top = &set->tops[number];
    struct diagnostics problems = {0};
    bool missing = top->state == TOP_GONE || top->state == TOP_UNREADABLE;
    size_t below = missing ? count_below(set, number) : 0;
    if (missing && below == 0) {
        diagnostics_add(&problems, SEVERITY_ERROR, top->path, 0, 0,
                        "cannot be read: %s; make it, or name another one in the configuration",
                        policy_file_path_reason(&top->why));
    } else if (missing) {
        diagnostics_add(&problems, SEVERITY_ERROR, top->path, 0, 0,
                        "cannot be read: %s; its %zu domains stay served as they were; %s",
                        policy_file_path_reason(&top->why), below, accept_advice);
    }
    struct held_gone gone = count_held_gone(set, number);
    if (gone.files != 0 && top->state == TOP_EMPTY) {
        diagnostics_add(&problems, SEVERITY_ERROR, top->path, 0, 0,
                        "has no policy file left; the %zu domains that it had stay served as they "
                        "were; %s",
                        gone.domains, put_back_advice);
    } else if (gone.files != 0) {
        diagnostics_add(&problems, SEVERITY_ERROR, top->path, 0, 0,
                        "%zu %s below it (%s%s) %s gone, and %zu domains with %s; too many at "
                        "once, so they stay served as they were; %s",
                        gone.files, gone.files == 1 ? "file" : "files", gone.first,
                        gone.files == 1 ? "" : ", …", gone.files == 1 ? "is" : "are", gone.domains,
                        gone.files == 1 ? "it" : "them", accept_advice);
    }
    set_report_replace(set, &top->problems, &problems);
}

/* Of a mirror that has no text yet. */
static void report_wait(struct policy_set *set, const struct set_shared *shared,
                        struct diagnostics *problems)
{
    struct error e;
    if (shared->owner == NULL && shared->waiting != 0) {
        diagnostics_add(problems, SEVERITY_ERROR, shared->last_path, 0, 0,
                        "shared policy %s is not defined any more, and %zu of its domains never "
                        "had its text; define it again, or give them another policy",
                        shared->text + 1, shared->waiting);
    }
    if (shared->owner == NULL || shared->mirror == NULL || set->options.mirror_copies == NULL) {
        return;
    }
    struct policy *policy = set_mirror_render(set, shared->mirror, &e);
    if (policy == NULL) {
        diagnostics_add(problems, SEVERITY_WARNING, shared->owner->path, shared->place.line,
                        shared->place.column,
                        "shared policy %s follows %s, whose policy is not known yet (%s); until "
                        "the server has fetched it, domains that come to it stay with what they "
                        "have, or without a policy",
                        shared->text + 1, shared->mirror->domain.text,
                        e.code == ERROR_NOT_FOUND ? "never fetched" : e.text);
    }
    policy_free(policy);
}

static void report_orphan(struct policy_set *set, struct set_shared *shared)
{
    struct diagnostics problems = {0};
    if (set_shared_is_orphan(shared)) {
        diagnostics_add(&problems, SEVERITY_ERROR, shared->last_path, 0, 0,
                        "shared policy %s is not defined any more, but %zu %s; its last version "
                        "stays served; define it again, or give %s another policy",
                        shared->text + 1, shared->users,
                        shared->users == 1 ? "domain uses it" : "domains use it",
                        shared->users == 1 ? "it" : "them");
    }
    report_wait(set, shared, &problems);
    set_report_replace(set, &shared->problems, &problems);
}

static void report_work(struct policy_set *set, struct set_file *file)
{
    struct diagnostics none = {0};
    bool gone = set_file_is_gone(file); /* told of its directory */
    if (file->state == FILE_REFUSED) {
        report_refused(set, file);
    } else if (file->state == FILE_STILL_OPEN) {
        report_open(set, file);
    } else if (file->state == FILE_HELD && !gone) {
        report_held(set, file);
    } else if (file->state != FILE_IN_ERROR) { /* told when it was read */
        set_report_file(set, file, &none);
    }
}

void set_report(struct policy_set *set)
{
    for (size_t i = 0; i < set->work.count; i++) {
        report_work(set, set->work.items[i]);
    }
    for (size_t i = 0; i < set->top_count; i++) {
        report_top(set, i);
    }
    for (size_t i = 0; i < set->publication.touched_count; i++) {
        report_orphan(set, set->publication.touched[i]);
    }
}

size_t set_report_held(const struct policy_set *set)
{
    size_t held = 0;
    for (size_t i = 0; i < set->work.count; i++) {
        const struct set_file *file = set->work.items[i];
        held += file->state == FILE_HELD ? file->loses : 0;
    }
    for (size_t i = 0; i < set->top_count; i++) {
        enum set_top_state state = set->tops[i].state;
        held += state == TOP_GONE || state == TOP_UNREADABLE ? count_below(set, i) : 0;
    }
    return held;
}

static void append_shared(struct set_shared *shared, void *context)
{
    diagnostics_append(context, &shared->problems);
}

void policy_set_diagnostics(const struct policy_set *set, struct diagnostics *d)
{
    struct diagnostics all = {0};
    for (size_t i = 0; i < set->top_count; i++) {
        diagnostics_append(&all, &set->tops[i].problems);
    }
    diagnostics_append(&all, &set->memory_problems);
    set_shared_each(set, append_shared, &all);
    for (size_t i = 0; i < set->files.count; i++) {
        diagnostics_append(&all, &set->files.items[i]->problems);
    }
    diagnostics_sort(&all);
    diagnostics_append(d, &all);
    d->dropped += all.dropped;
    diagnostics_clear(&all);
}

void policy_set_new_diagnostics(struct policy_set *set, struct diagnostics *d)
{
    diagnostics_sort(&set->fresh);
    diagnostics_append(d, &set->fresh);
    d->dropped += set->fresh.dropped;
    diagnostics_clear(&set->fresh);
}
