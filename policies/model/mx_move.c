#include "mx_move.h"

#include "policies/model/mx_pattern.h"

static const char *const step_names[] = {
    [MX_MOVE_WIDEN] = "widen",   [MX_MOVE_ANNOUNCE] = "announce", [MX_MOVE_WAIT] = "wait",
    [MX_MOVE_SWITCH] = "switch", [MX_MOVE_NARROW] = "narrow",     [MX_MOVE_CONCLUDE] = "conclude",
};

static const char *const state_names[] = {
    [MX_MOVE_DONE] = "done",
    [MX_MOVE_DUE] = "due",
    [MX_MOVE_WAITING] = "waiting",
    [MX_MOVE_LATER] = "later",
    [MX_MOVE_NOT_NEEDED] = "not-needed",
};

const char *mx_move_step_name(enum mx_move_step step)
{
    return step_names[step];
}

const char *mx_move_state_name(enum mx_move_state state)
{
    return state_names[state];
}

bool mx_move_policy_covers(const struct policy *policy, struct bytes name)
{
    size_t cursor = 0;
    struct bytes pattern;
    while (policy_next_mx(policy, &cursor, &pattern)) {
        if (mx_pattern_covers(pattern, name)) {
            return true;
        }
    }
    return false;
}

static bool covers_added(const struct mx_move_facts *facts, const struct policy *policy)
{
    for (size_t i = 0; i < facts->add_count; i++) {
        if (!mx_move_policy_covers(policy, dns_name_bytes(&facts->add[i]))) {
            return false;
        }
    }
    return true;
}

static bool is_live(const struct mx_move_facts *facts, const struct dns_name *name)
{
    for (size_t i = 0; i < facts->host_count; i++) {
        if (mx_pattern_covers(dns_name_bytes(name), dns_name_bytes(&facts->hosts[i]))) {
            return true;
        }
    }
    return false;
}

/* Every host that is added is there, and none that is removed. */
static bool is_switched(const struct mx_move_facts *facts)
{
    bool switched = true;
    for (size_t i = 0; i < facts->add_count; i++) {
        switched = switched && is_live(facts, &facts->add[i]);
    }
    for (size_t i = 0; i < facts->remove_count; i++) {
        switched = switched && !is_live(facts, &facts->remove[i]);
    }
    return switched;
}

void mx_move_each_missing(const struct mx_move_facts *facts,
                          void (*visit)(const struct dns_name *name, void *context), void *context)
{
    for (size_t i = 0; i < facts->add_count; i++) {
        if (!mx_move_policy_covers(facts->policy, dns_name_bytes(&facts->add[i]))) {
            visit(&facts->add[i], context);
        }
    }
    for (size_t i = 0; i < facts->remove_count; i++) {
        const struct dns_name *name = &facts->remove[i];
        if (is_live(facts, name) && !mx_move_policy_covers(facts->policy, dns_name_bytes(name))) {
            visit(name, context);
        }
    }
}

static void note_missing(const struct dns_name *name, void *context)
{
    (void)name;
    *(bool *)context = false;
}

static bool is_wide(const struct mx_move_facts *facts)
{
    bool wide = true;
    mx_move_each_missing(facts, note_missing, &wide);
    return wide;
}

/* Whether PATTERN lets in an MX that stays, or one that is added. */
static bool is_needed(const struct mx_move_facts *facts, struct bytes pattern)
{
    for (size_t i = 0; i < facts->host_count; i++) {
        if (mx_pattern_covers(pattern, dns_name_bytes(&facts->hosts[i]))) {
            return true;
        }
    }
    for (size_t i = 0; i < facts->add_count; i++) {
        if (mx_pattern_covers(pattern, dns_name_bytes(&facts->add[i]))) {
            return true;
        }
    }
    return false;
}

static bool is_narrowed(const struct mx_move_facts *facts, struct bytes pattern)
{
    for (size_t i = 0; i < facts->remove_count; i++) {
        struct bytes name = dns_name_bytes(&facts->remove[i]);
        if (bytes_equal(pattern, name) ||
            (mx_pattern_covers(pattern, name) && !is_needed(facts, pattern))) {
            return true;
        }
    }
    return false;
}

