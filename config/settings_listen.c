/* `listen:` — one place to listen. */
#include <arpa/inet.h>
#include <sys/un.h>

#include "lib/base/file.h"
#include "lib/base/shown.h"
#include "settings_parts.h"

enum {
    LISTENS_MAX = 64, /* of one kind */
    SYSTEMD_NAME_MAX = 255,
};

static void add_listen(struct settings_listens *listens, struct settings_listen listen)
{
    ARRAY_GROW(listens->items, listens->count, listens->capacity);
    listens->items[listens->count++] = listen;
}

void settings_listen_default(struct settings_listens *listens, const char *text, uint16_t port)
{
    add_listen(listens, (struct settings_listen){.kind = LISTEN_TCP,
                                                 .text = memory_string(text),
                                                 .host = memory_string("::"),
                                                 .port = port});
}

static bool read_port(struct bytes text, uint16_t *ret_port)
{
    unsigned port = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9' || i > 4) {
            return false;
        }
        port = port * 10 + (unsigned)(text.p[i] - '0');
    }
    if (text.n == 0 || port > UINT16_MAX) {
        return false;
    }
    *ret_port = (uint16_t)port;
    return true;
}

bool settings_parse_address(struct bytes text, struct settings_listen *listen)
{
    const char *colon = memrchr(text.p, ':', text.n);
    if (colon == NULL) {
        return false;
    }
    struct bytes host = {text.p, (size_t)(colon - text.p)};
    struct bytes port = bytes_skip(text, host.n + 1);
    bool six = host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';
    if (six) {
        host = (struct bytes){host.p + 1, host.n - 2};
    }
    struct in6_addr address;
    CLEANUP_FREE char *name = memory_string_of(host);
    if (inet_pton(six ? AF_INET6 : AF_INET, name, &address) != 1 ||
        !read_port(port, &listen->port)) {
        return false;
    }
    listen->kind = LISTEN_TCP;
    listen->host = TAKE(name);
    return true;
}

static bool parse_unix(const struct yaml_node *item, struct bytes path,
                       struct settings_listen *listen, struct fields_context *context)
{
    CLEANUP_FREE char *name = memory_string_of(path);
    CLEANUP_FREE char *absolute = file_path_join(settings_reader_of(context)->directory, name);
    if (path.n == 0 || strlen(absolute) >= sizeof(((struct sockaddr_un *)NULL)->sun_path)) {
        return fields_error(context, &item->start,
                            "a socket's path has 1 to %zu octets, its directory included; choose "
                            "another",
                            sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1);
    }
    listen->kind = LISTEN_UNIX;
    listen->host = TAKE(absolute);
    return true;
}

static bool parse_systemd(const struct yaml_node *item, struct bytes name,
                          struct settings_listen *listen, struct fields_context *context)
{
    if (name.n == 0 || name.n > SYSTEMD_NAME_MAX || memchr(name.p, ':', name.n) != NULL) {
        return fields_error(context, &item->start,
                            "\"systemd:\" wants the FileDescriptorName= of a socket unit after it");
    }
    listen->kind = LISTEN_SYSTEMD;
    listen->host = memory_string_of(name);
    return true;
}

static bool parse_listen(const struct yaml_node *item, struct settings_listen *ret_listen,
                         struct fields_context *context)
{
    struct bytes unix_prefix = BYTES("unix:");
    struct bytes systemd_prefix = BYTES("systemd:");
    if (bytes_starts_with(item->text, unix_prefix)) {
        return parse_unix(item, bytes_skip(item->text, unix_prefix.n), ret_listen, context);
    }
    if (bytes_starts_with(item->text, systemd_prefix)) {
        return parse_systemd(item, bytes_skip(item->text, systemd_prefix.n), ret_listen, context);
    }
    return settings_parse_address(item->text, ret_listen) ||
           fields_error(context, &item->start,
                        "cannot listen on \"%s\"; write \"[::]:443\" (every address), "
                        "\"192.0.2.1:443\", \"unix:PATH\" or \"systemd:NAME\"",
                        shown(item->text).text);
}

bool settings_is_loopback(const char *host)
{
    static const unsigned char one[sizeof(struct in6_addr)] = {[15] = 1};
    struct in6_addr address;
    if (inet_pton(AF_INET6, host, &address) == 1) {
        bool mapped = IN6_IS_ADDR_V4MAPPED(&address);
        return memcmp(&address, one, sizeof(one)) == 0 || (mapped && address.s6_addr[12] == 127);
    }
    return inet_pton(AF_INET, host, &address) == 1 && address.s6_addr[0] == 127;
}

static bool any_on_loopback(const struct settings_listens *listens)
{
    for (size_t i = 0; i < listens->count; i++) {
        if (listens->items[i].kind == LISTEN_TCP && settings_is_loopback(listens->items[i].host)) {
            return true;
        }
    }
    return false;
}

bool settings_listen_on_loopback(const struct settings *settings)
{
    return any_on_loopback(&settings->https) || any_on_loopback(&settings->http) ||
           any_on_loopback(&settings->plain);
}

static bool same_listen(const struct settings_listen *a, const struct settings_listen *b)
{
    bool any_port = a->kind == LISTEN_TCP && a->port == 0;
    return a->kind == b->kind && strcmp(a->host, b->host) == 0 && a->port == b->port && !any_port;
}

static bool is_in(const struct settings_listens *listens, const struct settings_listen *listen)
{
    for (size_t i = 0; i < listens->count; i++) {
        if (same_listen(&listens->items[i], listen)) {
            return true;
        }
    }
    return false;
}

bool settings_add_listen(const struct yaml_node *item, void *target, struct fields_context *context)
{
    struct settings_listens *listens = target;
    if (listens->count == LISTENS_MAX) {
        return fields_error(context, &item->start, "more than %d of one kind; remove some",
                            LISTENS_MAX);
    }
    struct settings_listen listen = {0};
    if (!parse_listen(item, &listen, context)) {
        return false;
    }
    const struct settings *settings = settings_reader_of(context)->settings;
    if (is_in(&settings->https, &listen) || is_in(&settings->http, &listen) ||
        is_in(&settings->plain, &listen) || is_in(&settings->admin.listens, &listen)) {
        free(listen.host);
        return fields_error(context, &item->start, "\"%s\" stands here twice; remove one of them",
                            shown(item->text).text);
    }
    listen.text = memory_string_of(item->text);
    add_listen(listens, listen);
    return true;
}
