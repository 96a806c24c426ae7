/* Which offers stand together: rows by hand, and what holds of any round. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/memory.h"
#include "policies/live/settlement.h"

enum { FILES = 26, NAMES = 52, CLAIMS = 400 };

/* A round in a form that tests can change. Files are a to z; domains are a to z, shared policies A
 * to Z: a name's number is that of its letter. */
struct sample {
    struct settlement_file files[FILES];
    struct settlement_name names[NAMES];
    struct settlement_claim claims[CLAIMS];
    size_t claim_count;
    struct settlement_use uses[CLAIMS];
    size_t use_count;
    struct settlement_verdict verdicts[FILES];
};

static size_t number_of(char letter)
{
    return islower((unsigned char)letter) ? (size_t)(letter - 'a') : 26 + (size_t)(letter - 'A');
}

static char letter_of(size_t number)
{
    return (char)(number < 26 ? 'a' + number : 'A' + (number - 26));
}

static void init(struct sample *s)
{
    memset(s, 0, sizeof(*s));
    for (size_t i = 0; i < NAMES; i++) {
        s->names[i] = (struct settlement_name){.owner = SETTLEMENT_NOBODY, .is_shared = i >= 26};
    }
}

static bool decide(struct sample *s)
{
    const struct settlement_round round = {s->files,  FILES,          s->names, NAMES,
                                           s->claims, s->claim_count, s->uses,  s->use_count};
    return settlement_decide(&round, s->verdicts);
}

/* "x1a": the text 1 is served for x, and the file a gives it; "x1": no file does. */
static void read_served(struct sample *s, const char *words)
{
    for (const char *w = words; *w != '\0'; w += strcspn(w, " "), w += strspn(w, " ")) {
        struct settlement_name *name = &s->names[number_of(w[0])];
        name->text = (uint64_t)(w[1] - '0');
        name->owner = islower((unsigned char)w[2]) ? number_of(w[2]) : SETTLEMENT_NOBODY;
    }
}

static void read_offer(struct sample *s, const char **w)
{
    size_t file = number_of(**w);
    s->files[file].offers = true;
    for ((*w)++; **w != ' ' && **w != '\0' && **w != ':'; (*w)++) {
        s->files[file].is_accepted |= **w == '!';
        s->files[file].waits |= **w == '~';
        s->files[file].is_gone |= **w == '-' || **w == '0';
        s->files[file].is_away |= **w == '0';
        s->files[file].offers &= **w != '=' && **w != '0';
    }
    for (*w += **w == ':'; **w != ' ' && **w != '\0'; *w += 2 + ((*w)[2] == '*')) {
        bool uses = isupper((unsigned char)(*w)[1]);
        s->claims[s->claim_count++] = (struct settlement_claim){
            .file = file,
            .name = number_of((*w)[0]),
            .text = uses ? 0 : (uint64_t)((*w)[1] - '0'),
            .uses = uses ? number_of((*w)[1]) : SETTLEMENT_NOBODY,
            .served_last = (*w)[2] == '*',
        };
        if (uses) {
            s->uses[s->use_count++] = (struct settlement_use){file, number_of((*w)[1])};
        }
    }
}

/* "a:x1yS": a offers x with the text 1, and y with that of S; "x1*": which was served last. "a-":
 * it is gone, and offers nothing; "a0": so is its directory; "a=": it is there and offers nothing
 * new; "a!:": an operator accepts it; "a~:": it waits. */
static void read_offers(struct sample *s, const char *words)
{
    for (const char *w = words; *w != '\0'; w += strspn(w, " ")) {
        read_offer(s, &w);
    }
}

/* "a+" it stands, "a~" it waits, "ax!b": refused over x, for the sake of b, and why. */
static void print(const struct sample *s, char *text)
{
    static const char reasons[] = "+~.stdun";
    text[0] = '\0';
    for (size_t i = 0; i < FILES; i++) {
        const struct settlement_verdict *v = &s->verdicts[i];
        char word[16];
        if (v->reason == SETTLEMENT_NOT_JUDGED) {
            continue;
        }
        if (v->reason <= SETTLEMENT_WAITS) {
            snprintf(word, sizeof(word), " %c%c", letter_of(i), reasons[v->reason]);
        } else {
            snprintf(word, sizeof(word), " %c:%c%c%.1s", letter_of(i), reasons[v->reason],
                     letter_of(v->name),
                     v->blocker == SETTLEMENT_NOBODY ? "" : (char[]){letter_of(v->blocker), '\0'});
        }
        strcat(text, word);
    }
}

