#include "settlement.h"

#include "lib/base/memory.h"
#include "policies/model/ownership.h"

/* Where each of those that were refused waits for the next one, a pass gives one of them. */
enum { PASSES_MAX = 16 };

/* The rules of the header, in their order: what is known of a name is which of them it is to be
 * asked next; RULES: none, until something changes. */
enum rule { RULE_STAYS, RULE_MOVES, RULE_DISPUTE, RULE_NEEDED, RULES };

struct numbers {
    size_t *items;
    size_t count;
    size_t capacity;
};

/* Numbers by number: those of N are items[first[N]] to items[first[N + 1]]. */
struct lists {
    size_t *first;
    size_t *items;
};

struct change {
    size_t file;
    struct settlement_verdict before;
};

/* What a step says of a file. Of several reasons the one with the lowest `place` counts, that of
 * the claim or, after all claims, of the use: a person is told of the first that he would meet. */
struct fall {
    struct settlement_verdict verdict; /* SETTLEMENT_STANDS: nothing */
    size_t place;
};

struct solver {
    const struct settlement_round *round;
    struct settlement_verdict *verdicts;
    struct lists claims; /* of a name */
    struct lists uses;
    struct lists users;     /* claims that have their text from a name */
    struct lists claims_of; /* of a file */
    struct lists uses_of;
    struct lists owned; /* names of a file */
    enum rule *next;    /* of a name; RULES: it is settled */
    struct numbers names[RULES];
    bool *text_changes; /* of a name that others have their text from, in this step */
    struct numbers texts;
    struct fall *falls;         /* of a file */
    struct numbers fallen;      /* those of which this step says something */
    struct name_claim *parties; /* room for all claims, and one more */
    struct change *changes;     /* since a trial began */
    size_t change_count;
    size_t change_capacity;
};

static void add(struct numbers *numbers, size_t number)
{
    ARRAY_GROW(numbers->items, numbers->count, numbers->capacity);
    numbers->items[numbers->count++] = number;
}

/* --- What stands --- */

static bool stands(const struct solver *s, size_t file)
{
    return file != SETTLEMENT_NOBODY && s->verdicts[file].reason == SETTLEMENT_STANDS;
}

/* Whether FILE's claims count, though it may wait. */
static bool counts(const struct solver *s, size_t file)
{
    return s->verdicts[file].reason <= SETTLEMENT_WAITS;
}

static const struct settlement_claim *claim_at(const struct solver *s, size_t name, size_t i)
{
    return &s->round->claims[s->claims.items[s->claims.first[name] + i]];
}

static size_t claim_count(const struct solver *s, size_t name)
{
    return s->claims.first[name + 1] - s->claims.first[name];
}

/* The first claim to NAME that counts, or that STANDS; NULL: none does. */
static const struct settlement_claim *find_claim(const struct solver *s, size_t name, bool standing)
{
    for (size_t i = 0; i < claim_count(s, name); i++) {
        const struct settlement_claim *claim = claim_at(s, name, i);
        if (standing ? stands(s, claim->file) : counts(s, claim->file)) {
            return claim;
        }
    }
    return NULL;
}

static bool has_claim(const struct solver *s, size_t name, size_t file)
{
    for (size_t i = 0; i < claim_count(s, name); i++) {
        if (claim_at(s, name, i)->file == file) {
            return true;
        }
    }
    return false;
}

static enum owner_state owner_state_of(const struct solver *s, size_t number)
{
    const struct settlement_name *name = &s->round->names[number];
    if (name->owner == SETTLEMENT_NOBODY) {
        return name->text != 0 ? OWNER_LETS_GO : OWNER_NONE;
    }
    const struct settlement_file *owner = &s->round->files[name->owner];
    bool standing = stands(s, name->owner);
    if (owner->is_away && (owner->is_gone || !standing)) {
        return OWNER_AWAY;
    }
    if (standing) {
        return has_claim(s, number, name->owner) ? OWNER_CLAIMS : OWNER_LETS_GO;
    }
    return owner->is_gone ? OWNER_LETS_GO : OWNER_CLAIMS;
}

/* A shared policy whose text is served stays for those that use it, and so does one without a text
 * (a mirror's) whose file is merely gone, unlike a domain that is to be taken. */
