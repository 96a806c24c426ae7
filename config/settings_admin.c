/* `listen.admin` and `listen.health` — where the server says how it is, and to whom. */
#include "lib/base/shown.h"
#include "settings_parts.h"

enum {
    HOSTS_MAX = 64,
    HEALTH_PATH_MAX = 255,
};

static bool add_host(const struct yaml_node *item, void *target, struct fields_context *context)
{
    struct settings_list *hosts = target;
    char *name = hosts->count < HOSTS_MAX ? settings_parse_name(item->text) : NULL;
    if (name == NULL) {
        return fields_error(
            context, &item->start,
            hosts->count < HOSTS_MAX
                ? "\"%s\" is no host name; addresses and localhost need not be named"
                : "\"%s\" is one name too many; remove some",
            shown(item->text).text);
    }
    settings_list_add(hosts, name);
    return true;
}

/* What metrics say of tenants as a whole is not for the world: whoever opens it to more than this
 * machine says to whom. systemd's sockets are looked at when somebody connects. */
static bool check_from(const struct settings_admin *admin, const struct yaml_pair *pair,
                       struct fields_context *context)
{
    for (size_t i = 0; i < admin->listens.count && admin->from.count == 0; i++) {
        const struct settings_listen *listen = &admin->listens.items[i];
        if (listen->kind == LISTEN_TCP && !settings_is_loopback(listen->host)) {
            return fields_error(context, &pair->value_place,
                                "\"%s\" is open to other machines; say which of them are answered: "
                                "{address: \"%s\", from: [NETWORK]}",
                                listen->text, listen->text);
        }
    }
    return true;
}

bool settings_read_admin(const struct yaml_pair *pair, void *target, struct fields_context *context)
{
    static const struct field FIELDS[] = {
        {"address", fields_read_strings, .offset = offsetof(struct settings_admin, listens),
         .add = settings_add_listen, .flags = FIELD_REQUIRED},
        {"from", settings_read_networks, .offset = offsetof(struct settings_admin, from)},
        {"hosts", fields_read_strings, .offset = offsetof(struct settings_admin, hosts),
         .add = add_host},
    };
    struct settings_admin *admin = &((struct settings *)target)->admin;
    bool good = pair->value->kind == YAML_MAPPING
                    ? fields_read(pair, "admin", FIELDS, ARRAY_LENGTH(FIELDS), admin, context)
                    : fields_strings(pair, settings_add_listen, &admin->listens, context);
    return good && check_from(admin, pair, context);
}

/* Only what every client sends as it is (RFC 3986 §3.3), since it is compared octet for octet. */
static bool is_path(struct bytes text)
{
    static const char OTHERS[] = "/-._~";
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!plain && (c == '\0' || strchr(OTHERS, c) == NULL)) {
            return false;
        }
    }
    return text.n > 1 && text.n <= HEALTH_PATH_MAX && text.p[0] == '/';
}

bool settings_read_health(const struct yaml_pair *pair, void *target,
                          struct fields_context *context)
{
    struct bytes text;
    if (!fields_string(pair, &text, context)) {
        return false;
    }
    if (!is_path(text) || bytes_starts_with(text, BYTES("/.well-known/"))) {
        return fields_error(context, &pair->value_place,
                            "\"%s\" is no path for health; write one such as /healthz, of letters, "
                            "digits and -._~/, and not below /.well-known/",
                            shown(text).text);
    }
    settings_replace(&((struct settings *)target)->health_path, memory_string_of(text));
    return true;
}