static const struct row {
    const char *name;
    const char *served;
    const char *offers;
    const char *want; /* s: stays, t: taken, d: disputed, u: undefined, n: needed */
} rows[] = {
    {"nothing is contested", "x1a", "a:x2 b:y1", " a+ b+"},
    {"a copy", "x1a y1a", "a:x2y1 b:x1y1", " a+ b:txa"},
    {"a copy that sorts early", "x1b", "a:x1 b:x2", " a:txb b+"},
    {"a copy of a file that is in error or as it was", "x1b", "a:x1 b=", " a:sxb"},
    {"a move", "x1a", "a: b:x1", " a+ b+"},
    {"two files change places", "x1a y1b", "a:y1 b:x1", " a+ b+"},
    {"a rename", "x1a", "a- b:x1", " a+ b+"},
    {"a rename with an edit", "x1a", "a- b:x2", " a+ b+"},
    {"a rename beside a copy", "x1a", "a- b:x1 c:x1", " a+ b+ c:txb"},
    {"a rename with an edit beside a copy", "x1a", "a- b:x2 c:x1", " a+ b:txc c+"},
    {"two others, and neither says what is served", "x1a", "a- b:x2 c:x3", " a:nxb b:dxc c:dxb"},
    {"three others", "x1a", "a- b:x2 c:x3 d:x4", " a:nxb b:dxc c:dxb d:dxb"},
    {"a vanished file's, which offers nothing yet", "x1a", "a-= b:x2", " b+"},
    {"a directory that is away", "x1a", "a0 b:x2", " b:sxa"},
    {"… and a file with the same text", "x1a", "a0 b:x1", " b+"},
    {"… and two with the same", "x1a", "a0 b:x1 c:x1", " b+ c:txb"},
    {"nothing is remembered: the first", "", "a:x1 b:x2", " a+ b:txa"},
    {"nothing is remembered: what was served last", "", "a:x1 b:x2*", " a:txb b+"},
    {"… of a shared policy", "", "a:S1 b:S2*", " a:tSb b+"},
    {"who is held keeps what it has", "x1a y1a", "a~:y1 b:x1", " a~ b:sxa"},
    {"… and what follows", "x1a y1a z1b", "a~:y1 b:x1 c:z1", " a~ b:sxa c:szb"},
    {"who waits beside one who says what is served", "x1a", "a- b~:x2 c:x1", " a+ b:txc c+"},
    {"who waits, alone", "x1a", "a- b~:x2", " a:nxb b~"},
    {"who waits, and a copy that sorts behind it", "x1a", "a- b~:x1 c:x1", " a:nxb b~ c:txb"},
    {"who waits is one of two, and neither says what is served", "x1a", "a- b~:x2 c:x3",
     " a:nxb b:dxc c:dxb"},
    {"… and is what an operator does not wait for", "x1a y1a", "a!:y1 b~:x1", " a+ b~"},
    {"who waits, and has it from a file that is there", "x1a y1a", "a:y1 b~:x1", " a:nxb b:sxa"},
    {"a party in a dispute that has lost something else", "x1a y1d", "a- b:x2y1 c:x3 d:y1",
     " a+ b:tyd c+ d+"},
    {"disputes in a ring: all of them", "x1a y1a z1a", "a- b:x2y2 c:y3z3 d:z4x4",
     " a:nxb b:dxd c:dyb d:dzc"},
    {"a chain falls", "x1a y1b", "a~: b:x1 c:y1", " a~ b:sxa c:syb"},
    {"each waits for the other", "e1b", "a:d1e1 b:d2", " a:seb b:tda"},
    {"an explicit removal counts beside a copy", "x1a y1a", "a:y1 b:x1y1", " a+ b:tya"},
    {"a refused file has what a gone one had", "x1a y1c", "a- b:x1y2 c:y1", " a:nxb b:tyc c+"},
    {"what was refused for the sake of a refused one is tried again", "x1d", "a:x1y1 b:y2 d:x1",
     " a:txd b+ d+"},
    {"a shared policy comes with its user", "", "a:S1 b:xS", " a+ b+"},
    {"a shared policy is nowhere", "", "b:xS", " b:uS"},
    {"its definition is refused", "S1c", "a:S2T1 b:xT c:S1", " a:tSc b:uT c+"},
    {"a shared policy vanishes, and stays for its users", "S1a", "a- b:xS", " a+ b+"},
    {"an orphan is taken", "S1", "a:S2", " a+"},
    {"an orphan, and two take it", "S1", "a:S2 b:S3", " a:dSb b:dSa"},
    {"an orphan, and one has its text", "S1", "a:S2 b:S1", " a:tSb b+"},
    {"the text of a shared policy is what counts", "x1a", "a0 b:xS c:S1", " b+ c+"},
    {"… as it is after the round", "x1a S1c", "a0 b:xS c:S2", " b:sxa c+"},
    {"… and is not where its definition is refused", "x1a S2d", "a0 b:xS c:S1 d:S2",
     " b:sxa c:tSd d+"},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct sample s;
        char got[FILES * 8];
        init(&s);
        read_served(&s, rows[i].served);
        read_offers(&s, rows[i].offers);
        assert_true(decide(&s));
        print(&s, got);
        if (strcmp(got, rows[i].want) != 0) {
            print_error("%s: %s\n", rows[i].name, rows[i].offers);
        }
        assert_string_equal(got, rows[i].want);
    }
}