static bool is_defined(const struct solver *s, size_t number)
{
    const struct settlement_name *name = &s->round->names[number];
    return name->text != 0 || find_claim(s, number, true) != NULL ||
           (name->owner != SETTLEMENT_NOBODY && !stands(s, name->owner));
}

static uint64_t text_of(const struct solver *s, const struct settlement_claim *claim)
{
    if (claim->uses == SETTLEMENT_NOBODY) {
        return claim->text;
    }
    const struct settlement_claim *shared = find_claim(s, claim->uses, true);
    return shared != NULL && shared->text != 0 ? shared->text : s->round->names[claim->uses].text;
}

static bool has_text_that_stands(const struct solver *s, const struct settlement_claim *claim)
{
    uint64_t text = text_of(s, claim);
    return text != 0 && text == s->round->names[claim->name].text;
}

/* Whether an offer was refused because NAME is disputed: it stays a party. */
static bool is_disputed(const struct solver *s, size_t name)
{
    for (size_t i = 0; i < claim_count(s, name); i++) {
        const struct settlement_verdict *verdict = &s->verdicts[claim_at(s, name, i)->file];
        if (verdict->reason == SETTLEMENT_DISPUTED && verdict->name == name) {
            return true;
        }
    }
    return false;
}

/* --- One step: who falls --- */

static void ask(struct solver *s, size_t name, enum rule rule)
{
    if (s->next[name] != rule) {
        s->next[name] = rule;
        add(&s->names[rule], name);
    }
}

static void refuse(struct solver *s, size_t file, struct settlement_verdict verdict, size_t place)
{
    struct fall *falls = &s->falls[file];
    bool first = falls->verdict.reason == SETTLEMENT_STANDS;
    if (first) {
        add(&s->fallen, file);
    }
    if (first || place < falls->place) {
        *falls = (struct fall){verdict, place};
    }
}

/* The first file that claims NAME and is not FILE. */
static size_t other_claimant(const struct solver *s, size_t name, size_t file)
{
    for (size_t i = 0; i < claim_count(s, name); i++) {
        if (claim_at(s, name, i)->file != file) {
            return claim_at(s, name, i)->file;
        }
    }
    return SETTLEMENT_NOBODY;
}

/* All claims to NAME but the WINNER's; where there is none, each file is told of another one. */
static void refuse_claims(struct solver *s, size_t name, enum settlement_reason reason,
                          size_t winner)
{
    for (size_t i = s->claims.first[name]; i < s->claims.first[name + 1]; i++) {
        size_t file = s->round->claims[s->claims.items[i]].file;
        size_t blocker = winner != SETTLEMENT_NOBODY ? winner : other_claimant(s, name, file);
        if (file != winner && counts(s, file)) {
            refuse(s, file, (struct settlement_verdict){reason, name, blocker}, s->claims.items[i]);
        }
    }
}

static void refuse_uses(struct solver *s, size_t name)
{
    for (size_t i = s->uses.first[name]; i < s->uses.first[name + 1]; i++) {
        size_t file = s->round->uses[s->uses.items[i]].file;
        if (counts(s, file)) {
            refuse(s, file,
                   (struct settlement_verdict){SETTLEMENT_UNDEFINED, name, SETTLEMENT_NOBODY},
                   s->round->claim_count + s->uses.items[i]);
        }
    }
}

/* Where the owner is away: only the text that is served may move. */
static void refuse_other_texts(struct solver *s, size_t name, size_t owner)
{
    for (size_t i = s->claims.first[name]; i < s->claims.first[name + 1]; i++) {
        const struct settlement_claim *claim = &s->round->claims[s->claims.items[i]];
        if (counts(s, claim->file) && !has_text_that_stands(s, claim)) {
            refuse(s, claim->file, (struct settlement_verdict){SETTLEMENT_STAYS, name, owner},
                   s->claims.items[i]);
        }
    }
}

