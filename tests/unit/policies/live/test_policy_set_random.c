/* Long sequences of random edits. While they run, no domain serves what no file ever said; once
 * every file is valid and nobody quarrels, what is served is what a fresh start serves, and what a
 * simple model says. $TEST_POLICY_SET_SEED repeats one run, $TEST_POLICY_SET_EDITS makes it
 * longer. */
#include "policy_tree.h"

enum {
    FILES = 12,
    DOMAINS = 40,
    SHARED = 3,
    TEXTS = 9, /* mx "m-N.example" */
};

/* What a file says: per domain 0 (nothing), 1…TEXTS (own), or -1…-SHARED (that shared policy). */
struct said {
    bool exists;
    bool broken;
    int domains[DOMAINS];
    int shared[SHARED];
};

struct model {
    struct said files[FILES];
    unsigned seed;
};

static unsigned random_below(struct model *m, unsigned n)
{
    m->seed = m->seed * 1664525 + 1013904223;
    return (m->seed >> 8) % n;
}

static void file_name(int i, char *name, size_t size)
{
    snprintf(name, size, "%s%d.yaml", i % 3 == 0 ? "sub/" : "", i);
}

static void write_file(struct tree *t, struct model *m, int i)
{
    char name[32];
    const struct said *said = &m->files[i];
    file_name(i, name, sizeof(name));
    if (!said->exists) {
        CLEANUP_FREE char *path = tree_path(t, name);
        (void)unlink(path);
        return;
    }
    CLEANUP(buffer_clear) struct buffer text = BUFFER(100000);
    buffer_add_string(&text, "policies: {");
    for (int s = 0; s < SHARED; s++) {
        if (said->shared[s] != 0) {
            buffer_printf(&text, "s%d: {mode: enforce, mx: [m-%d.example], max_age: 1w}, ", s,
                          said->shared[s]);
        }
    }
    buffer_add_string(&text, "}\ndomains: {");
    for (int d = 0; d < DOMAINS; d++) {
        if (said->domains[d] > 0) {
            buffer_printf(&text, "d-%d.example: {mode: testing, mx: [m-%d.example], max_age: 1d}, ",
                          d, said->domains[d]);
        } else if (said->domains[d] < 0) {
            buffer_printf(&text, "d-%d.example: s%d, ", d, -said->domains[d] - 1);
        }
    }
    buffer_add_string(&text, said->broken ? "\n" : "}\n");
    tree_write(t, name, text.p);
}

/* Moves, swaps, new texts, quarrels, errors, files that go and come. */
static void edit(struct model *m, bool touched[FILES])
{
    int i = (int)random_below(m, FILES);
    int j = (int)random_below(m, FILES);
    int d = (int)random_below(m, DOMAINS);
    int s = (int)random_below(m, SHARED);
    struct said *file = &m->files[i];
    touched[i] = true;
    switch (random_below(m, 9)) {
    case 0:
        file->domains[d] = 1 + (int)random_below(m, TEXTS);
        break;
    case 1:
        file->domains[d] = -1 - s;
        break;
    case 2:
        file->domains[d] = 0;
        break;
    case 3: { /* moves, or swaps */
        int mine = file->domains[d];
        file->domains[d] = m->files[j].domains[d];
        m->files[j].domains[d] = mine;
        touched[j] = true;
        break;
    }
    case 4:
        file->shared[s] = (int)random_below(m, TEXTS + 1);
        break;
    case 5:
        file->broken = !file->broken;
        break;
    case 6:
        file->exists = !file->exists;
        break;
    case 7: { /* two files change places */
        struct said mine = *file;
        *file = m->files[j];
        m->files[j] = mine;
        touched[j] = true;
        break;
    }
    default: /* written again as it is */
        break;
    }
}

static void write_and_apply(struct tree *t, struct model *m, const bool touched[FILES])
{
    char *paths[FILES + 1];
    struct watch_changes changes = {.paths = paths};
    for (int i = 0; i < FILES; i++) {
        char name[32];
        if (touched[i]) {
            write_file(t, m, i);
            file_name(i, name, sizeof(name));
            paths[changes.count++] = tree_path(t, name);
        }
    }
    /* As changes may come: paths, a directory, everything, or half now and half later. */
    unsigned how = random_below(m, 8);
    changes.rescan = how == 0;
    if (how == 1) {
        paths[changes.count++] = tree_path(t, "sub");
    }
    size_t all = changes.count;
    if (how == 2) {
        changes.count = all / 2;
        policy_set_apply(t->set, &changes, t->now_ms, &t->result);
        changes.paths = paths + changes.count;
        changes.count = all - changes.count;
    }
    t->now_ms += random_below(m, 2000);
    t->changing = random_below(m, 3) == 0;
    policy_set_apply(t->set, &changes, t->now_ms, &t->result);
    for (size_t i = 0; i < all; i++) {
        free(paths[i]);
    }
}

