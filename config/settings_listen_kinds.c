/* `listen:` — what is listened for; settings_listen.c reads the places. */
#include "settings_parts.h"

static bool read_https(const struct yaml_pair *pair, void *target, struct fields_context *context)
{
    settings_reader_of(context)->https_read = true;
    return settings_read_listens(pair, &((struct settings *)target)->https, context);
}

static bool read_http(const struct yaml_pair *pair, void *target, struct fields_context *context)
{
    settings_reader_of(context)->http_read = true;
    return settings_read_listens(pair, &((struct settings *)target)->http, context);
}

bool settings_read_listen(const struct yaml_pair *pair, void *target,
                          struct fields_context *context)
{
    static const struct field FIELDS[] = {
        {"https", .read = read_https},
        {"http", .read = read_http},
        {"plain", settings_read_listens, .offset = offsetof(struct settings, plain)},
        {"admin", .read = settings_read_admin},
        {"health", .read = settings_read_health},
    };
    const struct settings *settings = target;
    const struct settings_reader *reader = settings_reader_of(context);
    if (!fields_read(pair, "listen", FIELDS, ARRAY_LENGTH(FIELDS), target, context)) {
        return false;
    }
    bool none = reader->https_read && reader->http_read && settings->https.count == 0 &&
                settings->http.count == 0 && settings->plain.count == 0;
    return !none || fields_error(context, &pair->value_place,
                                 "nothing to listen on; write an address for https, http or plain");
}
