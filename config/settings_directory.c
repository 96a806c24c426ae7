/* `acme.directories:` — the CAs that certificates are ordered from. */
#include "lib/base/shown.h"
#include "settings_parts.h"

enum {
    DIRECTORIES_MAX = 8,
    URL_MAX_OCTETS = 2048,
    KID_MAX = 1024,
    PROFILE_MAX = 255,
    COMMON_NAME_MAX = 255,
    ISSUERS_MAX = 16,
};

#define AT(member) offsetof(struct settings_directory, member)

static const struct {
    const char *name;
    const char *url;
} KNOWN[] = {
    {"letsencrypt", "https://acme-v02.api.letsencrypt.org/directory"},
    {"letsencrypt-staging", "https://acme-staging-v02.api.letsencrypt.org/directory"},
};

/* Whether TEXT can be the URL of a directory: https, a host, nothing that a URL may not hold or
 * that makes no sense here (user names, fragments). libcurl takes it apart later. */
static bool is_https_url(struct bytes text)
{
    struct bytes scheme = BYTES("https://");
    struct bytes rest = bytes_skip(text, scheme.n);
    if (!bytes_starts_with(text, scheme) || text.n > URL_MAX_OCTETS || rest.n == 0 ||
        strchr("/?:", rest.p[0]) != NULL) {
        return false;
    }
    for (size_t i = 0; i < rest.n; i++) {
        unsigned char c = (unsigned char)rest.p[i];
        if (c <= ' ' || c >= 0x7f || strchr("\"\\<>^`{|}#@", c) != NULL) {
            return false;
        }
    }
    return true;
}

static bool read_url(const struct yaml_pair *pair, void *target, struct fields_context *context)
{
    struct settings_directory *directory = target;
    struct bytes text;
    if (!fields_string(pair, &text, context)) {
        return false;
    }
    const char *url = NULL;
    for (size_t i = 0; i < ARRAY_LENGTH(KNOWN); i++) {
        url = bytes_equal(text, bytes_of(KNOWN[i].name)) ? KNOWN[i].url : url;
    }
    if (url == NULL && !is_https_url(text)) {
        return fields_error(context, &pair->value_place,
                            "\"%s\" is no ACME directory; write letsencrypt, letsencrypt-staging "
                            "or \"https://HOST/PATH\"",
                            shown(text).text);
    }
    free(directory->name);
    free(directory->url);
    directory->name = memory_string_of(text);
    directory->url = url != NULL ? memory_string(url) : memory_string_of(text);
    return true;
}

static bool read_eab(const struct yaml_pair *pair, void *target, struct fields_context *context)
{
    static const struct field FIELDS[] = {
        {"kid", settings_read_text, .offset = AT(eab_kid), .max = KID_MAX, .flags = FIELD_REQUIRED},
        {"key_file", settings_read_path, .offset = AT(eab_key_file), .flags = FIELD_REQUIRED},
    };
    return fields_read(pair, "eab", FIELDS, ARRAY_LENGTH(FIELDS), target, context);
}

static bool add_issuer(const struct yaml_node *item, void *target, struct fields_context *context)
{
    struct settings_list *issuers = target;
    if (issuers->count == ISSUERS_MAX) {
        return fields_error(context, &item->start, "more than %d issuer names; remove some",
                            ISSUERS_MAX);
    }
    char *name = settings_parse_name(item->text);
    if (name == NULL) {
        return fields_error(context, &item->start,
                            "\"%s\" is no issuer's name for CAA; write the DNS name that the CA's "
                            "documentation gives, such as ca.example",
                            shown(item->text).text);
    }
    settings_list_add(issuers, name);
    return true;
}

static bool read_directory(const struct yaml_pair *item, struct settings_directory *directory,
                           struct fields_context *context)
{
    static const struct field FIELDS[] = {
        {"url", .read = read_url, .flags = FIELD_REQUIRED},
        {"trust", settings_read_path, .offset = AT(trust)},
        {"eab", .read = read_eab},
        {"profile", settings_read_text, .offset = AT(profile), .max = PROFILE_MAX},
        {"profile_required", fields_read_bool, .offset = AT(profile_required)},
        {"preferred_chain", settings_read_text, .offset = AT(preferred_chain),
         .max = COMMON_NAME_MAX},
        {"caa", fields_read_strings, .offset = AT(caa), .add = add_issuer},
    };
    if (item->value->kind != YAML_MAPPING) {
        return read_url(item, directory, context);
    }
    if (!fields_read(item, "a directory", FIELDS, ARRAY_LENGTH(FIELDS), directory, context)) {
        return false;
    }
    return !directory->profile_required || directory->profile != NULL ||
           fields_error(context, &item->value_place,
                        "\"profile_required\" without a profile; write \"profile\" too");
}

static bool add_directory(const struct yaml_pair *item, struct settings_acme *acme,
                          struct fields_context *context)
{
    if (acme->directory_count == DIRECTORIES_MAX) {
        return fields_error(context, &item->value_place, "more than %d directories; remove some",
                            DIRECTORIES_MAX);
    }
    struct settings_directory *directory = &acme->directories[acme->directory_count++];
    if (!read_directory(item, directory, context)) {
        return false;
    }
    for (const struct settings_directory *other = acme->directories; other < directory; other++) {
        if (other->url != NULL && strcmp(other->url, directory->url) == 0) {
            return fields_error(context, &item->value_place,
                                "the directory \"%s\" stands here twice; remove one of them",
                                shown(bytes_of(directory->name)).text);
        }
    }
    return true;
}

static void make_room(struct settings_acme *acme)
{
    if (acme->directories == NULL) {
        acme->directories = memory_zero(DIRECTORIES_MAX, sizeof(*acme->directories));
    }
}

bool settings_read_directories(const struct yaml_pair *pair, void *target,
                               struct fields_context *context)
{
    struct settings_acme *acme = target;
    const struct yaml_node *value = pair->value;
    make_room(acme);
    if (value->kind != YAML_SEQUENCE) {
        return add_directory(pair, acme, context);
    }
    if (value->count == 0) {
        return fields_error(context, &pair->value_place,
                            "\"%s\" names no CA; write one, or remove the key",
                            shown(pair->key->text).text);
    }
    bool good = true;
    for (size_t i = 0; i < value->count; i++) {
        struct yaml_pair item = {pair->key, value->items[i], value->items[i]->start, false};
        good = add_directory(&item, acme, context) && good;
    }
    return good;
}

void settings_directories_default(struct settings_acme *acme)
{
    make_room(acme);
    acme->directories[acme->directory_count++] = (struct settings_directory){
        .name = memory_string(KNOWN[0].name),
        .url = memory_string(KNOWN[0].url),
    };
}

void settings_directories_free(struct settings_acme *acme)
{
    for (size_t i = 0; i < acme->directory_count; i++) {
        struct settings_directory *directory = &acme->directories[i];
        free(directory->name);
        free(directory->url);
        free(directory->trust);
        free(directory->eab_kid);
        free(directory->eab_key_file);
        free(directory->profile);
        free(directory->preferred_chain);
        settings_list_clear(&directory->caa);
    }
    free(acme->directories);
}