/* Nobody quarrels: each domain in at most one file, all shared policies in one, nothing broken. */
static void make_peace(struct model *m)
{
    for (int i = 0; i < FILES; i++) {
        m->files[i].broken = false;
        for (int d = 0; d < DOMAINS; d++) {
            bool taken = false;
            for (int j = 0; j < i; j++) {
                taken = taken || (m->files[j].exists && m->files[j].domains[d] != 0);
            }
            if (taken) {
                m->files[i].domains[d] = 0;
            }
        }
        memset(m->files[i].shared, 0, sizeof(m->files[i].shared));
    }
    m->files[4].exists = true;
    for (int s = 0; s < SHARED; s++) {
        m->files[4].shared[s] = 1 + (int)random_below(m, TEXTS);
    }
    for (int d = 0; d < DOMAINS; d++) {
        for (int j = 5; j < FILES; j++) { /* it exists only now */
            if (m->files[4].domains[d] != 0) {
                m->files[j].domains[d] = 0;
            }
        }
        for (int j = 0; j < 4; j++) {
            if (m->files[j].exists && m->files[j].domains[d] != 0) {
                m->files[4].domains[d] = 0;
            }
        }
    }
}

static void expect_model(struct tree *t, const struct model *m)
{
    size_t served = 0;
    for (int d = 0; d < DOMAINS; d++) {
        char domain[32];
        char want[32] = "";
        snprintf(domain, sizeof(domain), "d-%d.example", d);
        for (int i = 0; i < FILES; i++) {
            int says = m->files[i].exists ? m->files[i].domains[d] : 0;
            if (says != 0) {
                snprintf(want, sizeof(want), "m-%d.example",
                         says > 0 ? says : m->files[4].shared[-says - 1]);
            }
        }
        if (want[0] == '\0') {
            expect_not_served(t, domain);
        } else {
            expect_served(t, domain, want);
            served++;
        }
    }
    assert_int_equal(policy_index_count(t->index), served);
}

/* While files are in error: each domain serves something that some file said, or nothing. */
static void expect_sane(struct tree *t, const struct model *m)
{
    (void)m;
    size_t served = 0;
    for (int d = 0; d < DOMAINS; d++) {
        char domain[32];
        snprintf(domain, sizeof(domain), "d-%d.example", d);
        const char *mx = tree_served(t, domain);
        served += mx != NULL;
        assert_true(mx == NULL || strncmp(mx, "m-", 2) == 0);
    }
    assert_int_equal(policy_index_count(t->index), served);
    struct policy_set_counts counts;
    policy_set_counts(t->set, &counts);
    assert_int_equal(counts.domains, served);
}

static void run(struct tree *t, struct model *m, int edits)
{
    for (int n = 0; n < edits; n++) {
        bool touched[FILES] = {false};
        for (unsigned more = 1 + random_below(m, 3); more > 0; more--) {
            edit(m, touched);
        }
        write_and_apply(t, m, touched);
        expect_sane(t, m);
        if (random_below(m, 40) == 0) {
            tree_restart(t);
            expect_sane(t, m);
        }
    }
    make_peace(m);
    bool all[FILES];
    memset(all, true, sizeof(all));
    write_and_apply(t, m, all);
    t->changing = false;
    for (int i = 0; i < 100 && policy_set_next_due_ms(t->set) >= 0; i++) {
        tree_wait(t, VANISH_MS);
    }
    expect_problems(t, "");
    expect_model(t, m);
    tree_restart(t);
    expect_problems(t, "");
    expect_model(t, m);
}

static void test_random_edits(void **state)
{
    struct tree *t = *state;
    const char *seed = getenv("TEST_POLICY_SET_SEED");
    const char *edits = getenv("TEST_POLICY_SET_EDITS");
    unsigned first = seed != NULL ? (unsigned)strtoul(seed, NULL, 10) : 1;
    unsigned last = seed != NULL ? first : 12;
    tree_rescan(t);
    for (unsigned s = first; s <= last; s++) {
        struct model m = {.seed = s * 7919};
        print_message("          seed %u\n", s);
        run(t, &m, edits != NULL ? atoi(edits) : 150);
        /* The next round begins with nothing. */
        for (int i = 0; i < FILES; i++) {
            m.files[i].exists = false;
            write_file(t, &m, i);
        }
        tree_rescan(t);
        tree_accept(t);
        assert_int_equal(policy_index_count(t->index), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_random_edits, tree_set_up, tree_tear_down),
    };
    rcu_reader_register();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rcu_reader_unregister();
    return failed;
}
