/* The requests of server/control/control.h that the ACME client answers. */
#include "lib/dns/name.h"
#include "server/server_state.h"

enum { REASON_MAX = 10, REASON_UNASSIGNED = 7 }; /* RFC 5280 §5.3.1 */

static bool has_client(const struct server *server, uint64_t ticket)
{
    if (server->acme == NULL && server->settings->acme != NULL) {
        control_answer_error(server->control, ticket,
                             "the server is loading; try again in a moment");
    } else if (server->acme == NULL) {
        control_answer_error(
            server->control, ticket,
            "this server orders no certificates; put `acme` into %s and restart it",
            server->settings->file);
    }
    return server->acme != NULL;
}

static bool is_domain(const struct server *server, struct bytes name)
{
    rcu_read_begin();
    bool served = policy_index_find(server->tables.policies, name) != NULL;
    rcu_read_end();
    return served;
}

/* A host name as people write it: the whole, or the domain that is served there. */
static bool find_host(const struct server *server, struct bytes text, struct dns_name *ret_host,
                      struct error *e)
{
    struct dns_name name;
    if (!dns_name_normalise(text, &name, e)) {
        return false;
    }
    struct bytes bytes = dns_name_bytes(&name);
    if (bytes_starts_with(bytes, BYTES(POLICY_HOST_PREFIX))) {
        *ret_host = name;
        return true;
    }
    if (!is_domain(server, bytes)) {
        return error_set(e, ERROR_NOT_FOUND,
                         "no policy is served for %s; for a host whose policy is gone, write "
                         "the whole name: " POLICY_HOST_PREFIX "%s",
                         name.text, name.text);
    }
    CLEANUP_FREE char *host = memory_printf(POLICY_HOST_PREFIX "%s", name.text);
    return dns_name_normalise(bytes_of(host), ret_host, e);
}

/* "host" of REQUEST, or answers an error. */
static bool read_host(struct server *server, uint64_t ticket, const json_t *request,
                      struct dns_name *ret_host)
{
    const json_t *host = json_object_get(request, "host");
    struct error e;
    if (!has_client(server, ticket)) {
        return false;
    }
    if (!json_is_string(host)) {
        control_answer_error(server->control, ticket, "\"host\" is missing or not a host name");
        return false;
    }
    const struct bytes text = {json_string_value(host), json_string_length(host)};
    if (!find_host(server, text, ret_host, &e)) {
        control_answer_error(server->control, ticket, "%s", e.text);
        return false;
    }
    return true;
}

static void answer_done(struct inquiry *inquiry)
{
    struct control *control = inquiry->server->control;
    if (inquiry->trouble != NULL) {
        control_answer_error(control, inquiry->ticket, "%s", inquiry->trouble);
    } else {
        control_answer(control, inquiry->ticket, json_pack("{s:b}", "done", 1));
    }
}

void commands_ask_renew(struct server *server, uint64_t ticket, const json_t *request)
{
    struct dns_name host;
    if (read_host(server, ticket, request, &host)) {
        acme_renew(server->acme, host.text, inquiry_on_acme_done,
                   inquiry_new(server, ticket, answer_done));
    }
}

void commands_ask_revoke(struct server *server, uint64_t ticket, const json_t *request)
{
    struct dns_name host;
    const json_t *value = json_object_get(request, "reason");
    json_int_t reason = json_integer_value(value); /* 0, unspecified, where there is none */
    if (!read_host(server, ticket, request, &host)) {
        return;
    }
    bool given = value != NULL && !json_is_null(value);
    if ((given && !json_is_integer(value)) || reason < 0 || reason > REASON_MAX ||
        reason == REASON_UNASSIGNED) {
        control_answer_error(server->control, ticket,
                             "\"reason\" is not a reason of RFC 5280 §5.3.1; it is a number from "
                             "0 to %d, but not %d",
                             REASON_MAX, REASON_UNASSIGNED);
        return;
    }
    acme_revoke(server->acme, host.text, (int)reason, inquiry_on_acme_done,
                inquiry_new(server, ticket, answer_done));
}

void commands_ask_rollover(struct server *server, uint64_t ticket, const json_t *request)
{
    const json_t *directory = json_object_get(request, "directory");
    if (!has_client(server, ticket)) {
        return;
    }
    if (directory != NULL && !json_is_null(directory) && !json_is_string(directory)) {
        control_answer_error(server->control, ticket,
                             "\"directory\" is neither the name of a CA's directory nor null");
        return;
    }
    acme_roll_over(server->acme, json_string_value(directory), inquiry_on_acme_done,
                   inquiry_new(server, ticket, answer_done));
}