static void judge_stays(struct solver *s, size_t name)
{
    size_t owner = s->round->names[name].owner;
    enum owner_state state = owner_state_of(s, name);
    if (s->round->names[name].is_shared && !is_defined(s, name)) {
        refuse_uses(s, name);
    }
    if (state == OWNER_CLAIMS) {
        refuse_claims(s, name, stands(s, owner) ? SETTLEMENT_TAKEN : SETTLEMENT_STAYS, owner);
        return;
    }
    if (state == OWNER_AWAY) {
        refuse_other_texts(s, name, owner);
    }
    ask(s, name, find_claim(s, name, false) != NULL ? RULE_MOVES : RULE_NEEDED);
}

/* The file of the Nth claim to NAME, from 0, of those that count. */
static size_t nth_claimant(const struct solver *s, size_t name, size_t n)
{
    for (size_t i = 0; i < claim_count(s, name); i++) {
        size_t file = claim_at(s, name, i)->file;
        if (counts(s, file) && n-- == 0) {
            return file;
        }
    }
    return SETTLEMENT_NOBODY;
}

static void judge_moves(struct solver *s, size_t name)
{
    size_t count = 0;
    size_t winner = 0;
    for (size_t i = 0; i < claim_count(s, name); i++) {
        const struct settlement_claim *claim = claim_at(s, name, i);
        if (counts(s, claim->file)) {
            s->parties[count++] = (struct name_claim){
                .text_that_stands = has_text_that_stands(s, claim),
                .served_last = claim->served_last,
            };
        }
    }
    if (is_disputed(s, name)) { /* who was refused over it has it still: one claim more */
        s->parties[count++] = (struct name_claim){0};
    }
    enum ownership verdict = ownership_decide(owner_state_of(s, name), s->parties, count, &winner);
    if (verdict == OWNERSHIP_DISPUTED) {
        ask(s, name, RULE_DISPUTE);
    } else if (verdict == OWNERSHIP_MOVES && count > 1) {
        refuse_claims(s, name, SETTLEMENT_TAKEN, nth_claimant(s, name, winner));
    } else {
        ask(s, name, RULE_NEEDED);
    }
}

static void judge_dispute(struct solver *s, size_t name)
{
    refuse_claims(s, name, SETTLEMENT_DISPUTED, SETTLEMENT_NOBODY);
}

static void judge_needed(struct solver *s, size_t name)
{
    const struct settlement_name *of = &s->round->names[name];
    if (of->is_shared || !stands(s, of->owner) || claim_count(s, name) == 0 ||
        find_claim(s, name, true) != NULL) {
        return;
    }
    const struct settlement_file *owner = &s->round->files[of->owner];
    const struct settlement_claim *waits = find_claim(s, name, false);
    bool waited_for = waits != NULL && !owner->is_accepted;
    if ((owner->is_gone || waited_for || is_disputed(s, name)) && !owner->is_away) {
        size_t needs = waits != NULL ? waits->file : claim_at(s, name, 0)->file;
        refuse(s, of->owner, (struct settlement_verdict){SETTLEMENT_NEEDED, name, needs},
               s->claims.items[s->claims.first[name]]);
    }
}

static void (*const judge[RULES])(struct solver *s, size_t name) = {
    [RULE_STAYS] = judge_stays,
    [RULE_MOVES] = judge_moves,
    [RULE_DISPUTE] = judge_dispute,
    [RULE_NEEDED] = judge_needed,
};

/* All that depends on whether FILE's offer stands is asked anew … */
static void ask_anew(struct solver *s, size_t file)
{
    for (size_t i = s->claims_of.first[file]; i < s->claims_of.first[file + 1]; i++) {
        ask(s, s->round->claims[i].name, RULE_STAYS);
    }
    for (size_t i = s->uses_of.first[file]; i < s->uses_of.first[file + 1]; i++) {
        ask(s, s->round->uses[i].name, RULE_STAYS);
    }
    for (size_t i = s->owned.first[file]; i < s->owned.first[file + 1]; i++) {
        ask(s, s->owned.items[i], RULE_STAYS);
    }
}

/* … and whatever has its text from what FILE defines, once for all files of a step. */
static void note_texts(struct solver *s, size_t file)
{
    for (size_t i = s->claims_of.first[file]; i < s->claims_of.first[file + 1]; i++) {
        size_t name = s->round->claims[i].name;
        if (!s->text_changes[name] && s->users.first[name] != s->users.first[name + 1]) {
            s->text_changes[name] = true;
            add(&s->texts, name);
        }
    }
}

