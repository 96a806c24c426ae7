#include "lint_live.h"

#include "lib/base/name_map.h"
#include "lib/dns/mx_survey.h"
#include "policies/model/mx_coverage.h"

/* Which patterns of a shared policy are used, over all of its domains. */
struct shared_use {
    struct catalogue_view view; /* of one of them */
    bool *used;
    size_t pattern_count;
    bool unknown; /* the MX records of some domain */
};

struct live {
    struct catalogue_view *views; /* of the domains to look at */
    size_t count;
    size_t capacity;
    struct name_map shared; /* names to 1 + the index in `uses` */
    struct shared_use *uses;
    size_t use_count;
    size_t use_capacity;
    struct diagnostics *d;
};

static bool collect(const struct catalogue_view *view, void *context)
{
    struct live *live = context;
    if (view->policy == NULL || view->policy->mode == POLICY_NONE) {
        return true;
    }
    ARRAY_GROW(live->views, live->count, live->capacity);
    live->views[live->count++] = *view;
    return true;
}

static struct bytes domain_of(size_t number, void *context)
{
    const struct live *live = context;
    return live->views[number].entry->name;
}

static void add(struct live *live, enum severity severity, const struct catalogue_view *view,
                const char *text)
{
    diagnostics_add(live->d, severity, view->path, view->entry->place.line,
                    view->entry->place.column, "%.*s: %s", BYTES_ARG(view->entry->name), text);
}

/* "a, b" of the hosts that no pattern matches. */
static char *uncovered(const struct mx_coverage *coverage)
{
    char *list = memory_string("");
    for (size_t i = 0; i < coverage->host_count; i++) {
        if (!coverage->hosts[i].covered) {
            CLEANUP_FREE char *before = list;
            list = memory_printf("%s%s%.*s", before, before[0] != '\0' ? ", " : "",
                                 BYTES_ARG(coverage->hosts[i].name));
        }
    }
    return list;
}

static void tell_hosts(struct live *live, const struct catalogue_view *view,
                       const struct mx_coverage *coverage)
{
    if (coverage->verdict != MX_COVERAGE_SOME && coverage->verdict != MX_COVERAGE_NONE) {
        return;
    }
    bool enforce = view->policy->mode == POLICY_ENFORCE;
    CLEANUP_FREE char *hosts = uncovered(coverage);
    const char *effect = !enforce ? "senders report it, and would pass it over under enforce"
                         : coverage->verdict == MX_COVERAGE_NONE
                             ? "no MX host is left, and mail bounces"
                             : "senders pass it over";
    CLEANUP_FREE char *text =
        memory_printf("the policy lacks the MX %s: %s; add it under mx", hosts, effect);
    add(live, enforce ? SEVERITY_ERROR : SEVERITY_WARNING, view, text);
}

static void tell_patterns(struct live *live, const struct catalogue_view *view,
                          const struct mx_coverage *coverage)
{
    for (size_t i = 0; i < coverage->pattern_count; i++) {
        if (!coverage->patterns[i].used) {
            CLEANUP_FREE char *text =
                memory_printf("no MX uses the pattern %.*s; remove it unless a move is under way",
                              BYTES_ARG(coverage->patterns[i].text));
            add(live, SEVERITY_WARNING, view, text);
        }
    }
}

static struct shared_use *use_of(struct live *live, const struct catalogue_view *view)
{
    struct name_map_item *item = name_map_add(&live->shared, view->shared->name);
    if (item->value != 0) {
        return &live->uses[item->value - 1];
    }
    ARRAY_GROW(live->uses, live->use_count, live->use_capacity);
    live->uses[live->use_count++] = (struct shared_use){.view = *view};
    item->value = live->use_count;
    return &live->uses[item->value - 1];
}

static void note_use(struct shared_use *use, const struct mx_coverage *coverage)
{
    if (use->used == NULL) {
        use->pattern_count = coverage->pattern_count;
        use->used = memory_zero(coverage->pattern_count + 1, sizeof(bool));
    }
    for (size_t i = 0; i < coverage->pattern_count; i++) {
        use->used[i] = use->used[i] || coverage->patterns[i].used;
    }
}

static void take_unknown(struct live *live, const struct catalogue_view *view, const char *why)
{
    if (view->shared != NULL) {
        use_of(live, view)->unknown = true;
    }
    add(live, SEVERITY_WARNING, view, why);
}

static void take(size_t number, const struct dns_mx_set *mx, const struct error *e, void *context)
{
    struct live *live = context;
    const struct catalogue_view *view = &live->views[number];
    if (mx == NULL) {
        CLEANUP_FREE char *why = memory_printf("its MX records are not known: %s", e->text);
        take_unknown(live, view, why);
        return;
    }
    if (mx->null_mx) {
        take_unknown(live, view,
                     "it says in DNS that it takes no mail (RFC 7505): it needs no policy");
        return;
    }
    CLEANUP(mx_coverage_clear) struct mx_coverage coverage;
    mx_coverage_find_each(view->policy, &mx->items[0].host, sizeof(mx->items[0]), mx->count,
                          &coverage);
    tell_hosts(live, view, &coverage);
    if (view->shared == NULL) {
        tell_patterns(live, view, &coverage);
    } else {
        note_use(use_of(live, view), &coverage);
    }
}

static void tell_shared(struct live *live, const struct shared_use *use)
{
    const struct catalogue_view *view = &use->view;
    size_t cursor = 0;
    struct bytes pattern;
    if (view->shared->mirror != NULL) {
        return; /* the provider says which patterns there are */
    }
    for (size_t i = 0;
         i < use->pattern_count && !use->unknown && policy_next_mx(view->policy, &cursor, &pattern);
         i++) {
        if (!use->used[i]) {
            diagnostics_add(live->d, SEVERITY_WARNING, view->shared_path, view->shared->place.line,
                            view->shared->place.column,
                            "policy %.*s: no MX of its domains uses the pattern %.*s; remove it "
                            "unless a move is under way",
                            BYTES_ARG(view->shared->name), BYTES_ARG(pattern));
        }
    }
}

void lint_live(const struct catalogue *catalogue, const struct dns_resolver *resolver,
               struct diagnostics *d)
{
    struct live live = {.d = d};
    catalogue_each(catalogue, collect, &live);
    mx_survey_run(&(struct mx_survey){
        .resolver = resolver,
        .count = live.count,
        .domain = domain_of,
        .take = take,
        .context = &live,
    });
    for (size_t i = 0; i < live.use_count; i++) {
        tell_shared(&live, &live.uses[i]);
        free(live.uses[i].used);
    }
    name_map_clear(&live.shared);
    free(live.uses);
    free(live.views);
}
