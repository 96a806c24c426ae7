#include "acme/challenges/challenge_board.h"
#include "acme/protocol/messages_parts.h"
#include "lib/dns/name.h"

static const char advice[] = "report it to the CA";

/* --- Account --- */

bool acme_account_parse(struct bytes json, enum acme_status_word *ret_status, struct error *e)
{
    json_auto_t *root = NULL;
    struct acme_part account = {.what = "the account", .advice = advice};
    return acme_message_load(json, &account, &root, e) &&
           acme_part_status(&account, ACME_STATUS_OF_ACCOUNT, ret_status, e);
}

/* --- Order --- */

void acme_order_clear(struct acme_order *order)
{
    acme_names_clear(&order->authorizations);
    free(order->finalize);
    free(order->certificate);
    *order = (struct acme_order){0};
}

static bool read_authorizations(const struct acme_part *part, struct acme_names *names,
                                struct error *e)
{
    const json_t *array = NULL;
    if (!acme_part_array(part, "authorizations", &array, e)) {
        return false;
    }
    if (json_array_size(array) == 0) {
        return error_set(e, ERROR_SYNTAX, "%s has no authorizations; %s", part->what, part->advice);
    }
    names->items = memory_zero(json_array_size(array), sizeof(char *));
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *url = json_array_get(array, i);
        if (!acme_value_is_url(url)) {
            return error_set(e, ERROR_SYNTAX,
                             "authorizations of %s has an item that is no https URL of at most %d "
                             "octets; %s",
                             part->what, ACME_URL_MAX, part->advice);
        }
        names->items[names->count++] = memory_string(json_string_value(url));
    }
    return true;
}

static bool read_order(const struct acme_part *part, struct acme_order *order, struct error *e)
{
    acme_problem_read(acme_part_get(part, "error"), &order->problem);
    return acme_part_status(part, ACME_STATUS_OF_ORDER, &order->status, e) &&
           read_authorizations(part, &order->authorizations, e) &&
           acme_part_url(part, "finalize", ACME_REQUIRED, &order->finalize, e) &&
           acme_part_url(part, "certificate", ACME_OPTIONAL, &order->certificate, e);
}

bool acme_order_parse(struct bytes json, struct acme_order *ret_order, struct error *e)
{
    json_auto_t *root = NULL;
    struct acme_order order = {0};
    struct acme_part part = {.what = "the order", .advice = advice};
    if (!acme_message_load(json, &part, &root, e)) {
        return false;
    }
    if (!read_order(&part, &order, e)) {
        acme_order_clear(&order);
        return false;
    }
    *ret_order = order;
    return true;
}

/* --- Authorization --- */

void acme_authorization_clear(struct acme_authorization *authorization)
{
    for (size_t i = 0; i < authorization->challenge_count; i++) {
        free(authorization->challenges[i].url);
        free(authorization->challenges[i].token);
    }
    free(authorization->challenges);
    free(authorization->identifier);
    *authorization = (struct acme_authorization){0};
}

const struct acme_challenge *acme_authorization_find(const struct acme_authorization *authorization,
                                                     const char *type)
{
    for (size_t i = 0; i < authorization->challenge_count; i++) {
        if (strcmp(authorization->challenges[i].type, type) == 0) {
            return &authorization->challenges[i];
        }
    }
    return NULL;
}

static bool read_identifier(const struct acme_part *part, char **ret_identifier, struct error *e)
{
    const json_t *identifier = acme_part_get(part, "identifier");
    const char *type = json_string_value(json_object_get(identifier, "type"));
    const char *value = json_string_value(json_object_get(identifier, "value"));
    struct dns_name name;
    if (type == NULL || value == NULL || strcmp(type, "dns") != 0) {
        return error_set(e, ERROR_SYNTAX, "%s has no identifier of type dns; %s", part->what,
                         part->advice);
    }
    if (!dns_name_normalise(bytes_of(value), &name, e)) {
        return error_prefix(e, "the identifier of %s: ", part->what);
    }
    *ret_identifier = memory_string(name.text);
    return true;
}

