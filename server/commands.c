/* The requests of server/control/control.h, one function each. */
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/safe_json.h"
#include "lib/dns/name.h"
#include "server/control/control.h"
#include "server/server_state.h"

enum { HELD_MAX = 20 };

/* "paths" of REQUEST, where it has them. */
static bool read_paths(const json_t *request, struct loader_accept *accept)
{
    size_t i = 0;
    json_t *item = NULL;
    const json_t *paths = json_object_get(request, "paths");
    if (paths == NULL) {
        return true;
    }
    json_array_foreach(paths, i, item)
    {
        safe_json_restore(item);
        const char *path = json_string_value(item); /* NULL: it is none */
        if (path == NULL || path[0] != '/') {
            return false;
        }
        loader_accept_add(accept, path);
    }
    /* None at all would mean everything. */
    return accept->count != 0 && accept->count <= CONTROL_PATHS_MAX;
}

static void ask_reload(struct server *server, uint64_t ticket, const json_t *request)
{
    CLEANUP(loader_accept_clear) struct loader_accept accept = {0};
    bool accepts = json_is_true(json_object_get(request, "accept_removals"));
    if (accepts && !read_paths(request, &accept)) {
        control_answer_error(server->control, ticket,
                             "\"paths\" must be 1 to %d absolute paths; leave it out for all",
                             CONTROL_PATHS_MAX);
        return;
    }
    server_reload(server, accepts ? &accept : NULL, ticket);
}

/* "domain" of REQUEST, or answers an error. */
static bool read_domain(struct server *server, uint64_t ticket, const json_t *request,
                        struct bytes *ret_domain)
{
    const json_t *domain = json_object_get(request, "domain");
    if (!json_is_string(domain) || json_string_length(domain) > DNS_NAME_MAX) {
        control_answer_error(server->control, ticket, "\"domain\" is missing or not a domain name");
        return false;
    }
    *ret_domain = (struct bytes){json_string_value(domain), json_string_length(domain)};
    return true;
}

static void answer_loading(struct server *server, uint64_t ticket)
{
    control_answer_error(server->control, ticket, "the server is loading; try again in a moment");
}

/* Inside a read section. */
static json_t *digest_served(const struct server *server, const json_t *domain)
{
    char hex[2 * POLICY_DIGEST_OCTETS + 1];
    struct bytes name = {json_string_value(domain), json_string_length(domain)};
    const struct policy *policy = policy_index_find(server->tables.policies, name);
    if (policy == NULL) {
        return json_null();
    }
    bytes_to_hex(policy->digest, POLICY_DIGEST_OCTETS, hex);
    return json_string(hex);
}

/* Of each of DOMAINS, in one answer. */
static void answer_digests(struct server *server, uint64_t ticket, const json_t *domains)
{
    size_t i = 0;
    const json_t *domain = NULL;
    json_t *digests = json_object();
    rcu_read_begin();
    json_array_foreach(domains, i, domain)
    {
        if (json_is_string(domain) && json_string_length(domain) <= DNS_NAME_MAX) {
            json_object_set_new(digests, json_string_value(domain), digest_served(server, domain));
        }
    }
    rcu_read_end();
    control_answer(server->control, ticket, json_pack("{s:o}", "digests", digests));
}

static void ask_serving(struct server *server, uint64_t ticket, const json_t *request)
{
    struct bytes domain;
    if (!atomic_load(&server->tables.policies_known)) {
        answer_loading(server, ticket);
        return;
    }
    if (json_is_array(json_object_get(request, "domains"))) {
        answer_digests(server, ticket, json_object_get(request, "domains"));
        return;
    }
    if (!read_domain(server, ticket, request, &domain)) {
        return;
    }
    rcu_read_begin();
    const struct policy *policy = policy_index_find(server->tables.policies, domain);
    json_t *body = policy != NULL ? safe_json_string(policy_body(policy)) : json_null();
    rcu_read_end();
    control_answer(server->control, ticket, json_pack("{s:o}", "body", body));
}

