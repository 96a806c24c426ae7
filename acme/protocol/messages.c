#include "messages.h"

#include <curl/curl.h>

#include "acme/protocol/messages_parts.h"
#include "lib/base/shown.h"

bool acme_names_have(const struct acme_names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->items[i], name) == 0) {
            return true;
        }
    }
    return false;
}

void acme_names_clear(struct acme_names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        free(names->items[i]);
    }
    free(names->items);
    *names = (struct acme_names){0};
}

bool acme_message_load(struct bytes text, struct acme_part *part, json_t **ret_root,
                       struct error *e)
{
    json_error_t why;
    if (text.n > ACME_MESSAGE_MAX) {
        return error_set(e, ERROR_LIMIT, "%s has %zu octets, and at most %d are read; %s",
                         part->what, text.n, ACME_MESSAGE_MAX, part->advice);
    }
    json_auto_t *root = json_loadb(text.p != NULL ? text.p : "", text.n, 0, &why);
    if (root == NULL) {
        return error_set(e, ERROR_SYNTAX, "%s is no JSON (%s); %s", part->what,
                         shown(bytes_of(why.text)).text, part->advice);
    }
    if (!json_is_object(root)) {
        return error_set(e, ERROR_SYNTAX, "%s is no JSON object; %s", part->what, part->advice);
    }
    part->object = root;
    *ret_root = TAKE(root);
    return true;
}

const json_t *acme_part_get(const struct acme_part *part, const char *key)
{
    const json_t *value = json_object_get(part->object, key);
    return json_is_null(value) ? NULL : value;
}

bool acme_text_is_visible(const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        if (*p < 0x21 || *p > 0x7e) {
            return false;
        }
    }
    return true;
}

bool acme_value_is_url(const json_t *value)
{
    const char *text = json_string_value(value);
    /* libcurl repairs what lacks the slashes or a scheme; here it is to be as RFC 9110 §4.2.2 has
     * it. User and password have no place in a CA's URLs, and would be sent. */
    if (text == NULL || json_string_length(value) > ACME_URL_MAX ||
        strncasecmp(text, "https://", 8) != 0 || !acme_text_is_visible(text)) {
        return false;
    }
    CURLU *url = curl_url();
    if (url == NULL) {
        abort();
    }
    bool good = curl_url_set(url, CURLUPART_URL, text, CURLU_DISALLOW_USER) == CURLUE_OK;
    curl_url_cleanup(url);
    return good;
}

bool acme_part_url(const struct acme_part *part, const char *key, enum acme_need need,
                   char **ret_url, struct error *e)
{
    const json_t *value = acme_part_get(part, key);
    if (value == NULL && need == ACME_OPTIONAL) {
        *ret_url = NULL;
        return true;
    }
    if (value == NULL) {
        return error_set(e, ERROR_SYNTAX, "%s has no %s URL; %s", part->what, key, part->advice);
    }
    if (!acme_value_is_url(value)) {
        return error_set(e, ERROR_SYNTAX, "%s of %s is no https URL of at most %d octets; %s", key,
                         part->what, ACME_URL_MAX, part->advice);
    }
    *ret_url = memory_string(json_string_value(value));
    return true;
}

void acme_part_link(const struct acme_part *part, const char *key, char *ret_link, size_t size)
{
    const json_t *value = acme_part_get(part, key);
    size_t n = json_string_length(value);
    ret_link[0] = '\0';
    if (n < size && acme_value_is_url(value)) {
        memcpy(ret_link, json_string_value(value), n + 1);
    }
}

bool acme_part_array(const struct acme_part *part, const char *key, const json_t **ret_array,
                     struct error *e)
{
    const json_t *value = acme_part_get(part, key);
    if (value != NULL && !json_is_array(value)) {
        return error_set(e, ERROR_SYNTAX, "%s of %s is no list; %s", key, part->what, part->advice);
    }
    if (json_array_size(value) > ACME_LIST_MAX) {
        return error_set(e, ERROR_LIMIT, "%s of %s has %zu items, and at most %d are read; %s", key,
                         part->what, json_array_size(value), ACME_LIST_MAX, part->advice);
    }
    *ret_array = value;
    return true;
}

bool acme_part_status(const struct acme_part *part, enum acme_status_of of,
                      enum acme_status_word *ret_status, struct error *e)
{
    enum {
        ORDER = ACME_STATUS_OF_ORDER,
        AUTHORIZATION = ACME_STATUS_OF_AUTHORIZATION,
        CHALLENGE = ACME_STATUS_OF_CHALLENGE,
        ACCOUNT = ACME_STATUS_OF_ACCOUNT,
    };
    static const struct {
        const char *word;
        unsigned of;
    } words[] = {
        [ACME_PENDING] = {"pending", ORDER | AUTHORIZATION | CHALLENGE},
        [ACME_READY] = {"ready", ORDER},
        [ACME_PROCESSING] = {"processing", ORDER | CHALLENGE},
        [ACME_VALID] = {"valid", ORDER | AUTHORIZATION | CHALLENGE | ACCOUNT},
        [ACME_INVALID] = {"invalid", ORDER | AUTHORIZATION | CHALLENGE},
        [ACME_DEACTIVATED] = {"deactivated", AUTHORIZATION | ACCOUNT},
        [ACME_EXPIRED] = {"expired", AUTHORIZATION},
        [ACME_REVOKED] = {"revoked", AUTHORIZATION | ACCOUNT},
    };
    const char *status = json_string_value(acme_part_get(part, "status"));
    if (status == NULL) {
        return error_set(e, ERROR_SYNTAX, "%s has no status; %s", part->what, part->advice);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        if ((words[i].of & of) != 0 && strcmp(words[i].word, status) == 0) {
            *ret_status = (enum acme_status_word)i;
            return true;
        }
    }
    return error_set(e, ERROR_SYNTAX,
                     "the status of %s is \"%s\", which is none that it can have (RFC 8555 "
                     "§7.1.6); %s",
                     part->what, shown(bytes_of(status)).text, part->advice);
}