static void ask_users_anew(struct solver *s)
{
    for (size_t i = 0; i < s->texts.count; i++) {
        size_t name = s->texts.items[i];
        s->text_changes[name] = false;
        for (size_t u = s->users.first[name]; u < s->users.first[name + 1]; u++) {
            ask(s, s->round->claims[s->users.items[u]].name, RULE_STAYS);
        }
    }
    s->texts.count = 0;
}

static void change(struct solver *s, size_t file, struct settlement_verdict verdict)
{
    ARRAY_GROW(s->changes, s->change_count, s->change_capacity);
    s->changes[s->change_count++] = (struct change){file, s->verdicts[file]};
    s->verdicts[file] = verdict;
    ask_anew(s, file);
    note_texts(s, file);
}

static void let_fall(struct solver *s)
{
    for (size_t i = 0; i < s->fallen.count; i++) {
        size_t file = s->fallen.items[i];
        struct settlement_verdict verdict = s->falls[file].verdict;
        s->falls[file].verdict.reason = SETTLEMENT_STANDS;
        change(s, file, verdict);
    }
    s->fallen.count = 0;
}

/* Asks RULE of all names whose turn that is. */
static void step(struct solver *s, enum rule rule)
{
    struct numbers asked = s->names[rule];
    s->names[rule] = (struct numbers){0};
    for (size_t i = 0; i < asked.count; i++) {
        size_t name = asked.items[i];
        if (s->next[name] == rule) {
            s->next[name] = RULES;
            judge[rule](s, name);
        }
    }
    free(asked.items);
    let_fall(s);
}

static void run(struct solver *s)
{
    enum rule rule = RULE_STAYS;
    while (rule != RULES) {
        ask_users_anew(s);
        if (s->names[rule].count != 0) {
            step(s, rule);
            rule = RULE_STAYS;
        } else {
            rule++;
        }
    }
}

static struct settlement_verdict as_offered(const struct settlement_round *round, size_t number)
{
    const struct settlement_file *file = &round->files[number];
    enum settlement_reason reason = !file->offers ? SETTLEMENT_NOT_JUDGED
                                    : file->waits ? SETTLEMENT_WAITS
                                                  : SETTLEMENT_STANDS;
    return (struct settlement_verdict){reason, SETTLEMENT_NOBODY, SETTLEMENT_NOBODY};
}

/* --- Trying again --- */

/* Whether what FILE was refused for is over. */
static bool may_stand_now(const struct solver *s, size_t file)
{
    const struct settlement_verdict *verdict = &s->verdicts[file];
    switch (verdict->reason) {
    case SETTLEMENT_TAKEN:
        return !counts(s, verdict->blocker);
    case SETTLEMENT_STAYS:
        return stands(s, verdict->blocker);
    case SETTLEMENT_NEEDED:
        return counts(s, verdict->blocker);
    case SETTLEMENT_UNDEFINED:
        return is_defined(s, verdict->name);
    default: /* a dispute stays one until a file changes, and then there is another round */
        return false;
    }
}

/* Whether FILE lets a domain go that another offer has and cannot get. */
static bool lets_go_in_vain(const struct solver *s, size_t file)
{
    for (size_t i = s->owned.first[file]; i < s->owned.first[file + 1]; i++) {
        size_t name = s->owned.items[i];
        if (!s->round->names[name].is_shared && claim_count(s, name) != 0 &&
            find_claim(s, name, false) == NULL) {
            return true;
        }
    }
    return false;
}

/* Whether FILE's offer stands after all; else all is as it was. It does not where a domain would be
 * served no more that two files have between them: each waits for the other. */
static bool try_again(struct solver *s, size_t file)
{
    s->change_count = 0;
    change(s, file, as_offered(s->round, file));
    run(s);
    if (counts(s, file) && !lets_go_in_vain(s, file)) {
        return true;
    }
    while (s->change_count != 0) {
        const struct change *last = &s->changes[--s->change_count];
        s->verdicts[last->file] = last->before;
    }
    return false;
}

/* True: some stand that did not. */
static bool try_each_again(struct solver *s, bool *tried)
{
    bool more = false;
    for (size_t file = 0; file < s->round->file_count; file++) {
        bool tries = !tried[file] && may_stand_now(s, file);
        tried[file] = tried[file] || tries;
        more = (tries && try_again(s, file)) || more;
    }
    return more;
}