/* --- Any round --- */

static unsigned random_below(unsigned *seed, unsigned n)
{
    *seed = *seed * 1664525 + 1013904223;
    return (*seed >> 8) % n;
}

enum { RANDOM_FILES = 7, RANDOM_NAMES = 6 };

static void add_random_claims(struct sample *s, unsigned *seed, size_t file)
{
    for (size_t i = 0; i < 2 * RANDOM_NAMES; i++) {
        size_t name = i < RANDOM_NAMES ? 26 + i : i - RANDOM_NAMES;
        bool shared = name >= 26;
        if (random_below(seed, 3) != 0 || (shared && random_below(seed, 3) != 0)) {
            continue;
        }
        bool uses = !shared && random_below(seed, 3) == 0;
        size_t used = 26 + random_below(seed, RANDOM_NAMES);
        s->claims[s->claim_count++] = (struct settlement_claim){
            .file = file,
            .name = name,
            .text = uses ? 0 : 1 + random_below(seed, 3),
            .uses = uses ? used : SETTLEMENT_NOBODY,
            .served_last = random_below(seed, 4) == 0,
        };
        if (uses) {
            s->uses[s->use_count++] = (struct settlement_use){file, used};
        }
    }
}

static void make_random(struct sample *s, unsigned *seed)
{
    init(s);
    for (size_t i = 0; i < 2 * RANDOM_NAMES; i++) {
        struct settlement_name *name = &s->names[i < RANDOM_NAMES ? i : 26 + i - RANDOM_NAMES];
        unsigned owner = random_below(seed, RANDOM_FILES + 2);
        name->owner = owner < RANDOM_FILES ? owner : SETTLEMENT_NOBODY;
        name->text = name->owner != SETTLEMENT_NOBODY || (name->is_shared && owner % 2 == 0)
                         ? 1 + random_below(seed, 3)
                         : 0;
    }
    for (size_t i = 0; i < RANDOM_FILES; i++) {
        struct settlement_file *file = &s->files[i];
        unsigned kind = random_below(seed, 10);
        file->is_gone = kind == 0 || kind == 1;
        file->is_away = kind == 1;
        file->offers = kind != 1 && kind != 2;
        file->waits = kind == 3 || kind == 4;
        file->is_accepted = random_below(seed, 8) == 0;
        if (file->offers && !file->is_gone) {
            add_random_claims(s, seed, i);
        }
    }
}

static bool stands(const struct sample *s, size_t file)
{
    return file != SETTLEMENT_NOBODY && s->verdicts[file].reason == SETTLEMENT_STANDS;
}

