#include "cached_policy.h"

#include "policies/model/policy_id.h"
#include "policies/model/policy_text.h"

#define FIRST_LINE "mtasts-host cached policy 1"

enum { DIGITS_MAX = 18 };

static bool is_wrong(struct error *e)
{
    return error_set(e, ERROR_SYNTAX, "it is no policy that was kept here; delete it");
}

/* The value of the line "NAME: VALUE" at the front of *TEXT, which is moved past it. */
static bool take_line(struct bytes *text, struct bytes name, struct bytes *ret_value)
{
    const char *end = memchr(text->p, '\n', text->n);
    if (end == NULL || !bytes_starts_with(*text, name)) {
        return false;
    }
    size_t length = (size_t)(end - text->p);
    *ret_value = (struct bytes){text->p + name.n, length - name.n};
    *text = bytes_skip(*text, length + 1);
    return true;
}

/* Only as we write it: no sign, no leading zero. */
static bool read_number(struct bytes text, int64_t *ret_number)
{
    int64_t number = 0;
    if (text.n == 0 || text.n > DIGITS_MAX || (text.n > 1 && text.p[0] == '0')) {
        return false;
    }
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9') {
            return false;
        }
        number = number * 10 + (text.p[i] - '0');
    }
    *ret_number = number;
    return true;
}

/* By the grammar of the record that it came from. */
static bool read_id(struct bytes text, char id[STS_RECORD_ID_MAX + 1])
{
    if (!policy_id_is_valid(text)) {
        return false;
    }
    memcpy(id, text.p, text.n);
    id[text.n] = '\0';
    return true;
}

static bool read_head(struct bytes *text, struct bytes domain, struct cached_policy *cached)
{
    struct bytes value;
    return take_line(text, BYTES(FIRST_LINE), &value) && value.n == 0 &&
           take_line(text, BYTES("domain: "), &value) && bytes_equal(value, domain) &&
           take_line(text, BYTES("id: "), &value) && read_id(value, cached->id) &&
           take_line(text, BYTES("fetched: "), &value) && read_number(value, &cached->fetched_s) &&
           take_line(text, BYTES("tried: "), &value) && read_number(value, &cached->tried_s) &&
           take_line(text, BYTES(""), &value) && value.n == 0;
}

bool cached_policy_parse(struct bytes text, struct bytes domain, struct cached_policy *ret_cached,
                         struct error *e)
{
    struct cached_policy cached = {.policy = NULL};
    CLEANUP(diagnostics_clear) struct diagnostics d = {0};
    if (text.n > CACHED_POLICY_TEXT_MAX || !read_head(&text, domain, &cached) ||
        !policy_text_parse(text, "", &cached.policy, &d)) {
        return is_wrong(e);
    }
    if (!bytes_equal(policy_body(cached.policy), text)) {
        cached_policy_clear(&cached);
        return is_wrong(e);
    }
    *ret_cached = cached;
    return true;
}

void cached_policy_print(const struct cached_policy *cached, struct bytes domain,
                         struct buffer *out)
{
    buffer_printf(out, FIRST_LINE "\ndomain: %.*s\nid: %s\nfetched: %lld\ntried: %lld\n\n",
                  BYTES_ARG(domain), cached->id, (long long)cached->fetched_s,
                  (long long)cached->tried_s);
    buffer_add(out, policy_body(cached->policy));
}

bool cached_policy_holds(const struct cached_policy *cached, int64_t now_s)
{
    return cached->policy != NULL && cached->fetched_s - now_s <= CACHED_POLICY_SKEW_S &&
           now_s - cached->fetched_s < (int64_t)cached->policy->max_age_s;
}

bool cached_policy_is_old(const struct cached_policy *cached, int64_t now_s)
{
    int64_t half = (int64_t)cached->policy->max_age_s / 2;
    int64_t refresh_s = half < CACHED_POLICY_REFRESH_S ? half : CACHED_POLICY_REFRESH_S;
    return now_s - cached->fetched_s >= refresh_s;
}

bool cached_policy_pauses(const struct cached_policy *cached, int64_t now_s)
{
    return cached->policy != NULL && cached->tried_s <= now_s &&
           now_s - cached->tried_s < CACHED_POLICY_PAUSE_S;
}

void cached_policy_clear(struct cached_policy *cached)
{
    policy_free(cached->policy);
    cached->policy = NULL;
}
