/* The request `owners`: which files have names where they are served. */
#include "lib/base/safe_json.h"
#include "lib/dns/name.h"
#include "server/control/control.h"
#include "server/server_state.h"

static json_t *owner_json(const struct loader_owner *owner)
{
    char hex[2 * sizeof(owner->digest) + 1];
    bytes_to_hex(owner->digest, sizeof(owner->digest), hex);
    return json_pack("{s:o,s:o,s:s}", "entry", safe_json_text(owner->entry), "path",
                     safe_json_text(owner->path), "digest", hex);
}

static void answer(struct inquiry *inquiry)
{
    const struct loader_owners *owners = inquiry->owners;
    json_t *found = json_object();
    for (size_t i = 0; i < owners->count; i++) {
        if (owners->items[i].entry != NULL) {
            json_object_set_new(found, owners->items[i].name, owner_json(&owners->items[i]));
        }
    }
    control_answer(inquiry->server->control, inquiry->ticket, json_pack("{s:o}", "owners", found));
}

/* False: NAMES is not what it should be. */
static bool read_names(const json_t *names, struct bytes *ret_names)
{
    size_t i = 0;
    const json_t *name = NULL;
    json_array_foreach(names, i, name)
    {
        if (!json_is_string(name) || json_string_length(name) > DNS_NAME_MAX) {
            return false;
        }
        ret_names[i] = (struct bytes){json_string_value(name), json_string_length(name)};
    }
    return true;
}

void commands_ask_owners(struct server *server, uint64_t ticket, const json_t *request)
{
    struct bytes names[CONTROL_OWNERS_MAX];
    const json_t *list = json_object_get(request, "names");
    if (server->phase == SERVER_LOADING) {
        commands_answer_loading(server, ticket);
    } else if (!json_is_array(list) || json_array_size(list) > CONTROL_OWNERS_MAX ||
               !read_names(list, names)) {
        control_answer_error(server->control, ticket,
                             "\"names\" is missing or no list of at most %d names",
                             CONTROL_OWNERS_MAX);
    } else {
        loader_ask_owners(server->loader, names, json_array_size(list), inquiry_on_owners,
                          inquiry_new(server, ticket, answer));
    }
}