/* How many offers that stand have NAME; the last such claim. */
static size_t count_standing(const struct sample *s, size_t name,
                             const struct settlement_claim **ret_claim)
{
    size_t count = 0;
    for (size_t i = 0; i < s->claim_count; i++) {
        if (s->claims[i].name == name && stands(s, s->claims[i].file)) {
            count++;
            *ret_claim = &s->claims[i];
        }
    }
    return count;
}

static uint64_t text_of(const struct sample *s, const struct settlement_claim *claim)
{
    const struct settlement_claim *shared = NULL;
    if (claim->uses == SETTLEMENT_NOBODY) {
        return claim->text;
    }
    return count_standing(s, claim->uses, &shared) != 0 ? shared->text : s->names[claim->uses].text;
}

/* Each name has one owner afterwards, and nobody took it from one who has it still. */
static void expect_one_owner(const struct sample *s, size_t name)
{
    const struct settlement_claim *claim = NULL;
    size_t owner = s->names[name].owner;
    assert_in_range(count_standing(s, name, &claim), 0, 1);
    if (claim == NULL || owner == SETTLEMENT_NOBODY || owner == claim->file) {
        return;
    }
    assert_true(stands(s, owner) || s->files[owner].is_gone);
    if (s->files[owner].is_away) {
        assert_true(text_of(s, claim) == s->names[name].text);
    }
}

/* What a file gives that is gone is served until somebody who has it stands; and what one that is
 * there gives, until somebody who waits with it may be applied. */
static void expect_none_lost(const struct sample *s, size_t name)
{
    const struct settlement_claim *claim = NULL;
    size_t owner = s->names[name].owner;
    if (s->names[name].is_shared || !stands(s, owner) || s->files[owner].is_away ||
        count_standing(s, name, &claim) != 0) {
        return;
    }
    for (size_t i = 0; i < s->claim_count; i++) {
        bool waits = s->verdicts[s->claims[i].file].reason == SETTLEMENT_WAITS;
        bool counts = s->files[owner].is_gone || (waits && !s->files[owner].is_accepted);
        assert_false(s->claims[i].name == name && counts);
    }
}

static void expect_uses_defined(const struct sample *s)
{
    for (size_t i = 0; i < s->use_count; i++) {
        const struct settlement_claim *claim = NULL;
        size_t name = s->uses[i].name;
        size_t owner = s->names[name].owner;
        if (stands(s, s->uses[i].file)) {
            assert_true(count_standing(s, name, &claim) != 0 || s->names[name].text != 0 ||
                        (owner != SETTLEMENT_NOBODY && !stands(s, owner)));
        }
    }
}

/* The same round with the names numbered backwards. */
static void turn_names(const struct sample *s, struct sample *turned)
{
    *turned = *s;
    for (size_t i = 0; i < NAMES; i++) {
        turned->names[i] = s->names[NAMES - 1 - i];
    }
    for (size_t i = 0; i < s->claim_count; i++) {
        turned->claims[i].name = NAMES - 1 - s->claims[i].name;
        turned->claims[i].uses = s->claims[i].uses != SETTLEMENT_NOBODY
                                     ? NAMES - 1 - s->claims[i].uses
                                     : SETTLEMENT_NOBODY;
    }
    for (size_t i = 0; i < s->use_count; i++) {
        turned->uses[i].name = NAMES - 1 - s->uses[i].name;
    }
}

static void test_any_round(void **state)
{
    (void)state;
    unsigned seed = 1;
    size_t refused = 0;
    for (int n = 0; n < 20000; n++) {
        struct sample s;
        struct sample turned;
        make_random(&s, &seed);
        assert_true(decide(&s));
        for (size_t name = 0; name < NAMES; name++) {
            expect_one_owner(&s, name);
            expect_none_lost(&s, name);
        }
        expect_uses_defined(&s);
        turn_names(&s, &turned);
        assert_true(decide(&turned));
        for (size_t i = 0; i < FILES; i++) {
            assert_int_equal(s.verdicts[i].reason, turned.verdicts[i].reason);
            refused += s.verdicts[i].reason > SETTLEMENT_NOT_JUDGED;
        }
    }
    assert_true(refused > 20000);
}

