#include "removal_rule.h"

static bool is_postponed(const struct removal_facts *facts)
{
    return facts->lost != 0 && facts->changing && !facts->was_held &&
           (!facts->was_postponed || facts->postponed_ms < REMOVAL_POSTPONED_MS);
}

enum removal_verdict removal_rule_waits(const struct removal_facts *facts)
{
    if (is_postponed(facts)) {
        return REMOVAL_LATER;
    }
    bool takes_away = facts->narrows || facts->loses_shared || facts->lost != 0;
    if (facts->is_gone || !takes_away || facts->writing == WRITE_COUNTS) {
        return REMOVAL_COUNTS;
    }
    return facts->writing == WRITE_UNFINISHED ? REMOVAL_OPEN : REMOVAL_UNSETTLED;
}

enum removal_verdict removal_rule_holds(const struct removal_facts *facts)
{
    if (!facts->is_gone) {
        return facts->was_held && facts->lost != 0 ? REMOVAL_HELD : REMOVAL_COUNTS;
    }
    bool loses = facts->lost != 0 || facts->loses_shared;
    bool again = (facts->was_held || facts->is_beside_held) && !facts->is_meant;
    bool away = facts->is_away && (facts->loses_shared || facts->lost != facts->free);
    return loses && (again || away) ? REMOVAL_HELD : REMOVAL_COUNTS;
}

bool removal_rule_is_too_much(const struct removal_sums *sums)
{
    size_t after = sums->served + sums->gained - sums->lost;
    size_t of = sums->served > after ? sums->served : after;
    size_t removed = sums->lost + sums->going - sums->free;
    return removed >= sums->at_least && removed != 0 &&
           (double)removed * 100 > (double)of * (double)sums->percent;
}
