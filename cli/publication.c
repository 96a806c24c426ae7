#include "publication.h"

#include "cli/progress.h"
#include "lib/base/memory.h"

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
        struct record *record = &publication->records[i].record;
        free((char *)record->domain.p); /* all three are copies of publication_add() */
        free((char *)record->shared.p);
        free((char *)record->name.p);
        free((char *)record->data.p);
    }
    free(publication->records);
    serving_wait_clear(&publication->wait);
    dns_tsig_key_clear(&publication->key);
    dns_resolver_free(publication->resolver);
    *publication = (struct publication){0};
}

static struct bytes copy(struct bytes text)
{
    return (struct bytes){memory_string_of(text), text.n};
}

void publication_add(struct publication *publication, const struct record *record,
                     const struct catalogue_view *view)
{
    struct serving_wait *wait = &publication->wait;
    bool again = wait->count != 0 &&
                 bytes_equal(bytes_of(wait->items[wait->count - 1].domain), view->entry->name);
    size_t serving =
        again ? wait->count - 1 : serving_wait_add(wait, view->entry->name, view->policy);
    ARRAY_GROW(publication->records, publication->count, publication->capacity);
    publication->records[publication->count++] = (struct publication_record){
        .record = {.domain = copy(record->domain),
                   .shared = copy(record->shared),
                   .name = copy(record->name),
                   .type = record->type,
                   .data = copy(record->data),
                   .ttl_s = record->ttl_s},
        .serving = serving,
    };
}

/* --- the order --- */

bool publication_wait(struct publication *publication, int64_t timeout_ms)
{
    const struct serving_wait *wait = &publication->wait;
    size_t missing = serving_wait_run(&publication->wait, timeout_ms);
    for (size_t i = 0; i < wait->count; i++) {
        const struct serving_item *item = &wait->items[i];
        if (!item->served) {
            fprintf(stderr,
                    "mtasts-host: %s: not published: its policy is not served yet (%s); look at "
                    "\"mtasts-host status\", and run this again\n",
                    item->domain, item->why != NULL ? item->why : "nobody could be asked");
        }
    }
    return missing == 0;
}

void publication_warn(struct publication *publication)
{
    struct serving_wait *wait = &publication->wait;
    wait->source = SERVING_CONTROL;
    size_t missing = serving_wait_run(wait, 0);
    if (missing != 0) {
        fprintf(stderr,
                "mtasts-host: warning: that the policies of %zu of these are served is not known "
                "(%s): a sender that sees a new id before fetches the old policy, and keeps it "
                "under that id until its max_age is over; bump-id --publish --wait publishes "
                "after they are served\n",
                missing, wait->unasked != NULL ? wait->unasked : "another text is");
    }
    for (size_t i = 0; i < wait->count; i++) {
        wait->items[i].served = true; /* as far as publishing goes */
    }
}

/* --- publishing --- */

/* A list of those that may be published; RET_OF[i] is the record of item i. */
static size_t make_items(const struct publication *publication, struct dns_publish_item *ret_items,
                         const struct record **ret_of)
{
    const struct settings *settings = publication->settings;
    size_t count = 0;
    for (size_t i = 0; i < publication->count; i++) {
        const struct record *record = &publication->records[i].record;
        if (!publication->wait.items[publication->records[i].serving].served) {
            continue;
        }
        ret_of[count] = record;
        ret_items[count++] = (struct dns_publish_item){
            .record = {.name = record->name,
                       .kind = record->type == RECORD_TXT ? DNS_TXT : DNS_CNAME,
                       .data = record->data,
                       .ttl_s = record->ttl_s},
            /* A domain may have _mta-sts as a zone of its own, in somebody else's hands. */
            .below =
                settings->dns_delegate != NULL ? bytes_of(settings->dns_delegate) : record->name,
        };
    }
    return count;
}

static void show_progress(size_t done, void *context)
{
    progress_show(context, done);
}

static void publish(struct publication *publication, struct dns_publish_item *items, size_t count)
{
    const struct settings *settings = publication->settings;
    struct progress progress;
    progress_begin(&progress, "records", count);
    struct dns_publish_options options = {
        .resolver = publication->resolver,
        .key = &publication->key,
        .key_file = settings->dns_update_key_file,
        .server = settings->dns_update_server,
        .zone = settings->dns_update_zone,
        .program = settings->dns_hook,
        .timeout_ms = settings->limits.hook_ms,
        .progress = show_progress,
        .context = &progress,
    };
    if (settings->dns_update_key_file != NULL) {
        dns_publish_updates(&options, items, count);
    } else {
        dns_publish_hooks(&options, items, count);
    }
    progress_end(&progress);
}

static int compare_why(const void *a, const void *b)
{
    const struct dns_publish_item *const *one = a;
    const struct dns_publish_item *const *other = b;
    int order = strcmp((*one)->why, (*other)->why);
    return order != 0 ? order : bytes_compare((*one)->record.name, (*other)->record.name);
}

/* COUNT names that failed for one and the same reason. */
static void tell_failure(const struct dns_publish_item *const *failed, size_t count)
{
    for (size_t i = 0; i < count && i < PUBLICATION_NAMES_TOLD; i++) {
        fprintf(stderr, "mtasts-host: %.*s: not published: %s\n", BYTES_ARG(failed[i]->record.name),
                i == 0 ? failed[0]->why : "as the one before");
    }
    if (count > PUBLICATION_NAMES_TOLD) {
        fprintf(stderr, "mtasts-host: %zu more names: not published: %s\n",
                count - PUBLICATION_NAMES_TOLD, failed[0]->why);
    }
}

static void tell_failures(const struct dns_publish_item **failed, size_t count)
{
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): it sorts pointers */
    qsort(failed, count, sizeof(failed[0]), compare_why);
    for (size_t first = 0; first < count;) {
        size_t end = first + 1;
        while (end < count && strcmp(failed[end]->why, failed[first]->why) == 0) {
            end++;
        }
        tell_failure(&failed[first], end - first);
        first = end;
    }
}

static bool report(const struct dns_publish_item *items, const struct record **of, size_t count,
                   const char *word)
{
    size_t counts[DNS_PUBLISH_FAILED + 1] = {0};
    size_t failures = 0;
    CLEANUP_FREE const struct dns_publish_item **failed =
        memory_zero(count, sizeof(struct dns_publish_item *));
    struct record_writer writer;
    record_writer_begin(&writer, stdout, word);
    for (size_t i = 0; i < count; i++) {
        counts[items[i].outcome]++;
        if (items[i].outcome == DNS_PUBLISHED) {
            record_writer_add(&writer, of[i]);
        } else if (items[i].outcome == DNS_PUBLISH_FAILED) {
            failed[failures++] = &items[i];
        }
    }
    record_writer_end(&writer);
    tell_failures(failed, failures);
    fprintf(stderr, "%zu records published, %zu stood already, %zu not published%s\n",
            counts[DNS_PUBLISHED], counts[DNS_PUBLISH_STOOD], failures,
            failures != 0 ? ": run this again for the rest" : "");
    return failures == 0;
}

bool publication_run(struct publication *publication, const char *word)
{
    size_t room = publication->count;
    CLEANUP_FREE struct dns_publish_item *items = memory_zero(room, sizeof(*items));
    CLEANUP_FREE const struct record **of = memory_zero(room, sizeof(struct record *));
    size_t count = make_items(publication, items, of);
    publish(publication, items, count);
    bool ok = report(items, of, count, word);
    for (size_t i = 0; i < count; i++) {
        dns_publish_item_clear(&items[i]);
    }
    return ok;
}