/* Many files of which each waits for the next: the cost is that of what they claim. */
static void test_a_long_chain(void **state)
{
    (void)state;
    enum { LINKS = 100000 };
    CLEANUP_FREE struct settlement_file *files = memory_zero(LINKS, sizeof(*files));
    CLEANUP_FREE struct settlement_name *names = memory_zero(LINKS, sizeof(*names));
    CLEANUP_FREE struct settlement_claim *claims = memory_zero(LINKS, sizeof(*claims));
    CLEANUP_FREE struct settlement_verdict *verdicts = memory_zero(LINKS, sizeof(*verdicts));
    for (size_t i = 0; i < LINKS; i++) { /* each has its own name and wants its neighbour's */
        files[i] = (struct settlement_file){.offers = true, .waits = i == LINKS - 1};
        names[i] = (struct settlement_name){.owner = i, .text = 1};
        claims[i] = (struct settlement_claim){
            .file = i, .name = (i + 1) % LINKS, .text = 1, .uses = SETTLEMENT_NOBODY};
    }
    const struct settlement_round round = {files, LINKS, names, LINKS, claims, LINKS, NULL, 0};
    assert_true(settlement_decide(&round, verdicts));
    for (size_t i = 0; i < LINKS - 1; i++) {
        assert_int_equal(verdicts[i].reason, SETTLEMENT_STAYS);
    }
    files[LINKS - 1].waits = false;
    assert_true(settlement_decide(&round, verdicts));
    for (size_t i = 0; i < LINKS; i++) {
        assert_int_equal(verdicts[i].reason, SETTLEMENT_STANDS);
    }
}

/* A template that every tenant's file was made of: each defines the same shared policy, and uses
 * it; and one file with as many, which is refused. The cost is that of what they say. */
static void test_many_definitions(void **state)
{
    (void)state;
    enum { MANY = 100000 };
    CLEANUP_FREE struct settlement_file *files = memory_zero(MANY, sizeof(*files));
    CLEANUP_FREE struct settlement_name *names = memory_zero(MANY + 1, sizeof(*names));
    CLEANUP_FREE struct settlement_claim *claims = memory_zero(2 * MANY + 1, sizeof(*claims));
    CLEANUP_FREE struct settlement_use *uses = memory_zero(MANY, sizeof(*uses));
    CLEANUP_FREE struct settlement_verdict *verdicts = memory_zero(MANY, sizeof(*verdicts));
    for (size_t i = 0; i < MANY; i++) {
        files[i].offers = true;
        names[i] = (struct settlement_name){.owner = SETTLEMENT_NOBODY, .is_shared = i == 0};
        claims[2 * i] = (struct settlement_claim){.file = i, .text = 1, .uses = SETTLEMENT_NOBODY};
        claims[2 * i + 1] = (struct settlement_claim){.file = i, .name = i != 0 ? i : 1, .uses = 0};
        uses[i] = (struct settlement_use){.file = i};
    }
    struct settlement_round round = {files, MANY, names, MANY, claims, 2 * MANY, uses, MANY};
    assert_true(settlement_decide(&round, verdicts));
    assert_int_equal(verdicts[0].reason, SETTLEMENT_STANDS);
    for (size_t i = 1; i < MANY; i++) {
        assert_int_equal(verdicts[i].reason, SETTLEMENT_TAKEN);
    }
    /* The last name is another file's. */
    names[MANY] = (struct settlement_name){.owner = 1, .text = 1};
    files[1].offers = false;
    for (size_t i = 0; i < MANY; i++) {
        names[i] = (struct settlement_name){.owner = SETTLEMENT_NOBODY, .is_shared = true};
        claims[i] = (struct settlement_claim){.name = i, .text = 1, .uses = SETTLEMENT_NOBODY};
        uses[i] = (struct settlement_use){.file = 0, .name = i};
    }
    claims[MANY] = (struct settlement_claim){.name = MANY, .text = 2, .uses = 0};
    round = (struct settlement_round){files, 2, names, MANY + 1, claims, MANY + 1, uses, MANY};
    assert_true(settlement_decide(&round, verdicts));
    assert_int_equal(verdicts[0].reason, SETTLEMENT_STAYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_definitions),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_any_round),
        cmocka_unit_test(test_a_long_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