/* RFC 8555 §8.3, §8.4 and RFC 8737 §3 have a token, others perhaps another thing. */
static bool needs_token(const char *type)
{
    return strcmp(type, "http-01") == 0 || strcmp(type, "dns-01") == 0 ||
           strcmp(type, "tls-alpn-01") == 0;
}

/* The token becomes a part of a path, a record or a command's environment: what is no base64url
 * goes no further than here. */
static bool read_token(const struct acme_part *part, const char *type, char **ret_token,
                       struct error *e)
{
    const json_t *value = acme_part_get(part, "token");
    if (value == NULL && !needs_token(type)) {
        return true;
    }
    if (value == NULL) {
        return error_set(e, ERROR_SYNTAX, "%s of type %s has no token; %s", part->what, type,
                         part->advice);
    }
    if (!json_is_string(value) || !challenge_token_is_good(bytes_of(json_string_value(value)))) {
        return error_set(e, ERROR_SYNTAX,
                         "the token of %s of type %s is not of %d to %d characters of base64url "
                         "(RFC 8555 §8.3); %s",
                         part->what, type, CHALLENGE_TOKEN_MIN, CHALLENGE_TOKEN_MAX, part->advice);
    }
    *ret_token = memory_string(json_string_value(value));
    return true;
}

/* Adds a challenge. A type with a name that we cannot hold is none that we know: passed over. */
static bool add_challenge(const json_t *object, struct acme_authorization *authorization,
                          struct error *e)
{
    struct acme_part part = {.what = "a challenge", .advice = advice, .object = object};
    struct acme_challenge *challenge = &authorization->challenges[authorization->challenge_count];
    const char *type = json_string_value(acme_part_get(&part, "type"));
    if (type == NULL) {
        return error_set(e, ERROR_SYNTAX, "%s has no type; %s", part.what, part.advice);
    }
    if (type[0] == '\0' || strlen(type) >= sizeof(challenge->type) || !acme_text_is_visible(type)) {
        return true;
    }
    authorization->challenge_count++; /* from here on _clear frees what it holds */
    memcpy(challenge->type, type, strlen(type) + 1);
    if (!acme_part_status(&part, ACME_STATUS_OF_CHALLENGE, &challenge->status, e) ||
        !acme_part_url(&part, "url", ACME_REQUIRED, &challenge->url, e) ||
        !read_token(&part, type, &challenge->token, e)) {
        return false;
    }
    acme_problem_read(acme_part_get(&part, "error"), &challenge->problem);
    return true;
}

static bool read_challenges(const struct acme_part *part, struct acme_authorization *authorization,
                            struct error *e)
{
    const json_t *array = NULL;
    if (!acme_part_array(part, "challenges", &array, e)) {
        return false;
    }
    if (array == NULL) {
        return error_set(e, ERROR_SYNTAX, "%s has no challenges; %s", part->what, part->advice);
    }
    authorization->challenges = memory_zero(json_array_size(array), sizeof(struct acme_challenge));
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (!add_challenge(json_array_get(array, i), authorization, e)) {
            return false;
        }
    }
    return true;
}

bool acme_authorization_parse(struct bytes json, struct acme_authorization *ret_authorization,
                              struct error *e)
{
    json_auto_t *root = NULL;
    struct acme_authorization authorization = {0};
    struct acme_part part = {.what = "the authorization", .advice = advice};
    if (!acme_message_load(json, &part, &root, e)) {
        return false;
    }
    if (!acme_part_status(&part, ACME_STATUS_OF_AUTHORIZATION, &authorization.status, e) ||
        !read_identifier(&part, &authorization.identifier, e) ||
        !read_challenges(&part, &authorization, e)) {
        acme_authorization_clear(&authorization);
        return false;
    }
    *ret_authorization = authorization;
    return true;
}
