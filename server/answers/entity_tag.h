/* If-None-Match (RFC 9110 §13.1.2). */
#ifndef SERVER_ANSWERS_ENTITY_TAG_H
#define SERVER_ANSWERS_ENTITY_TAG_H

#include "lib/base/bytes.h"

/* Whether the field value LIST names TAG (quotes included) by weak comparison, or is "*". What is
 * not a list of entity tags names nothing from there on. */
bool entity_tag_matches(struct bytes list, struct bytes tag);

#endif
