/* Ids of policies (RFC 8461 §3.1: 1 to 32 letters and digits).
 *
 * An id that we make: YYYYMMDDhhmmss (UTC) and the first 10 hex digits, lower-case, of the SHA-256
 * of the rendered policy: 24 characters. So an id proves by itself which text it stands for. */
#ifndef POLICIES_MODEL_POLICY_ID_H
#define POLICIES_MODEL_POLICY_ID_H

#include <stdint.h>

#include "policies/model/policy.h"

enum {
    POLICY_ID_MAX = 32,
    POLICY_ID_MADE = 24,    /* characters of an id that we make */
    POLICY_ID_DERIVED = 20, /* of one that stands in the record where the file has none */
    POLICY_ID_DIGEST = 10,  /* digits of the digest at the end of a made one */
};

enum policy_id_state {
    POLICY_ID_ABSENT,
    POLICY_ID_CURRENT, /* ours, and names this very text */
    POLICY_ID_STALE,   /* ours, and names another text */
    POLICY_ID_FOREIGN, /* not of our form; says nothing */
};

/* A NUL-terminated id. */
struct policy_id {
    char text[POLICY_ID_MAX + 1];
};

/* 1 to 32 ASCII letters and digits. */
bool policy_id_is_valid(struct bytes id);

/* ID empty: absent. Ours: 14 digits that are a valid UTC time, then 10 of [0-9a-f]. */
enum policy_id_state policy_id_judge(struct bytes id, const struct policy *policy);

/* The time in an id that we made; false for any other id. */
bool policy_id_time(struct bytes id, int64_t *ret_time_s) MUST_USE;

/* A new id for POLICY whose time is max(NOW_S, the old one's time + 1 s); OLD may be empty or
 * foreign. */
void policy_id_make(const struct policy *policy, int64_t now_s, struct bytes old,
                    struct policy_id *ret_id);

/* The id of the TXT record: ID itself, or where it is empty the first 20 hex digits of the
 * digest. */
void policy_id_for_record(struct bytes id, const struct policy *policy, struct policy_id *ret_id);

#endif
