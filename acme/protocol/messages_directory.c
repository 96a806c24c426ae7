#include "acme/protocol/messages_parts.h"

enum { NAME_MAX_OCTETS = 253 }; /* as of a host; profiles are shorter */

void acme_directory_clear(struct acme_directory *directory)
{
    free(directory->new_nonce);
    free(directory->new_account);
    free(directory->new_order);
    free(directory->revoke_cert);
    free(directory->key_change);
    free(directory->renewal_info);
    free(directory->terms);
    acme_names_clear(&directory->caa_identities);
    acme_names_clear(&directory->profiles);
    *directory = (struct acme_directory){0};
}

static bool read_urls(const struct acme_part *part, struct acme_directory *directory,
                      struct error *e)
{
    const struct {
        const char *key;
        enum acme_need need;
        char **url;
    } urls[] = {
        {"newNonce", ACME_REQUIRED, &directory->new_nonce},
        {"newAccount", ACME_REQUIRED, &directory->new_account},
        {"newOrder", ACME_REQUIRED, &directory->new_order},
        {"revokeCert", ACME_REQUIRED, &directory->revoke_cert},
        {"keyChange", ACME_REQUIRED, &directory->key_change},
        {"renewalInfo", ACME_OPTIONAL, &directory->renewal_info},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(urls); i++) {
        if (!acme_part_url(part, urls[i].key, urls[i].need, urls[i].url, e)) {
            return false;
        }
    }
    return true;
}

/* Names that messages and configurations can hold: visible ASCII. */
static bool add_name(const struct acme_part *part, const char *key, const char *name,
                     struct acme_names *names, struct error *e)
{
    if (name == NULL || name[0] == '\0' || strlen(name) > NAME_MAX_OCTETS ||
        !acme_text_is_visible(name)) {
        return error_set(e, ERROR_SYNTAX, "%s of %s has an item that is no name; %s", key,
                         part->what, part->advice);
    }
    names->items[names->count++] = memory_string(name);
    return true;
}

static bool read_caa_identities(const struct acme_part *meta, struct acme_names *names,
                                struct error *e)
{
    const json_t *array = NULL;
    if (!acme_part_array(meta, "caaIdentities", &array, e)) {
        return false;
    }
    names->items = memory_zero(json_array_size(array), sizeof(char *));
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *name = json_string_value(json_array_get(array, i));
        if (!add_name(meta, "caaIdentities", name, names, e)) {
            return false;
        }
    }
    return true;
}

/* An object: the members' names are the profiles', the values describe them. */
static bool read_profiles(const struct acme_part *meta, struct acme_names *names, struct error *e)
{
    const json_t *profiles = acme_part_get(meta, "profiles");
    const char *name = NULL;
    json_t *about = NULL;
    if (profiles != NULL && !json_is_object(profiles)) {
        return error_set(e, ERROR_SYNTAX, "profiles of %s is no object; %s", meta->what,
                         meta->advice);
    }
    if (json_object_size(profiles) > ACME_LIST_MAX) {
        return error_set(e, ERROR_LIMIT,
                         "profiles of %s has %zu items, and at most %d are read; %s", meta->what,
                         json_object_size(profiles), ACME_LIST_MAX, meta->advice);
    }
    names->items = memory_zero(json_object_size(profiles), sizeof(char *));
    json_object_foreach((json_t *)profiles, name, about)
    {
        if (!add_name(meta, "profiles", name, names, e)) {
            return false;
        }
    }
    return true;
}

/* Terms are for people to read, and somewhere else than ACME: Pebble's are a `data:` URL. */
static bool read_terms(const struct acme_part *meta, char **ret_terms, struct error *e)
{
    const json_t *value = acme_part_get(meta, "termsOfService");
    const char *terms = json_string_value(value);
    if (value == NULL) {
        return true;
    }
    if (json_string_length(value) > ACME_URL_MAX) {
        return error_set(e, ERROR_LIMIT,
                         "termsOfService of %s has %zu octets, and at most %d fit; %s", meta->what,
                         json_string_length(value), ACME_URL_MAX, meta->advice);
    }
    if (terms == NULL || terms[0] == '\0' || !acme_text_is_visible(terms)) {
        return error_set(e, ERROR_SYNTAX, "termsOfService of %s is no URL; %s", meta->what,
                         meta->advice);
    }
    *ret_terms = memory_string(terms);
    return true;
}

static bool read_meta(const struct acme_part *part, struct acme_directory *directory,
                      struct error *e)
{
    struct acme_part meta = *part;
    meta.object = acme_part_get(part, "meta");
    if (meta.object == NULL) {
        return true;
    }
    if (!json_is_object(meta.object)) {
        return error_set(e, ERROR_SYNTAX, "meta of %s is no object; %s", part->what, part->advice);
    }
    directory->external_account_required =
        json_is_true(acme_part_get(&meta, "externalAccountRequired"));
    return read_terms(&meta, &directory->terms, e) &&
           read_caa_identities(&meta, &directory->caa_identities, e) &&
           read_profiles(&meta, &directory->profiles, e);
}

bool acme_directory_parse(struct bytes json, struct acme_directory *ret_directory, struct error *e)
{
    json_auto_t *root = NULL;
    struct acme_directory directory = {0};
    struct acme_part part = {.what = "the directory", .advice = "is its address right?"};
    if (!acme_message_load(json, &part, &root, e)) {
        return false;
    }
    if (!read_urls(&part, &directory, e) || !read_meta(&part, &directory, e)) {
        acme_directory_clear(&directory);
        return false;
    }
    *ret_directory = directory;
    return true;
}