void mx_move_each_narrowed(const struct mx_move_facts *facts,
                           void (*visit)(struct bytes pattern, void *context), void *context)
{
    size_t cursor = 0;
    struct bytes pattern;
    while (policy_next_mx(facts->policy, &cursor, &pattern)) {
        if (is_narrowed(facts, pattern)) {
            visit(pattern, context);
        }
    }
}

static void note_narrowed(struct bytes pattern, void *context)
{
    (void)pattern;
    *(bool *)context = false;
}

static bool is_narrow(const struct mx_move_facts *facts)
{
    bool narrow = true;
    mx_move_each_narrowed(facts, note_narrowed, &narrow);
    return narrow;
}

bool mx_move_knows(const struct mx_move_facts *facts, const struct dns_name *name)
{
    bool known = is_live(facts, name) || mx_move_policy_covers(facts->policy, dns_name_bytes(name));
    for (size_t i = 0; i < facts->held_count; i++) {
        known = known || mx_move_policy_covers(facts->held[i].policy, dns_name_bytes(name));
    }
    return known;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* The latest at which a text expires that forbids a new host. */
static int64_t wait_until_s(const struct mx_move_facts *facts, bool wide)
{
    int64_t until_s = facts->add_count != 0 ? facts->held_until_s : 0;
    for (size_t i = 0; i < facts->held_count; i++) {
        const struct mx_move_held *held = &facts->held[i];
        if (held->policy->mode == POLICY_ENFORCE && !covers_added(facts, held->policy)) {
            until_s = later(until_s, held->until_s);
        }
    }
    if (!wide && facts->policy->mode == POLICY_ENFORCE && !covers_added(facts, facts->policy)) {
        until_s = later(until_s, facts->now_s + facts->policy->max_age_s);
    }
    return until_s;
}

static enum mx_move_state announced(const struct mx_move_facts *facts)
{
    bool done = facts->id_is_current && (!facts->record_is_known || facts->record_is_current);
    return done ? MX_MOVE_DONE : MX_MOVE_DUE;
}

/* What is not done and comes after something that is not done comes later. */
static void put_in_order(struct mx_move *move)
{
    bool open = false;
    move->next = MX_MOVE_STEPS;
    for (int i = 0; i < MX_MOVE_STEPS; i++) {
        enum mx_move_state *state = &move->steps[i];
        if (*state == MX_MOVE_DONE || *state == MX_MOVE_NOT_NEEDED) {
            continue;
        }
        if (!open) {
            move->next = (enum mx_move_step)i;
        } else if (*state == MX_MOVE_DUE) {
            *state = MX_MOVE_LATER;
        }
        open = true;
    }
}

void mx_move_find(const struct mx_move_facts *facts, struct mx_move *ret_move)
{
    bool adds = facts->add_count != 0;
    bool wide = is_wide(facts);
    bool switched = is_switched(facts);
    bool narrow = is_narrow(facts);
    struct mx_move move = {.switch_s = wait_until_s(facts, wide)};
    bool waits = move.switch_s > facts->now_s;
    bool last = wide && switched && narrow && !waits;

    move.steps[MX_MOVE_WIDEN] = wide ? MX_MOVE_DONE : MX_MOVE_DUE;
    /* One record stands for the policy as it is now, whether that is the wide or the narrow one. */
    move.steps[MX_MOVE_ANNOUNCE] = !adds && wide ? MX_MOVE_NOT_NEEDED
                                   : last        ? MX_MOVE_DONE
                                   : wide        ? announced(facts)
                                                 : MX_MOVE_LATER;
    move.steps[MX_MOVE_WAIT] = !adds   ? MX_MOVE_NOT_NEEDED
                               : waits ? MX_MOVE_WAITING
                               : wide  ? MX_MOVE_DONE
                                       : MX_MOVE_LATER;
    move.steps[MX_MOVE_SWITCH] = switched ? MX_MOVE_DONE : MX_MOVE_DUE;
    bool narrows = facts->remove_count != 0;
    move.steps[MX_MOVE_NARROW] = !narrows             ? MX_MOVE_NOT_NEEDED
                                 : narrow && switched ? MX_MOVE_DONE
                                                      : MX_MOVE_DUE;
    move.steps[MX_MOVE_CONCLUDE] = !narrows ? MX_MOVE_NOT_NEEDED
                                   : last   ? announced(facts)
                                            : MX_MOVE_LATER;
    move.switched_early = adds && waits && switched;
    put_in_order(&move);
    *ret_move = move;
}
