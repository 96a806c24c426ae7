#include "sender_look_up.h"

#include "lib/dns/lookup.h"
#include "policies/model/policy_fetch.h"
#include "policies/model/policy_text.h"

struct look_up {
    struct bytes domain;
    const struct sender_look_up_options *options;
    struct sender_policy found;
    bool holds; /* found.cached holds now */
};

/* The id in DNS. ERROR_NOT_FOUND, ERROR_CONFLICT, ERROR_SYNTAX and ERROR_LIMIT mean that there is
 * no record that says there is a policy; ERROR_RETRY that nobody knows. */
static bool find_id(const struct look_up *look_up, char ret_id[STS_RECORD_ID_MAX + 1],
                    struct error *e)
{
    CLEANUP_FREE char *name = memory_printf("_mta-sts.%.*s", BYTES_ARG(look_up->domain));
    CLEANUP(dns_txt_set_clear) struct dns_txt_set texts = {0};
    struct sts_record record;
    if (!dns_lookup_txt(look_up->options->resolver, bytes_of(name), &texts, e)) {
        return false;
    }
    if (!sts_record_choose(texts.items, texts.count, &record, e)) {
        return error_prefix(e, "%s: ", name);
    }
    memcpy(ret_id, record.id.p, record.id.n);
    ret_id[record.id.n] = '\0';
    return true;
}

static bool parse(struct bytes text, struct bytes domain, struct policy **ret_policy,
                  struct error *e)
{
    CLEANUP(diagnostics_clear) struct diagnostics d = {0};
    CLEANUP_FREE char *url = memory_printf(
        "https://" POLICY_HOST_PREFIX "%.*s/.well-known/mta-sts.txt", BYTES_ARG(domain));
    if (policy_text_parse(text, url, ret_policy, &d)) {
        return true;
    }
    diagnostics_sort(&d);
    for (size_t i = 0; i < d.count; i++) {
        if (d.items[i].severity == SEVERITY_ERROR) {
            CLEANUP_FREE char *line = diagnostic_format(&d.items[i]);
            return error_set(e, ERROR_SYNTAX, "%s", line);
        }
    }
    return error_set(e, ERROR_SYNTAX, "%s: it is no policy; correct it", url);
}

static bool fetch(const struct look_up *look_up, struct policy **ret_policy, struct error *e)
{
    const struct sender_look_up_options *options = look_up->options;
    struct policy_fetch_options how = {
        .resolver = options->resolver,
        .connect_to = options->connect_to,
        .ca_file = options->ca_file,
        .more_ca_file = options->more_ca_file,
        .timeout_ms = look_up->holds ? SENDER_REFRESH_MS : SENDER_FETCH_MS,
    };
    CLEANUP(buffer_clear) struct buffer text = BUFFER(POLICY_BODY_MAX);
    return policy_fetch(look_up->domain, &how, &text, e) &&
           parse(buffer_bytes(&text), look_up->domain, ret_policy, e);
}

/* What cannot be kept is told, and counts all the same. */
static void keep(struct look_up *look_up)
{
    struct error e;
    if (!sender_cache_keep(&look_up->options->cache, look_up->domain, &look_up->found.cached,
                           look_up->options->now_s, &e)) {
        look_up->found.remark = e;
    }
}

/* Fetches under ID. False: nothing changed. */
static bool renew(struct look_up *look_up, const char *id, struct error *e)
{
    struct cached_policy *cached = &look_up->found.cached;
    struct policy *policy = NULL;
    if (!fetch(look_up, &policy, e)) {
        return false;
    }
    cached_policy_clear(cached);
    *cached = (struct cached_policy){.fetched_s = look_up->options->now_s, .policy = policy};
    memcpy(cached->id, id, strlen(id) + 1);
    look_up->found.confirmed = true;
    keep(look_up);
    return true;
}

/* A policy that holds stays, whatever happens here: at most it is replaced. */
static void refresh(struct look_up *look_up)
{
    struct cached_policy *cached = &look_up->found.cached;
    struct error *e = &look_up->found.remark;
    int64_t now_s = look_up->options->now_s;
    char id[STS_RECORD_ID_MAX + 1];
    if (!find_id(look_up, id, e)) {
        return;
    }
    bool same = strcmp(id, cached->id) == 0;
    if (same && !cached_policy_is_old(cached, now_s)) {
        look_up->found.confirmed = true;
        return;
    }
    if (cached_policy_pauses(cached, now_s)) {
        error_format(e, ERROR_RETRY, "the last fetch failed, less than %d minutes ago; wait",
                     CACHED_POLICY_PAUSE_S / 60);
        return;
    }
    if (!renew(look_up, id, e)) {
        struct error why = *e;
        cached->tried_s = now_s;
        keep(look_up);
        *e = why;
    }
}

/* No policy holds. */
static bool look(struct look_up *look_up, struct error *e)
{
    char id[STS_RECORD_ID_MAX + 1];
    struct error why;
    cached_policy_clear(&look_up->found.cached); /* one that is over */
    if (find_id(look_up, id, &why)) {
        return renew(look_up, id, e);
    }
    if (why.code == ERROR_RETRY || why.code == ERROR_SYSTEM) {
        *e = why;
        return false;
    }
    look_up->found.confirmed = true;
    look_up->found.remark = why;
    return true;
}

bool sender_look_up(struct bytes domain, const struct sender_look_up_options *options,
                    struct sender_policy *ret_found, struct error *e)
{
    struct look_up look_up = {.domain = domain, .options = options};
    struct sender_policy *found = &look_up.found;
    if (!sender_cache_find(&options->cache, domain, &found->cached, &found->remark)) {
        found->cached.policy =
            NULL; /* as if there were none; the remark stays, if all else is well */
    }
    look_up.holds = cached_policy_holds(&found->cached, options->now_s);
    if (look_up.holds) {
        refresh(&look_up);
    } else if (!look(&look_up, e)) {
        return false;
    }
    *ret_found = look_up.found;
    return true;
}

void sender_policy_clear(struct sender_policy *found)
{
    cached_policy_clear(&found->cached);
}
