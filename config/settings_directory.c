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

static bool read_trust(const struct yaml_pair *pair, void *target, struct fields_context *context)
{
    return settings_read_path(pair, &((struct settings_directory *)target)->trust, context);
}

static bool read_kid(const struct yaml_pair *pair, void *target, struct fields_context *context)
{
    return settings_read_text(pair, KID_MAX, &((struct settings_directory *)target)->eab_kid,
                              context);
}

static bool read_key_file(const struct yaml_pair *pair, void *target,
                          struct fields_context *context)
{
    return settings_read_path(pair, &((struct settings_directory *)target)->eab_key_file, context);
}

static bool read_eab(const struct yaml_pair *pair, void *target, struct fields_context *context)
{
    static const struct field FIELDS[] = {
        {"kid", read_kid, FIELD_REQUIRED},
        {"key_file", read_key_file, FIELD_REQUIRED},
    };
    return fields_read(pair, "eab", FIELDS, ARRAY_LENGTH(FIELDS), target, context);
}

static bool read_profile(const struct yaml_pair *pair, void *target, struct fields_context *context)
{
    return settings_read_text(pair, PROFILE_MAX, &((struct settings_directory *)target)->profile,
                              context);
}

static bool read_profile_required(const struct yaml_pair *pair, void *target,
                                  struct fields_context *context)
{
    return fields_bool(pair, &((struct settings_directory *)target)->profile_required, context);
}

static bool read_preferred_chain(const struct yaml_pair *pair, void *target,
                                 struct fields_context *context)
{
    return settings_read_text(pair, COMMON_NAME_MAX,
                              &((struct settings_directory *)target)->preferred_chain, context);
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

static bool read_caa(const struct yaml_pair *pair, void *target, struct fields_context *context)
{
    return fields_strings(pair, add_issuer, &((struct settings_directory *)target)->caa, context);
}

static bool read_directory(const struct yaml_pair *item, struct settings_directory *directory,
                           struct fields_context *context)
{
    static const struct field FIELDS[] = {
        {"url", read_url, FIELD_REQUIRED},
        {"trust", read_trust, 0},
        {"eab", read_eab, 0},
        {"profile", read_profile, 0},
        {"profile_required", read_profile_required, 0},
        {"preferred_chain", read_preferred_chain, 0},
        {"caa", read_caa, 0},
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
