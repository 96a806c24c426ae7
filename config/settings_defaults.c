/* `defaults:` — what a policy has where it does not say. */
#include "lib/base/shown.h"
#include "settings_parts.h"

enum {
    MAX_AGE_MAX_S = 31557600, /* RFC 8461 §3.2 */
    TLSRPT_MAX = 4096,
};

static bool read_max_age(const struct yaml_pair *pair, void *target, struct fields_context *context)
{
    struct settings *settings = target;
    return fields_duration_s(pair, 0, MAX_AGE_MAX_S, &settings->default_max_age_s, context);
}

/* RFC 8460 §3: mailto: or https:, with `!`, `,` and `;` percent-encoded. */
static bool add_tlsrpt(const struct yaml_node *item, void *target, struct fields_context *context)
{
    struct buffer *uris = target;
    struct bytes uri = item->text;
    bool mail = bytes_starts_with(uri, BYTES("mailto:")) && memchr(uri.p, '@', uri.n) != NULL;
    bool https = bytes_starts_with(uri, BYTES("https://")) && uri.n > 8;
    if (!mail && !https) {
        return fields_error(context, &item->start,
                            "\"%s\" is no place for reports; write \"mailto:ADDRESS\" or "
                            "\"https://HOST/PATH\"",
                            shown(uri).text);
    }
    buffer_add_string(uris, uris->n != 0 ? "," : "");
    for (size_t i = 0; i < uri.n; i++) {
        unsigned char c = (unsigned char)uri.p[i];
        if (c <= ' ' || c >= 0x7f || c == '"' || c == '\\') {
            return fields_error(context, &item->start,
                                "\"%s\" holds a character that no URI may; percent-encode it",
                                shown(uri).text);
        }
        buffer_printf(uris, strchr("!,;", c) != NULL ? "%%%02X" : "%c", c);
    }
    return !uris->overflow || fields_error(context, &item->start,
                                           "more than %d octets of URIs; remove some", TLSRPT_MAX);
}

static bool read_tlsrpt(const struct yaml_pair *pair, void *target, struct fields_context *context)
{
    struct settings *settings = target;
    CLEANUP(buffer_clear) struct buffer uris = BUFFER(TLSRPT_MAX);
    if (!fields_strings(pair, add_tlsrpt, &uris, context)) {
        return false;
    }
    free(settings->default_tlsrpt);
    settings->default_tlsrpt = uris.n != 0 ? buffer_take(&uris) : NULL;
    return true;
}

static bool read_ids(const struct yaml_pair *pair, void *target, struct fields_context *context)
{
    struct bytes text;
    if (!fields_string(pair, &text, context)) {
        return false;
    }
    bool derived = bytes_equal(text, BYTES("derived"));
    if (!derived && !bytes_equal(text, BYTES("written"))) {
        return fields_error(context, &pair->value_place,
                            "\"ids\" must be derived (from the policy) or written (into the file), "
                            "not \"%s\"",
                            shown(text).text);
    }
    ((struct settings *)target)->ids_derived = derived;
    return true;
}

bool settings_read_defaults(const struct yaml_pair *pair, void *target,
                            struct fields_context *context)
{
    static const struct field FIELDS[] = {
        {"max_age", read_max_age, 0},
        {"tlsrpt", read_tlsrpt, 0},
        {"ids", read_ids, 0},
    };
    return fields_read(pair, "defaults", FIELDS, ARRAY_LENGTH(FIELDS), target, context);
}
