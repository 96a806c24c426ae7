/* What the history says of domains on their way out: the request `leaving`, and the part of
 * `status` about it. */
#include "lib/base/clock.h"
#include "lib/base/safe_json.h"
#include "policies/live/leaving.h"
#include "server/server_state.h"
#include "server/status.h"

/* Each that left is some reads of the history, on the main thread: they end after a while. */
enum {
    LEAVING_MAX = 1000,
    EARLY_MAX = 100,
    EARLY_COUNTED_MAX = 1000000,
    EARLY_COUNTING_MS = 200,
    DIGEST_OCTETS = 32,
};

struct listing {
    struct server *server;
    json_t *list;
    int64_t now_s;
    bool early;             /* only what went too early */
    const char *left_after; /* only those that left, behind this name; NULL: not asked so */
    size_t early_total;
    int64_t deadline_ms; /* for who went too early; after it they are not counted */
    bool late;
    bool failed;
    struct error e;
};

static bool is_served(const struct server *server, struct bytes domain)
{
    rcu_read_begin();
    bool served = policy_index_find(server->tables.policies, domain) != NULL;
    rcu_read_end();
    return served;
}

static json_t *hex_or_null(struct bytes digest)
{
    char hex[2 * DIGEST_OCTETS + 1];
    if (digest.n != DIGEST_OCTETS) {
        return NULL;
    }
    bytes_to_hex((const unsigned char *)digest.p, digest.n, hex);
    return json_string(hex);
}

static void add(const struct history_leaving *leaving, void *context)
{
    struct listing *listing = context;
    struct server *server = listing->server;
    bool served = is_served(server, leaving->domain);
    bool known = false;
    int64_t until_s = 0;
    listing->late =
        listing->early && (listing->late || clock_monotonic_ms() > listing->deadline_ms);
    if (listing->failed || listing->late || (listing->early && served)) {
        return;
    }
    if (!leaving_until(server->history, leaving->domain, listing->now_s, &known, &until_s,
                       &listing->e)) {
        listing->failed = true;
        return;
    }
    json_t *domain = safe_json_string(leaving->domain);
    if (!listing->early) {
        json_array_append_new(
            listing->list,
            json_pack("{s:o,s:I,s:I,s:b,s:b,s:I,s:o*,s:o*}", "domain", domain, "retired",
                      (json_int_t)leaving->retired_s, "gone", (json_int_t)leaving->gone_s, "served",
                      served, "known", known, "until", (json_int_t)until_s, "shared",
                      leaving->shared.n != 0 ? safe_json_string(leaving->shared) : NULL, "digest",
                      hex_or_null(leaving->digest)));
    } else if (until_s > listing->now_s && listing->early_total++ < EARLY_MAX) {
        json_array_append_new(listing->list,
                              json_pack("{s:o,s:b,s:I}", "domain", domain, "retired",
                                        leaving->retired_s != 0, "until", (json_int_t)until_s));
    } else {
        json_decref(domain);
    }
}

static bool each(struct listing *listing, size_t most)
{
    struct history *history = listing->server->history;
    return listing->left_after != NULL
               ? history_each_left(history, bytes_of(listing->left_after), most, add, listing,
                                   &listing->e)
               : history_each_leaving(history, most, add, listing, &listing->e);
}

/* NULL: LISTING's error says why. */
static json_t *list(struct listing *listing, size_t most)
{
    struct server *server = listing->server;
    listing->now_s = clock_wall_s();
    listing->list = json_array();
    if (commands_open_history(server, &listing->e) && each(listing, most) && !listing->failed) {
        return listing->list;
    }
    json_decref(listing->list);
    return NULL;
}

void commands_ask_leaving(struct server *server, uint64_t ticket, const json_t *request)
{
    json_int_t most = json_integer_value(json_object_get(request, "most"));
    struct listing listing = {
        .server = server,
        .left_after = json_string_value(json_object_get(request, "left_after")),
    };
    int64_t count = 0;
    json_t *found = list(&listing, most > 0 && most < LEAVING_MAX ? (size_t)most : LEAVING_MAX);
    if (found != NULL && !history_count_left(server->history, &count, &listing.e)) {
        json_decref(found);
        found = NULL;
    }
    if (found == NULL) {
        control_answer_error(server->control, ticket, "%s", listing.e.text);
        return;
    }
    control_answer(server->control, ticket,
                   json_pack("{s:o,s:I,s:s*}", "leaving", found, "gone_count", (json_int_t)count,
                             "left_after", listing.left_after));
}

void commands_add_left_early(struct server *server, json_t *status)
{
    struct listing listing = {
        .server = server,
        .early = true,
        .deadline_ms = clock_monotonic_ms() + EARLY_COUNTING_MS,
    };
    json_t *found = list(&listing, EARLY_COUNTED_MAX);
    /* `status` tells the history's trouble elsewhere. */
    json_object_set_new(status, "left_early", found != NULL ? found : json_array());
    json_object_set_new(status, "left_early_total", json_integer((json_int_t)listing.early_total));
    json_object_set_new(status, "left_early_counted", json_boolean(found != NULL && !listing.late));
}

bool commands_open_history(struct server *server, struct error *e)
{
    if (server->history != NULL) {
        return true;
    }
    CLEANUP_FREE char *path = file_path_join(server->settings->state, "history.db");
    return history_open(path, &server->history, e);
}
