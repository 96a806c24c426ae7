#include "prune.h"

#include "lib/base/clock.h"
#include "publish/publication.h"

/* One record that may be there. */
struct candidate {
    struct prune_expectation expectation;
    bool (*is_ours)(const struct prune_expectation *expectation, enum dns_record_kind kind,
                    struct bytes data);
    char *name;
    /* As it was read. */
    enum dns_record_kind kind;
    char *data;
};

/* One page of domains at work. */
struct page {
    struct prune *prune;
    struct publication *publication;
    struct leaving_list list;
    struct candidate *candidates; /* two of a domain at most */
    struct dns_publish_item *items;
    size_t count; /* of both */
};

static void page_clear(struct page *page)
{
    for (size_t i = 0; i < page->count; i++) {
        free(page->candidates[i].name);
        free(page->candidates[i].data);
    }
    free(page->candidates);
    free(page->items);
    leaving_list_clear(&page->list);
}

/* lib/dns/publish.h; each item is one thread's at a time. */
static bool may_go(const struct dns_publish_item *item, enum dns_record_kind kind,
                   struct bytes data)
{
    struct candidate *candidate = (struct candidate *)item->context;
    free(candidate->data);
    candidate->data = memory_string_of(data);
    candidate->kind = kind;
    return candidate->is_ours(&candidate->expectation, kind, data);
}

static void add_candidate(struct page *page, const struct candidate *candidate, struct bytes below)
{
    struct candidate *place = &page->candidates[page->count];
    *place = *candidate;
    page->items[page->count++] = (struct dns_publish_item){
        .record = {.name = bytes_of(place->name), .kind = DNS_TXT},
        .below = below.n != 0 ? below : bytes_of(place->name),
        .may_go = may_go,
        .context = place,
    };
}

/* The records that are published of ITEM's domain (publish/domain_records.h). */
static void add_candidates(struct page *page, const struct leaving_item *item)
{
    const struct settings *settings = page->prune->workspace->settings;
    const char *delegate = settings->dns_delegate;
    struct candidate candidate = {
        .expectation = {.item = item, .delegate = delegate, .tlsrpt = settings->default_tlsrpt},
        .is_ours = prune_is_ours,
        .name = memory_printf("_mta-sts.%s%s%s", item->domain, delegate != NULL ? "." : "",
                              delegate != NULL ? delegate : ""),
    };
    add_candidate(page, &candidate, delegate != NULL ? bytes_of(delegate) : (struct bytes){0});
    if (delegate == NULL && settings->default_tlsrpt != NULL) {
        candidate.is_ours = prune_is_our_tlsrpt;
        candidate.name = memory_printf("_smtp._tls.%s", item->domain);
        add_candidate(page, &candidate, (struct bytes){0});
    }
}

static void choose(struct page *page, int64_t now_s)
{
    const struct catalogue *catalogue = page->prune->workspace->catalogue;
    page->candidates = memory_zero(2 * page->list.count + 1, sizeof(*page->candidates));
    page->items = memory_zero(2 * page->list.count + 1, sizeof(*page->items));
    for (size_t i = 0; i < page->list.count; i++) {
        const struct leaving_item *item = &page->list.items[i];
        struct bytes domain = bytes_of(item->domain);
        struct catalogue_view view;
        bool configured =
            catalogue_find(catalogue, domain, &view) || catalogue_is_disputed(catalogue, domain);
        enum prune_verdict verdict = prune_judge(item, configured, now_s);
        page->prune->domains[verdict]++;
        if (verdict == PRUNE_MAY_GO) {
            add_candidates(page, item);
        }
    }
}

/* ITEM is decided. */
static void take(struct prune *prune, struct dns_publish_item *item, enum prune_outcome outcome)
{
    struct candidate *candidate = (struct candidate *)item->context;
    const char *domain = candidate->expectation.item->domain;
    prune->gone += outcome == PRUNE_GONE;
    prune->failed += outcome == PRUNE_FAILED;
    ARRAY_GROW(prune->records, prune->count, prune->capacity);
    prune->records[prune->count++] = (struct prune_record){
        .record = {.domain = bytes_of(memory_string(domain)),
                   .name = bytes_of(TAKE(candidate->name)),
                   .type = candidate->kind == DNS_TXT ? RECORD_TXT : RECORD_CNAME,
                   .data = bytes_of(candidate->data != NULL ? TAKE(candidate->data)
                                                            : memory_string("")),
                   .ttl_s = (uint32_t)prune->workspace->settings->dns_ttl_s},
        .outcome = outcome,
        .why = TAKE(item->why),
    };
}

