#include "curves.h"

#include <openssl/objects.h>

static const int NIDS[CURVES] = {NID_X9_62_prime256v1, NID_secp384r1, NID_secp521r1};

void curves_clear(struct curves *curves)
{
    for (size_t i = 0; i < CURVES; i++) {
        EC_GROUP_free(curves->groups[i]);
        curves->groups[i] = NULL;
    }
}

const EC_GROUP *curves_find(struct curves *curves, int nid)
{
    for (size_t i = 0; i < CURVES; i++) {
        if (NIDS[i] != nid) {
            continue;
        }
        if (curves->groups[i] == NULL) {
            curves->groups[i] = EC_GROUP_new_by_curve_name(nid);
        }
        return curves->groups[i];
    }
    return NULL;
}
