#include "publication.h"

bool publication_open(struct publication *ret_publication, const struct settings *settings,
                      struct error *e)
{
    struct publication publication = {.settings = settings};
    if (settings->dns_update_key_file == NULL && settings->dns_hook == NULL) {
        return error_set(e, ERROR_NOT_FOUND,
                         "%s does not say how to publish; add \"dns: {update: {key_file: "
                         "tsig.key}}\" for a server that takes updates (RFC 2136), or dns.hook "
                         "with a program",
                         settings->file);
    }
    if (settings->dns_update_key_file != NULL &&
        !dns_tsig_key_load(settings->dns_update_key_file, &publication.key, e)) {
        return false;
    }
    if (!dns_resolver_new((const char *const *)settings->dns_resolvers.items,
                          settings->dns_resolvers.count, &publication.resolver, e)) {
        dns_tsig_key_clear(&publication.key);
        return false;
    }
    publication.wait = (struct serving_wait){
        .settings = settings, .resolver = publication.resolver, .port = "443"};
    *ret_publication = publication;
    return true;
}

void publication_close(struct publication *publication)
{
    for (size_t i = 0; i < publication->count; i++) {
        struct publication_record *item = &publication->records[i];
        free((char *)item->record.name.p); /* as record_set_clear() does */
        free((char *)item->record.data.p);
        free(item->why);
    }
    free(publication->records);
    serving_wait_clear(&publication->wait);
    dns_tsig_key_clear(&publication->key);
    dns_resolver_free(publication->resolver);
    *publication = (struct publication){0};
}

void publication_add(struct publication *publication, const struct catalogue_view *view,
                     struct record_set *set)
{
    struct serving_wait *wait = &publication->wait;
    if (set->count == 0) {
        return;
    }
    bool again = wait->count != 0 &&
                 bytes_equal(bytes_of(wait->items[wait->count - 1].domain), view->entry->name);
    size_t serving = again ? wait->count - 1 : serving_wait_add(wait, view);
    for (size_t i = 0; i < set->count; i++) {
        ARRAY_GROW(publication->records, publication->count, publication->capacity);
        publication->records[publication->count++] =
            (struct publication_record){.record = set->items[i], .serving = serving};
    }
    set->count = 0;
}

/* --- Publishing --- */

static struct dns_publish_item item_of(const struct publication *publication,
                                       const struct record *record)
{
    const char *delegate = publication->settings->dns_delegate;
    return (struct dns_publish_item){
        .record = {.name = record->name,
                   .kind = record->type == RECORD_TXT ? DNS_TXT : DNS_CNAME,
                   .data = record->data,
                   .ttl_s = record->ttl_s},
        /* A domain may have _mta-sts as a zone of its own, in somebody else's hands. */
        .below = delegate != NULL ? bytes_of(delegate) : record->name,
    };
}

static void show_progress(size_t done, void *context)
{
    const struct publication *publication = context;
    progress_show(&publication->progress, "records", done, publication->count);
}

void publication_send(const struct publication *publication, struct dns_publish_item *items,
                      size_t count, bool look_only)
{
    const struct settings *settings = publication->settings;
    const struct dns_publish_options options = {
        .resolver = publication->resolver,
        .key = &publication->key,
        .key_file = settings->dns_update_key_file,
        .server = settings->dns_update_server,
        .zone = settings->dns_update_zone,
        .program = settings->dns_hook,
        .timeout_ms = settings->limits.hook_ms,
        .look_only = look_only,
        .progress = show_progress,
        .context = (void *)publication,
    };
    if (settings->dns_update_key_file != NULL) {
        dns_publish_updates(&options, items, count);
    } else {
        dns_publish_hooks(&options, items, count);
    }
}

/* Takes over what came of ITEM. */
static void decide(struct publication_record *record, struct dns_publish_item *item)
{
    static const enum publication_outcome outcomes[] = {
        [DNS_PUBLISH_PENDING] = PUBLICATION_PENDING, [DNS_PUBLISHED] = PUBLICATION_DONE,
        [DNS_PUBLISH_STOOD] = PUBLICATION_STOOD,     [DNS_PUBLISH_DIFFERS] = PUBLICATION_PENDING,
        [DNS_PUBLISH_FAILED] = PUBLICATION_FAILED,
    };
    record->outcome = outcomes[item->outcome];
    record->why = TAKE(item->why);
    dns_publish_item_clear(item);
}

/* Decides what is pending, or with LOOK_ONLY what of it needs no change. */
static void run(struct publication *publication, bool look_only)
{
    size_t count = 0;
    CLEANUP_FREE struct dns_publish_item *items = memory_zero(publication->count, sizeof(*items));
    CLEANUP_FREE size_t *of = memory_zero(publication->count, sizeof(*of));
    for (size_t i = 0; i < publication->count; i++) {
        if (publication->records[i].outcome == PUBLICATION_PENDING) {
            of[count] = i;
            items[count++] = item_of(publication, &publication->records[i].record);
        }
    }
    publication_send(publication, items, count, look_only);
    for (size_t i = 0; i < count; i++) {
        decide(&publication->records[of[i]], &items[i]);
    }
}

size_t publication_compare(struct publication *publication)
{
    size_t left = 0;
    run(publication, true);
    for (size_t i = 0; i < publication->count; i++) {
        left += publication->records[i].outcome == PUBLICATION_PENDING;
    }
    return left;
}

void publication_run(struct publication *publication)
{
    run(publication, false);
}

/* --- The order: the policy first (RFC 8461 §8.1) --- */

/* Only policies of records that are pending are asked about. */
static void mark_needed(struct publication *publication)
{
    struct serving_wait *wait = &publication->wait;
    for (size_t i = 0; i < wait->count; i++) {
        wait->items[i].served = true;
    }
    for (size_t i = 0; i < publication->count; i++) {
        const struct publication_record *record = &publication->records[i];
        if (record->outcome == PUBLICATION_PENDING) {
            wait->items[record->serving].served = false;
        }
    }
}

size_t publication_wait(struct publication *publication, int64_t timeout_ms)
{
    mark_needed(publication);
    publication->wait.progress = publication->progress;
    size_t missing = serving_wait_run(&publication->wait, timeout_ms);
    for (size_t i = 0; i < publication->count; i++) {
        struct publication_record *record = &publication->records[i];
        if (record->outcome == PUBLICATION_PENDING &&
            !publication->wait.items[record->serving].served) {
            record->outcome = PUBLICATION_UNSERVED;
        }
    }
    return missing;
}