/* What came of a look at ITEM, or of a change. True: it is to go, and there is room for LEFT more.
 */
static bool sort_out(struct prune *prune, struct dns_publish_item *item, size_t left)
{
    switch (item->outcome) {
    case DNS_PUBLISH_DIFFERS:
        prune->more = prune->more || prune->gone + left == prune->at_most;
        if (prune->gone + left < prune->at_most && !prune->dry_run) {
            return true;
        }
        if (prune->gone + left < prune->at_most) {
            take(prune, item, PRUNE_GONE);
        }
        break;
    case DNS_PUBLISHED:
        take(prune, item, PRUNE_GONE);
        break;
    case DNS_PUBLISH_KEPT:
        take(prune, item, PRUNE_KEPT);
        break;
    case DNS_PUBLISH_FAILED:
        take(prune, item, PRUNE_FAILED);
        break;
    case DNS_PUBLISH_PENDING:
    case DNS_PUBLISH_STOOD:
        break;
    }
    return false;
}

static void run_page(struct page *page, int64_t now_s)
{
    struct prune *prune = page->prune;
    size_t left = 0;
    choose(page, now_s);
    publication_send(page->publication, page->items, page->count, true);
    for (size_t i = 0; i < page->count; i++) {
        if (sort_out(prune, &page->items[i], left)) {
            page->items[left] = page->items[i];
            page->items[left++].outcome = DNS_PUBLISH_PENDING;
        }
    }
    publication_send(page->publication, page->items, left, false);
    for (size_t i = 0; i < left; i++) {
        (void)sort_out(prune, &page->items[i], 0);
    }
}

/* Absence says nothing where some of the policies were not read. */
static bool knows_all_policies(const struct workspace *workspace, struct error *e)
{
    struct catalogue_counts counts;
    catalogue_counts(workspace->catalogue, &counts);
    return (counts.files_in_error == 0 && counts.tops_without_files == 0) ||
           error_set(e, ERROR_CONFLICT,
                     "which domains the policy files have is not known: %zu files are in error, "
                     "%zu entries of policies have none; mend them first, nothing was taken away",
                     counts.files_in_error, counts.tops_without_files);
}

static bool run_pages(struct prune *prune, struct publication *publication, struct error *e)
{
    const struct settings *settings = prune->workspace->settings;
    CLEANUP_FREE char *after = memory_string("");
    int64_t now_s = clock_wall_s();
    for (size_t count = 1; count != 0 && !prune->more;) {
        CLEANUP(page_clear) struct page page = {.prune = prune, .publication = publication};
        if (!leaving_list_ask_left(settings, after, &page.list, e)) {
            return false;
        }
        run_page(&page, now_s);
        count = page.list.count;
        if (count != 0) {
            free(after);
            after = memory_string(page.list.items[count - 1].domain);
        }
        prune->looked_at += count;
        progress_show(&prune->progress, "domains", prune->looked_at, (size_t)page.list.gone_count);
    }
    return true;
}

bool prune_run(struct prune *prune, struct error *e)
{
    struct publication publication;
    if (!knows_all_policies(prune->workspace, e) ||
        !publication_open(&publication, prune->workspace->settings, e)) {
        return false;
    }
    bool ok = run_pages(prune, &publication, e);
    publication_close(&publication);
    return ok;
}

void prune_clear(struct prune *prune)
{
    for (size_t i = 0; i < prune->count; i++) {
        struct prune_record *item = &prune->records[i];
        free((char *)item->record.domain.p); /* all three are made here */
        free((char *)item->record.name.p);
        free((char *)item->record.data.p);
        free(item->why);
    }
    free(prune->records);
    *prune = (struct prune){0};
}
