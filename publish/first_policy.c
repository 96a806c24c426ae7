#include "first_policy.h"

#include <sys/stat.h>

#include "lib/dns/lookup.h"
#include "policies/files/policy_file.h"
#include "policies/model/mx_pattern.h"
#include "policies/model/policy_fetch.h"
#include "policies/model/policy_text.h"

static void add(struct first_policy_mx *mx, const struct dns_name *pattern)
{
    for (size_t i = 0; i < mx->count; i++) {
        if (bytes_equal(dns_name_bytes(&mx->items[i]), dns_name_bytes(pattern))) {
            return;
        }
    }
    if (mx->count < FIRST_POLICY_MX_MAX) {
        ARRAY_GROW(mx->items, mx->count, mx->capacity);
        mx->items[mx->count++] = *pattern;
    }
}

void first_policy_clear(struct first_policy *first)
{
    free(first->mx.items);
    free(first->lacked.items);
    if (first->live != NULL) {
        policy_free(first->live);
    }
    diagnostics_clear(&first->live_problems);
    free(first->live_unreadable);
}

bool first_policy_is_new(const struct first_policy *first, const struct catalogue *catalogue,
                         struct error *e)
{
    struct catalogue_view view;
    struct bytes domain = dns_name_bytes(&first->domain);
    if (catalogue_is_disputed(catalogue, domain)) {
        return error_set(e, ERROR_CONFLICT, "%s is in several files already; mend the errors above",
                         first->domain.text);
    }
    return !catalogue_find(catalogue, domain, &view) ||
           error_set(e, ERROR_CONFLICT, "%s:%u:%u: %s is there already; edit it there", view.path,
                     view.entry->place.line, view.entry->place.column, first->domain.text);
}

char *first_policy_path(const struct first_policy *first, const struct settings_list *paths)
{
    for (size_t i = 0; i < paths->count; i++) {
        struct stat status;
        if (stat(paths->items[i], &status) == 0 && S_ISDIR(status.st_mode)) {
            return memory_printf("%s/%s.yaml", paths->items[i], first->domain.text);
        }
    }
    return NULL;
}

/* One value: hosts joined by commas. */
static bool add_named(struct first_policy *first, struct bytes rest, struct error *e)
{
    while (rest.n != 0) {
        const char *comma = memchr(rest.p, ',', rest.n);
        struct bytes host = {rest.p, comma != NULL ? (size_t)(comma - rest.p) : rest.n};
        struct dns_name pattern;
        if (!mx_pattern_normalise(host, &pattern, e)) {
            return error_prefix(e, "--mx %.*s: ", BYTES_ARG(host));
        }
        add(&first->mx, &pattern);
        rest = bytes_skip(rest, host.n + 1);
    }
    return true;
}

bool first_policy_name(struct first_policy *first, const char *const *hosts, size_t count,
                       struct error *e)
{
    for (size_t i = 0; i < count; i++) {
        if (!add_named(first, bytes_of(hosts[i]), e)) {
            return false;
        }
    }
    return true;
}

static bool take_answer(struct first_policy *first, const struct dns_mx_set *set, struct error *e)
{
    if (set->null_mx) {
        return error_set(e, ERROR_CONFLICT,
                         "%s says in DNS that it takes no mail (RFC 7505); it needs no policy",
                         first->domain.text);
    }
    for (size_t i = 0; i < set->count; i++) {
        add(&first->mx, &set->items[i].host);
    }
    first->implicit_mx = set->count == 0; /* RFC 5321 §5.1 */
    if (first->implicit_mx) {
        add(&first->mx, &first->domain);
    }
    return true;
}

static bool look_up_mx(struct first_policy *first, const struct dns_resolver *resolver,
                       struct error *e)
{
    CLEANUP(dns_mx_set_clear) struct dns_mx_set set = {0};
    if (!dns_lookup_mx(resolver, dns_name_bytes(&first->domain), &set, e)) {
        return error_prefix(
            e, "the MX records of %s (--mx names them without a look-up): ", first->domain.text);
    }
    return take_answer(first, &set, e);
}

/* What is served, wherever that is. */
static void fetch_live(struct first_policy *first, const struct dns_resolver *resolver)
{
    struct error e;
    struct bytes domain = dns_name_bytes(&first->domain);
    const struct policy_fetch_options options = {.resolver = resolver};
    CLEANUP(buffer_clear) struct buffer text = BUFFER(POLICY_BODY_MAX);
    CLEANUP_FREE char *place =
        memory_printf("https://mta-sts.%s/.well-known/mta-sts.txt", first->domain.text);
    if (!policy_fetch(domain, &options, &text, &e)) {
        first->live_unreadable = e.code != ERROR_NOT_FOUND ? memory_string(e.text) : NULL;
    } else if (!policy_text_parse(buffer_bytes(&text), place, &first->live,
                                  &first->live_problems)) {
        first->live = NULL;
    }
}

static bool is_covered(const struct policy *policy, struct bytes host)
{
    size_t cursor = 0;
    struct bytes pattern;
    while (policy_next_mx(policy, &cursor, &pattern)) {
        if (mx_pattern_covers(pattern, host)) {
            return true;
        }
    }
    return false;
}

void first_policy_join(struct first_policy *first)
{
    struct first_policy_mx joined = {0};
    size_t cursor = 0;
    struct bytes pattern;
    while (policy_next_mx(first->live, &cursor, &pattern)) {
        struct dns_name name;
        struct error ignored;
        if (mx_pattern_normalise(pattern, &name, &ignored)) {
            add(&joined, &name);
        }
    }
    for (size_t i = 0; i < first->mx.count; i++) {
        const struct dns_name *host = &first->mx.items[i];
        if (!is_covered(first->live, dns_name_bytes(host))) {
            add(&first->lacked, host);
            add(&joined, host);
        }
    }
    free(first->mx.items);
    first->mx = joined;
    first->max_age_s = first->live->max_age_s;
}

bool first_policy_look(struct first_policy *first, const struct dns_resolver *resolver,
                       struct error *e)
{
    if (!look_up_mx(first, resolver, e)) {
        return false;
    }
    fetch_live(first, resolver);
    if (first->live != NULL) {
        first_policy_join(first);
    }
    return true;
}

bool first_policy_print(const struct first_policy *first, struct buffer *text, struct error *e)
{
    const struct policy_terms terms = {first->mode, first->max_age_s, first->mx.items,
                                       first->mx.count};
    struct policy *policy = NULL;
    if (!policy_new(&terms, &policy, e)) {
        return false;
    }
    struct policy_file_entry entry = {.name = dns_name_bytes(&first->domain), .policy = policy};
    const struct policy_file file = {.domains = &entry, .domain_count = 1};
    if (first->mode == POLICY_TESTING) {
        buffer_add_string(text, "# testing: senders deliver all the same, and report what would "
                                "have failed.\n"
                                "# Go on to enforce when their reports are clean.\n");
    }
    policy_file_print(&file, text);
    policy_free(policy);
    return true;
}