/* Each file is tried once. False: it took too many passes. */
static bool try_all_again(struct solver *s)
{
    CLEANUP_FREE bool *tried = memory_zero(s->round->file_count, sizeof(*tried));
    bool more = true;
    for (int passes = 0; more && passes < PASSES_MAX; passes++) {
        more = try_each_again(s, tried);
    }
    return !more;
}

/* --- Lists --- */

/* COUNT numbers, each with what KEY says (below KEYS; SETTLEMENT_NOBODY: in no list). */
static struct lists sort(const struct settlement_round *round, size_t count, size_t keys,
                         size_t (*key)(const struct settlement_round *round, size_t number))
{
    struct lists lists = {memory_zero(keys + 2, sizeof(size_t)),
                          memory_zero(count + 1, sizeof(size_t))};
    for (size_t i = 0; i < count; i++) {
        size_t of = key(round, i);
        lists.first[of != SETTLEMENT_NOBODY ? of + 2 : 0]++;
    }
    lists.first[0] = 0;
    for (size_t i = 2; i < keys + 2; i++) {
        lists.first[i] += lists.first[i - 1];
    }
    for (size_t i = 0; i < count; i++) {
        size_t of = key(round, i);
        if (of != SETTLEMENT_NOBODY) {
            lists.items[lists.first[of + 1]++] = i;
        }
    }
    return lists;
}

static size_t name_of_claim(const struct settlement_round *round, size_t claim)
{
    return round->claims[claim].name;
}

static size_t file_of_claim(const struct settlement_round *round, size_t claim)
{
    return round->claims[claim].file;
}

static size_t text_of_claim(const struct settlement_round *round, size_t claim)
{
    return round->claims[claim].uses;
}

static size_t name_of_use(const struct settlement_round *round, size_t use)
{
    return round->uses[use].name;
}

static size_t file_of_use(const struct settlement_round *round, size_t use)
{
    return round->uses[use].file;
}

static size_t owner_of_name(const struct settlement_round *round, size_t name)
{
    return round->names[name].owner;
}

static void open(struct solver *s)
{
    const struct settlement_round *round = s->round;
    s->claims = sort(round, round->claim_count, round->name_count, name_of_claim);
    s->uses = sort(round, round->use_count, round->name_count, name_of_use);
    s->users = sort(round, round->claim_count, round->name_count, text_of_claim);
    s->claims_of = sort(round, round->claim_count, round->file_count, file_of_claim);
    s->uses_of = sort(round, round->use_count, round->file_count, file_of_use);
    s->owned = sort(round, round->name_count, round->file_count, owner_of_name);
    s->next = memory_alloc(round->name_count * sizeof(*s->next));
    s->text_changes = memory_zero(round->name_count, sizeof(*s->text_changes));
    s->falls = memory_zero(round->file_count, sizeof(*s->falls));
    s->parties = memory_alloc((round->claim_count + 1) * sizeof(*s->parties));
    for (size_t name = 0; name < round->name_count; name++) {
        s->next[name] = RULES;
        ask(s, name, RULE_STAYS);
    }
}

static void close(struct solver *s)
{
    struct lists *lists[] = {&s->claims,    &s->uses,    &s->users,
                             &s->claims_of, &s->uses_of, &s->owned};
    for (size_t i = 0; i < ARRAY_LENGTH(lists); i++) {
        free(lists[i]->first);
        free(lists[i]->items);
    }
    for (size_t rule = 0; rule < RULES; rule++) {
        free(s->names[rule].items);
    }
    free(s->next);
    free(s->text_changes);
    free(s->texts.items);
    free(s->falls);
    free(s->fallen.items);
    free(s->parties);
    free(s->changes);
}

bool settlement_decide(const struct settlement_round *round,
                       struct settlement_verdict *ret_verdicts)
{
    struct solver solver = {.round = round, .verdicts = ret_verdicts};
    for (size_t i = 0; i < round->file_count; i++) {
        ret_verdicts[i] = as_offered(round, i);
    }
    open(&solver);
    run(&solver);
    bool done = try_all_again(&solver);
    close(&solver);
    return done;
}