static void add_held(struct bytes text, int64_t until_s, void *context)
{
    json_array_append_new(context, json_pack("{s:o,s:I}", "text", safe_json_string(text), "until",
                                             (json_int_t)until_s));
}

static void ask_history(struct server *server, uint64_t ticket, const json_t *request)
{
    struct bytes domain;
    if (!read_domain(server, ticket, request, &domain)) {
        return;
    }
    const char *digest = json_string_value(json_object_get(request, "digest"));
    bool known = false;
    int64_t until_s = 0;
    struct error e;
    if (!commands_open_history(server, &e) ||
        !history_held_until(server->history, domain, &known, &until_s, &e)) {
        control_answer_error(server->control, ticket, "%s", e.text);
        return;
    }
    /* What waits to be noted may be held longer than what is known. */
    known = known && loader_history_is_written(server->loader);
    json_t *held = json_array();
    if (!history_each_held(server->history, domain, clock_wall_s(), HELD_MAX, add_held, held, &e)) {
        json_decref(held);
        control_answer_error(server->control, ticket, "%s", e.text);
        return;
    }
    CLEANUP(buffer_clear) struct buffer text = BUFFER(POLICY_BODY_MAX);
    bool found = known && history_text(server->history, domain,
                                       bytes_of(digest != NULL ? digest : ""), &text, &e);
    control_answer(server->control, ticket,
                   json_pack("{s:b,s:I,s:o,s:o}", "known", known, "held_until", (json_int_t)until_s,
                             "held", held, "text",
                             found ? safe_json_string(buffer_bytes(&text)) : json_null()));
}

static const struct {
    const char *name;
    void (*ask)(struct server *server, uint64_t ticket, const json_t *request);
    bool needs_load; /* it makes no sense before the first load is over */
} commands[] = {
    {"status", commands_ask_status, false},
    {"ready", commands_ask_ready, false},
    {"reload", ask_reload, false},
    {"history", ask_history, true},
    {"serving", ask_serving, false},
    {"leaving", commands_ask_leaving, true},
    {"owners", commands_ask_owners, true},
    {"panel", commands_ask_panel, true},
    {"panel-text", commands_ask_panel_text, true},
    {"cert-renew", commands_ask_renew, false},
    {"cert-revoke", commands_ask_revoke, false},
    {"account-rollover", commands_ask_rollover, false},
};

static void answer_unknown(struct server *server, uint64_t ticket, const char *name)
{
    control_answer_error(server->control, ticket,
                         "there is no command \"%s\"; is the server of the same version?",
                         name != NULL ? name : "");
}

/* Whether somebody of RANK may ask it; or answers an error. */
static bool may_ask(struct server *server, uint64_t ticket, enum control_rank rank,
                    const json_t *request)
{
    const struct control_right *right = control_right_find(request);
    const char *name = json_string_value(json_object_get(request, "command"));
    if (right == NULL) {
        answer_unknown(server, ticket, name);
    } else if (rank < right->rank) {
        control_answer_error(server->control, ticket,
                             "only root%s the server's user may ask for %s%s%s; run it with sudo",
                             right->rank == CONTROL_PANEL ? ", members of control.panel_group and"
                                                          : " and",
                             right->command, right->with != NULL ? " with " : "",
                             right->with != NULL ? right->with : "");
    }
    return right != NULL && rank >= right->rank;
}

void commands_ask(uint64_t ticket, enum control_rank rank, const json_t *request, void *context)
{
    struct server *server = context;
    const char *name = json_string_value(json_object_get(request, "command"));
    if (!may_ask(server, ticket, rank, request)) {
        return;
    }
    bool is_status = strcmp(name, "status") == 0;
    if (server->phase == SERVER_STOPPING && !is_status) {
        control_answer_error(server->control, ticket, "the server is stopping; try again");
        return;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(commands); i++) {
        if (strcmp(commands[i].name, name) != 0) {
            continue;
        }
        if (commands[i].needs_load && server->phase == SERVER_LOADING) {
            answer_loading(server, ticket);
        } else {
            commands[i].ask(server, ticket, request);
        }
        return;
    }
    answer_unknown(server, ticket, name);
}
