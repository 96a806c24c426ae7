#include "turn_rule.h"

static enum turn without_ca(const struct turn_facts *facts)
{
    return facts->other_takes ? TURN_PUT_OFF : TURN_WAIT;
}

enum turn turn_of_look(const struct turn_facts *facts)
{
    if (!facts->has_place) {
        return TURN_WAIT;
    }
    return facts->takes ? TURN_BEGIN : without_ca(facts);
}

enum turn turn_of_order(const struct turn_facts *facts)
{
    if (!facts->has_place) {
        return TURN_WAIT;
    }
    if (facts->is_other_ca || facts->age_ms > TURN_FOUND_MAX_MS) {
        return TURN_AGAIN;
    }
    return facts->takes ? TURN_BEGIN : without_ca(facts);
}
