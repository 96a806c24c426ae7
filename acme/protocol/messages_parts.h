/* What the readers of a CA's messages share. For acme/messages*.c and no others.
 *
 *     json_auto_t *root = NULL;
 *     struct acme_part order = {.what = "the order", .advice = "report it to the CA"};
 *     if (!acme_message_load(text, &order, &root, e) ||
 *         !acme_part_url(&order, "finalize", ACME_REQUIRED, &finalize, e)) {
 *         return false;               // "the order has no finalize URL; report it to the CA"
 *     }
 *
 * Texts that jansson has read are valid UTF-8 and hold no NUL. A member that is null counts as
 * absent. */
#ifndef ACME_PROTOCOL_MESSAGES_PARTS_H
#define ACME_PROTOCOL_MESSAGES_PARTS_H

#include <jansson.h>

#include "acme/protocol/messages.h"

/* An object in a message, and how errors speak of it. */
struct acme_part {
    const char *what;
    const char *advice;
    const json_t *object;
};

enum acme_need { ACME_REQUIRED, ACME_OPTIONAL };

/* Sets PART's object, which lives as long as *RET_ROOT (json_decref). */
bool acme_message_load(struct bytes text, struct acme_part *part, json_t **ret_root,
                       struct error *e) MUST_USE;

/* NULL: absent. */
const json_t *acme_part_get(const struct acme_part *part, const char *key);

/* An https URL; NULL where it is optional and absent. */
bool acme_part_url(const struct acme_part *part, const char *key, enum acme_need need,
                   char **ret_url, struct error *e) MUST_USE;
/* A link for people: an https URL that fits, else empty. Nothing depends on it. */
void acme_part_link(const struct acme_part *part, const char *key, char *ret_link, size_t size);
/* An array of at most ACME_LIST_MAX items; NULL where it is absent. */
bool acme_part_array(const struct acme_part *part, const char *key, const json_t **ret_array,
                     struct error *e) MUST_USE;

/* Whose status it is: RFC 8555 §7.1.6 has other words for each. */
enum acme_status_of {
    ACME_STATUS_OF_ORDER = 1,
    ACME_STATUS_OF_AUTHORIZATION = 2,
    ACME_STATUS_OF_CHALLENGE = 4,
    ACME_STATUS_OF_ACCOUNT = 8,
};
bool acme_part_status(const struct acme_part *part, enum acme_status_of of,
                      enum acme_status_word *ret_status, struct error *e) MUST_USE;

/* A string that holds an https URL of at most ACME_URL_MAX octets. */
bool acme_value_is_url(const json_t *value) MUST_USE;
/* No white space, no control characters, ASCII: as all URLs are. */
bool acme_text_is_visible(const char *text) MUST_USE;

void acme_names_clear(struct acme_names *names);

/* OBJECT may be NULL: no problem. */
void acme_problem_read(const json_t *object, struct acme_problem *ret_problem);

#endif
