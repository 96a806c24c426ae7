/* What a checkout of policy files says, and whose a name is that two files claim. */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/file.h"
#include "policies/files/catalogue.h"
#include "policies/files/mirror_copy.h"

/* "A" and "B" stand for policies that differ in their mx. */
#define A  "{mode: enforce, mx: [a.example.net], max_age: 1d}"
#define A7 "{mode: enforce, mx: [a.example.net], max_age: 7d}"
#define B  "{mode: testing, mx: [b.example.net], max_age: 1d}"

struct tree {
    char top[64];
};

static int remove_one(const char *path, const struct stat *status, int flag, struct FTW *at)
{
    (void)status;
    (void)flag;
    (void)at;
    return remove(path);
}

static void set_up(struct tree *t)
{
    (void)snprintf(t->top, sizeof(t->top), "/tmp/mtasts-catalogue-XXXXXX");
    assert_non_null(mkdtemp(t->top));
}

static void tear_down(struct tree *t)
{
    assert_int_equal(nftw(t->top, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static void write_file(const struct tree *t, const char *name, const char *text)
{
    struct error e;
    CLEANUP_FREE char *path = file_path_join(t->top, name);
    CLEANUP_FREE char *directory = file_path_directory(path);
    assert_true(file_make_directories(directory, 0700, &e));
    if (text != NULL && !file_replace(path, bytes_of(text), 0600, &e)) {
        fail_msg("%s", e.text);
    }
}

/* What the server says: NAME is in ENTRY/PATH, with the text that `a` (of A), `b` (of B) has. */
struct said {
    const char *name;
    const char *entry;
    const char *path;
    const char *text; /* "A", "B" or NULL: another one */
};

struct asking {
    const struct said *said;
    const struct policy *a;
    const struct policy *b;
    size_t asked;
};

static void say(const struct bytes *names, size_t count, struct catalogue_owner *owners,
                void *context)
{
    struct asking *asking = context;
    asking->asked += count;
    for (size_t i = 0; i < count; i++) {
        for (const struct said *said = asking->said; said->name != NULL; said++) {
            if (!bytes_equal(names[i], bytes_of(said->name))) {
                continue;
            }
            owners[i] = (struct catalogue_owner){
                .known = true, .entry = bytes_of(said->entry), .path = bytes_of(said->path)};
            if (said->text != NULL) {
                const struct policy *policy = said->text[0] == 'A' ? asking->a : asking->b;
                memcpy(owners[i].digest, policy->digest, sizeof(owners[i].digest));
            }
        }
    }
}

static struct catalogue *load(const struct catalogue_options *options)
{
    struct catalogue *catalogue = NULL;
    struct error e;
    if (!catalogue_load(options, &catalogue, &e)) {
        fail_msg("%s", e.text);
    }
    return catalogue;
}

static struct catalogue *load_tree(const struct tree *t)
{
    const char *const paths[] = {t->top};
    return load(&(struct catalogue_options){
        .paths = paths, .path_count = 1, .defaults = {.max_age_s = 604800}});
}

/* The diagnostics without the directory. */
static void expect_told(const char *row, const struct tree *t, const struct catalogue *catalogue,
                        const char *want)
{
    char got[4096] = "";
    struct diagnostics d = {0};
    catalogue_diagnostics(catalogue, &d);
    for (size_t i = 0; i < d.count; i++) {
        CLEANUP_FREE char *line = diagnostic_format(&d.items[i]);
        for (char *at = strstr(line, t->top); at != NULL; at = strstr(line, t->top)) {
            size_t n = strlen(t->top) + (at[strlen(t->top)] == '/' ? 1 : 0);
            memmove(at, at + n, strlen(at + n) + 1);
        }
        strncat(got, line, sizeof(got) - strlen(got) - 1);
        strncat(got, "\n", sizeof(got) - strlen(got) - 1);
    }
    diagnostics_clear(&d);
    if (strcmp(got, want) != 0) {
        fail_msg("%s: told\n%swanted\n%s", row, got, want);
    }
}

static bool add_name(const struct catalogue_view *view, void *context)
{
    char *text = context;
    strncat(text, view->entry->name.p, view->entry->name.n);
    strcat(text, "=");
    strcat(text, file_path_name(view->path));
    strcat(text, " ");
    return true;
}

static void expect_names(const char *row, const struct catalogue *catalogue, const char *want)
{
    char got[4096] = "";
    catalogue_each(catalogue, add_name, got);
    if (strcmp(got, want) != 0) {
        fail_msg("%s: names %s, wanted %s", row, got, want);
    }
}

static void test_finds_entries_with_ids_and_places(void **state)
{
    (void)state;
    struct tree t;
    struct catalogue_view view;
    set_up(&t);
    write_file(&t, "a.yaml",
               "domains:\n"
               "  a.example: {mode: enforce, mx: [mx.a.example], id: A1}\n"
               "  b.example: {policy: g, tlsrpt: \"mailto:r@b.example\"}\n");
    write_file(&t, "g.yaml",
               "policies:\n  g: {mode: testing, mx: [mx.g.example], max_age: 1d, id: G1}\n");
    struct catalogue *catalogue = load_tree(&t);
    assert_true(catalogue_find(catalogue, BYTES("a.example"), &view));
    assert_string_equal(view.path + strlen(t.top), "/a.yaml");
    assert_true(bytes_equal(view.entry->id, BYTES("A1")));
    assert_int_equal(view.entry->place.line, 2);
    assert_null(view.shared);
    assert_int_equal(view.policy->mode, POLICY_ENFORCE);
    assert_int_equal(view.policy->max_age_s, 604800);
    assert_true(catalogue_find(catalogue, BYTES("b.example"), &view));
    assert_true(bytes_equal(view.entry->tlsrpt, BYTES("mailto:r@b.example")));
    assert_true(bytes_equal(view.shared->id, BYTES("G1")));
    assert_string_equal(view.shared_path + strlen(t.top), "/g.yaml");
    assert_int_equal(view.policy->mode, POLICY_TESTING);
    assert_false(catalogue_find(catalogue, BYTES("c.example"), &view));
    assert_ptr_equal(catalogue_entry(catalogue, BYTES("@g")), view.shared);
    assert_null(catalogue_entry(catalogue, BYTES("@h")));
    struct catalogue_counts counts;
    catalogue_counts(catalogue, &counts);
    assert_int_equal(counts.files, 2);
    assert_int_equal(counts.files_in_error, 0);
    assert_int_equal(counts.domains, 2);
    assert_int_equal(counts.shared_policies, 1);
    catalogue_free(catalogue);
    tear_down(&t);
}

/* Without anybody to ask. */
static const struct {
    const char *name;
    const char *files[8]; /* names and texts */
    const char *names;
    const char *told;
} alone_rows[] = {
    {"sorted by name",
     {"a.yaml", "domains: {c.example: " A ", a.example: " A "}\n", "b.yml",
      "domains: {b.example: " B "}\n"},
     "a.example=a.yaml b.example=b.yml c.example=a.yaml ",
     ""},
    {"files that are none",
     {"a.yaml", ("domains: {a.example: " A "}\n"), "a.yaml~", "domains: [\n", ".b.yaml",
      "domains: [\n", "notes.txt", "domains: [\n"},
     "a.example=a.yaml ",
     ""},
    {"a file in error",
     {"a.yaml", "domains: {a.example: " A "}\n", "b.yaml",
      "domains: {b.example: " A ", c.example: 5}\n"},
     "a.example=a.yaml ",
     "b.yaml:1:84: error: no shared policy named 5; define it below policies: in any file\n"},
    {"a shared policy that nobody defines",
     {"a.yaml", "domains: {a.example: googel, b.example: googel, c.example: nowhere}\n", "g.yaml",
      "policies: {google: " A "}\ndomains: {g.example: google}\n"},
     "g.example=g.yaml ",
     "a.yaml:1:22: error: no shared policy named googel; did you mean google?\n"
     "a.yaml:1:60: error: no shared policy named nowhere; define it below policies: in any file\n"},
    {"one that only a file in error defines",
     {"a.yaml", "policies: {p: " A "}\ndomains: {a.example: q}\n", "b.yaml",
      "domains: {b.example: p}\n"},
     "",
     "a.yaml:2:22: error: no shared policy named q; did you mean p?\n"
     "b.yaml:1:22: error: p is defined only in a file that is refused; mend that one first\n"},
    {"a domain twice",
     {"a.yaml", "domains: {a.example: " A ", x.example: " A "}\n", "b.yaml",
      "domains: {b.example: " B ", x.example: " B "}\n"},
     "a.example=a.yaml b.example=b.yaml ",
     "a.yaml:1:73: error: domain x.example is in b.yaml:1:73 too; remove one of them\n"
     "b.yaml:1:73: error: domain x.example is in a.yaml:1:73 too; remove one of them\n"},
    {"three times, the text does not matter",
     {"a.yaml", "domains: {x.example: " A "}\n", "b.yaml", "domains: {x.example: " A "}\n",
      "c.yaml", "domains: {x.example: " A ", c.example: " A "}\n"},
     "c.example=c.yaml ",
     "a.yaml:1:11: error: domain x.example is in b.yaml:1:11 too; remove one of them\n"
     "b.yaml:1:11: error: domain x.example is in a.yaml:1:11 too; remove one of them\n"
     "c.yaml:1:11: error: domain x.example is in a.yaml:1:11 too; remove one of them\n"},
    {"a shared policy twice, and who uses it",
     {"a.yaml", "policies: {g: " A ", h: " A "}\ndomains: {a.example: g, h.example: h}\n", "b.yaml",
      "policies: {g: " B "}\n"},
     "h.example=a.yaml ",
     "a.yaml:1:12: error: policy g is in b.yaml:1:12 too; remove one of them\n"
     "b.yaml:1:12: error: policy g is in a.yaml:1:12 too; remove one of them\n"},
    {"a file in error claims nothing",
     {"a.yaml", "domains: {x.example: nowhere}\n", "b.yaml", "domains: {x.example: " B "}\n"},
     "x.example=b.yaml ",
     "a.yaml:1:22: error: no shared policy named nowhere; define it below policies: in any file\n"},
};

static void write_files(const struct tree *t, const char *const *files, size_t count)
{
    for (size_t i = 0; i + 1 < count && files[i] != NULL; i += 2) {
        write_file(t, files[i], files[i + 1]);
    }
}

static void test_files_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(alone_rows); i++) {
        struct tree t;
        set_up(&t);
        write_files(&t, alone_rows[i].files, ARRAY_LENGTH(alone_rows[i].files));
        struct catalogue *catalogue = load_tree(&t);
        expect_told(alone_rows[i].name, &t, catalogue, alone_rows[i].told);
        expect_names(alone_rows[i].name, catalogue, alone_rows[i].names);
        catalogue_free(catalogue);
        tear_down(&t);
    }
}

static void test_what_is_disputed_is_not_found(void **state)
{
    (void)state;
    struct tree t;
    struct catalogue_view view;
    struct catalogue_counts counts;
    set_up(&t);
    write_file(&t, "a.yaml",
               "policies: {g: " A "}\ndomains: {x.example: " A ", g.example: g, o.example: " A
               "}\n");
    write_file(&t, "b.yaml", "policies: {g: " A "}\ndomains: {x.example: " A "}\n");
    struct catalogue *catalogue = load_tree(&t);
    static const char *const disputed[] = {"x.example", "g.example", "@g"};
    for (size_t i = 0; i < ARRAY_LENGTH(disputed); i++) {
        assert_true(catalogue_is_disputed(catalogue, bytes_of(disputed[i])));
        assert_null(catalogue_entry(catalogue, bytes_of(disputed[i])));
        assert_false(catalogue_find(catalogue, bytes_of(disputed[i]), &view));
    }
    assert_false(catalogue_is_disputed(catalogue, BYTES("o.example")));
    assert_false(catalogue_is_disputed(catalogue, BYTES("nowhere.example")));
    assert_true(catalogue_find(catalogue, BYTES("o.example"), &view));
    catalogue_counts(catalogue, &counts);
    assert_int_equal(counts.domains, 2);
    assert_int_equal(counts.shared_policies, 0);
    assert_int_equal(counts.disputed, 4);
    assert_int_equal(counts.files_in_error, 2);
    catalogue_free(catalogue);
    tear_down(&t);
}

/* What the server says, of files below `p` (which is `entry` of the configuration) or others. */
static const struct {
    const char *name;
    const char *files[8];
    const char *tops[3]; /* below the test's directory; NULL: `p` */
    struct said said[4];
    const char *names;
    const char *told;
} owner_rows[] = {
    {"the copy is refused whole",
     {"p/tenants.yaml", "domains: {x.example: " B "}\n", "p/tenants-old.yaml",
      "domains: {o.example: " A ", x.example: " A "}\n"},
     {NULL},
     {{"x.example", "p", "tenants.yaml", "A"}},
     "x.example=tenants.yaml ",
     "p/tenants-old.yaml:1:73: error: domain x.example is already in p/tenants.yaml:1:11; remove "
     "one of them\n"},
    {"whichever sorts first",
     {"p/a.yaml", "domains: {x.example: " A "}\n", "p/b.yaml", "domains: {x.example: " A "}\n"},
     {NULL},
     {{"x.example", "p", "a.yaml", "A"}},
     "x.example=a.yaml ",
     "p/b.yaml:1:11: error: domain x.example is already in p/a.yaml:1:11; remove one of them\n"},
    {"a shared policy's copy",
     {"p/a.yaml", "policies: {g: " A "}\n", "p/b.yaml",
      "policies: {g: " B "}\ndomains: {x.example: g}\n"},
     {NULL},
     {{"@g", "p", "b.yaml", "B"}},
     "x.example=b.yaml ",
     "p/a.yaml:1:12: error: policy g is already in p/b.yaml:1:12; remove one of them\n"},
    {"one that only the copy defines",
     {"p/a.yaml", "policies: {h: " A "}\ndomains: {x.example: " A "}\n", "p/b.yaml",
      "domains: {x.example: " A "}\n", "p/c.yaml", "domains: {c.example: h}\n"},
     {NULL},
     {{"x.example", "p", "b.yaml", "A"}},
     "x.example=b.yaml ",
     "p/a.yaml:2:11: error: domain x.example is already in p/b.yaml:1:11; remove one of them\n"
     "p/c.yaml:1:22: error: h is defined only in a file that is refused; mend that one first\n"},
    {"the owner is in error",
     {"p/a.yaml", "domains: [\n", "p/b.yaml", "domains: {x.example: " A "}\n", "p/c.yaml",
      "domains: {x.example: " A "}\n"},
     {NULL},
     {{"x.example", "p", "a.yaml", "A"}},
     "",
     "p/a.yaml:2:1: error: the file ends within brackets; close them\n"
     "p/b.yaml:1:11: error: domain x.example is already in p/a.yaml; remove one of them\n"
     "p/c.yaml:1:11: error: domain x.example is already in p/a.yaml; remove one of them\n"},
    {"the owner is in error, and there is one copy",
     {"p/a.yaml", "domains: [\n", "p/b.yaml", "policies: {g: " A "}\ndomains: {x.example: " A "}\n",
      "p/c.yaml", "domains: {c.example: " A ", new.example: " A "}\n"},
     {NULL},
     {{"x.example", "p", "a.yaml", "A"}, {"c.example", "p", "c.yaml", "A"}},
     "c.example=c.yaml new.example=c.yaml ",
     "p/a.yaml:2:1: error: the file ends within brackets; close them\n"
     "p/b.yaml:2:11: error: domain x.example is already in p/a.yaml; remove one of them\n"},
    {"the owner's directory is missing",
     {"p/a.yaml", "domains: {x.example: " A "}\n", "p/b.yaml",
      "domains: {y.example: " A ", z.example: " A "}\n"},
     {"p", "q"},
     {{"x.example", "q", "a.yaml", "B"}, {"y.example", "q", "b.yaml", "A"}},
     "y.example=b.yaml z.example=b.yaml ",
     "p/a.yaml:1:11: error: domain x.example is already in q/a.yaml; remove one of them\n"
     "q: error: cannot be read: No such file or directory; make it, or name another one in the "
     "configuration\n"},
    {"the owner uses what is not there",
     {"p/a.yaml", "domains: {x.example: nowhere}\n", "p/b.yaml", "domains: {x.example: " A "}\n"},
     {NULL},
     {{"x.example", "p", "a.yaml", "A"}},
     "",
     "p/a.yaml:1:22: error: no shared policy named nowhere; define it below policies: in any file\n"
     "p/b.yaml:1:11: error: domain x.example is already in p/a.yaml:1:11; remove one of them\n"},
    {"a copy uses what is not there",
     {"p/a.yaml", "domains: {x.example: " A "}\n", "p/b.yaml", "domains: {x.example: nowhere}\n"},
     {NULL},
     {{"x.example", "p", "a.yaml", "A"}},
     "x.example=a.yaml ",
     "p/b.yaml:1:22: error: no shared policy named nowhere; define it below policies: in any "
     "file\n"},
    {"the owner lets go: the text that stands",
     {"p/a.yaml", "domains: {}\n", "p/b.yaml", "domains: {x.example: " A "}\n", "p/c.yaml",
      "domains: {x.example: " B "}\n"},
     {NULL},
     {{"x.example", "p", "a.yaml", "B"}},
     "x.example=c.yaml ",
     "p/b.yaml:1:11: error: domain x.example is already in p/c.yaml:1:11; remove one of them\n"},
    {"the owner is gone: a shared text that stands",
     {"p/b.yaml", "domains: {x.example: " A "}\n", "p/c.yaml", "domains: {x.example: s}\n",
      "p/s.yaml", "policies: {s: " B "}\n"},
     {NULL},
     {{"x.example", "p", "a.yaml", "B"}},
     "x.example=c.yaml ",
     "p/b.yaml:1:11: error: domain x.example is already in p/c.yaml:1:11; remove one of them\n"},
    {"the owner is gone: no text stands",
     {"p/b.yaml", "domains: {x.example: " A "}\n", "p/c.yaml", "domains: {x.example: " A7 "}\n"},
     {NULL},
     {{"x.example", "p", "a.yaml", "B"}},
     "",
     "p/b.yaml:1:11: error: domain x.example is in p/c.yaml:1:11 too; remove one of them\n"
     "p/c.yaml:1:11: error: domain x.example is in p/b.yaml:1:11 too; remove one of them\n"},
    {"who has lost a name is no party to another",
     {"p/a.yaml", "domains: {o.example: " A "}\n", "p/b.yaml",
      "domains: {o.example: " A ", x.example: " A "}\n", "p/c.yaml",
      "domains: {x.example: " A7 "}\n"},
     {NULL},
     {{"o.example", "p", "a.yaml", "A"}, {"x.example", "p", "gone.yaml", "B"}},
     "o.example=a.yaml x.example=c.yaml ",
     "p/b.yaml:1:11: error: domain o.example is already in p/a.yaml:1:11; remove one of them\n"},
    {"the owner's directory is empty",
     {"p/b.yaml", "domains: {x.example: " A "}\n", "p/c.yaml", "domains: {x.example: " A "}\n",
      "q/notes", ""},
     {"p", "q"},
     {{"x.example", "q", "a.yaml", "B"}},
     "",
     "p/b.yaml:1:11: error: domain x.example is already in q/a.yaml; remove one of them\n"
     "p/c.yaml:1:11: error: domain x.example is already in q/a.yaml; remove one of them\n"},
    {"another checkout",
     {"p/sub/a.yaml", "domains: {x.example: " A "}\n", "p/a.yaml", "domains: {x.example: " B "}\n"},
     {NULL},
     {{"x.example", "/srv/policies", "sub/a.yaml", "A"}},
     "x.example=a.yaml ",
     "p/a.yaml:1:11: error: domain x.example is already in p/sub/a.yaml:1:11; remove one of "
     "them\n"},
    {"two entries, the same path below",
     {"p/a.yaml", "domains: {x.example: " A "}\n", "q/a.yaml", "domains: {x.example: " B "}\n"},
     {"p", "q"},
     {{"x.example", "q", "a.yaml", "B"}},
     "x.example=a.yaml ",
     "p/a.yaml:1:11: error: domain x.example is already in q/a.yaml:1:11; remove one of them\n"},
    {"two entries, both unknown to the server",
     {"p/a.yaml", "domains: {x.example: " A "}\n", "q/a.yaml", "domains: {x.example: " B "}\n"},
     {"p", "q"},
     {{"x.example", "/srv/policies", "a.yaml", "B"}},
     "",
     "p/a.yaml:1:11: error: domain x.example is in q/a.yaml:1:11 too; remove one of them\n"
     "q/a.yaml:1:11: error: domain x.example is in p/a.yaml:1:11 too; remove one of them\n"},
    {"files that are named",
     {"p/sub/a.yaml", "domains: {x.example: " A "}\n", "p/sub/b.yaml",
      "domains: {x.example: " B "}\n"},
     {"p/sub/b.yaml", "p/sub/a.yaml"},
     {{"x.example", "p", "sub/b.yaml", "B"}},
     "x.example=b.yaml ",
     "p/sub/a.yaml:1:11: error: domain x.example is already in p/sub/b.yaml:1:11; remove one of "
     "them\n"},
    {"the text of a shared policy is its owner's, not a copy's",
     {"p/a.yaml", "policies: {g: " A "}\n", "p/c.yaml", "domains: {x.example: g}\n", "p/d.yaml",
      "domains: {x.example: " A "}\n", "p/g.yaml", "policies: {g: " B "}\n"},
     {NULL},
     {{"@g", "p", "g.yaml", "B"}, {"x.example", "p", "gone.yaml", "B"}},
     "x.example=c.yaml ",
     "p/a.yaml:1:12: error: policy g is already in p/g.yaml:1:12; remove one of them\n"
     "p/d.yaml:1:11: error: domain x.example is already in p/c.yaml:1:11; remove one of them\n"},
    {"the entry is the file",
     {"p/a.yaml", "domains: {x.example: " A "}\n", "p/b.yaml", "domains: {x.example: " B "}\n"},
     {NULL},
     {{"x.example", "/etc/b.yaml", "", "B"}},
     "x.example=b.yaml ",
     "p/a.yaml:1:11: error: domain x.example is already in p/b.yaml:1:11; remove one of them\n"},
    {"a name that the server does not know",
     {"p/a.yaml", "domains: {x.example: " A ", y.example: " A "}\n", "p/b.yaml",
      "domains: {y.example: " A "}\n"},
     {NULL},
     {{"x.example", "p", "a.yaml", "A"}},
     "x.example=a.yaml ",
     "p/a.yaml:1:73: error: domain y.example is in p/b.yaml:1:11 too; remove one of them\n"
     "p/b.yaml:1:11: error: domain y.example is in p/a.yaml:1:73 too; remove one of them\n"},
    {"each has a name of the other's",
     {"p/a.yaml", "domains: {x.example: " A ", y.example: " A "}\n", "p/b.yaml",
      "domains: {x.example: " A ", y.example: " A "}\n"},
     {NULL},
     {{"x.example", "p", "a.yaml", "A"}, {"y.example", "p", "b.yaml", "A"}},
     "",
     "p/a.yaml:1:73: error: domain y.example is already in p/b.yaml:1:73; remove one of them\n"
     "p/b.yaml:1:11: error: domain x.example is already in p/a.yaml:1:11; remove one of them\n"},
};

static void run_owner_row(size_t row, const struct policy *a, const struct policy *b)
{
    struct tree t;
    char *tops[3] = {NULL};
    size_t top_count = 0;
    struct said said[4] = {{0}};
    struct asking asking = {said, a, b, 0};
    set_up(&t);
    write_files(&t, owner_rows[row].files, ARRAY_LENGTH(owner_rows[row].files));
    for (size_t i = 0; i == 0 || (i < 3 && owner_rows[row].tops[i] != NULL); i++) {
        const char *top = owner_rows[row].tops[i];
        tops[top_count++] = file_path_join(t.top, top != NULL ? top : "p");
    }
    for (size_t i = 0; owner_rows[row].said[i].name != NULL; i++) {
        said[i] = owner_rows[row].said[i];
        said[i].entry = said[i].entry[0] == '/' ? memory_string(said[i].entry)
                                                : file_path_join(t.top, said[i].entry);
    }
    struct catalogue *catalogue = load(&(struct catalogue_options){
        .paths = (const char *const *)tops,
        .path_count = top_count,
        .owners_of = say,
        .context = &asking,
    });
    expect_told(owner_rows[row].name, &t, catalogue, owner_rows[row].told);
    expect_names(owner_rows[row].name, catalogue, owner_rows[row].names);
    catalogue_free(catalogue);
    for (size_t i = 0; i < 4; i++) {
        free((char *)said[i].entry);
    }
    for (size_t i = 0; i < top_count; i++) {
        free(tops[i]);
    }
    tear_down(&t);
}

static void test_the_owner_decides(void **state)
{
    (void)state;
    struct policy_file file = {0};
    struct diagnostics d = {0};
    const struct policy_file_defaults defaults = {.max_age_s = 1};
    assert_true(
        policy_file_parse(BYTES("policies: {a: " A ", b: " B "}\n"), "f", &defaults, &file, &d));
    for (size_t i = 0; i < ARRAY_LENGTH(owner_rows); i++) {
        run_owner_row(i, file.policies[0].policy, file.policies[1].policy);
    }
    policy_file_clear(&file);
}

/* Each name lies in the file that has it, in a checkout elsewhere. */
static void say_elsewhere(const struct bytes *names, size_t count, struct catalogue_owner *owners,
                          void *context)
{
    (void)context;
    for (size_t i = 0; i < count; i++) {
        struct bytes path = {strchr(names[i].p, '.') + 1, 0};
        path.n = names[i].n - (size_t)(path.p - names[i].p);
        owners[i] =
            (struct catalogue_owner){.known = true, .entry = BYTES("/srv/elsewhere"), .path = path};
    }
}

static double seconds_to_load(const struct catalogue_options *options)
{
    clock_t start = clock();
    catalogue_free(load(options));
    return (double)(clock() - start) / CLOCKS_PER_SEC;
}

/* Where a file does not parse, all names are asked about: as many as are served. */
static void test_many_owners_elsewhere_cost_little(void **state)
{
    (void)state;
    struct tree t;
    enum { FILES = 1000, NAMES = 20 };
    set_up(&t);
    for (int file = 0; file < FILES; file++) {
        CLEANUP(buffer_clear) struct buffer text = BUFFER(64 * 1024);
        CLEANUP_FREE char *name = memory_printf("t%d.yaml", file);
        buffer_add_string(&text, "domains:\n");
        for (int i = 0; i < NAMES; i++) {
            buffer_printf(&text, "  d%d.t%d.yaml: {mode: none, max_age: 1d}\n", i, file);
        }
        buffer_add(&text, BYTES("\0"));
        write_file(&t, name, text.p);
    }
    write_file(&t, "broken.yaml", "domains: [");
    const char *const paths[] = {t.top};
    struct catalogue_options options = {.paths = paths, .path_count = 1};
    double unasked_s = seconds_to_load(&options);
    options.owners_of = say_elsewhere;
    double asked_s = seconds_to_load(&options);
    if (asked_s > 4 * unasked_s + 0.1) {
        fail_msg("%.2f s with owners, %.2f s without", asked_s, unasked_s);
    }
    tear_down(&t);
}

static void test_nobody_is_asked_where_no_name_is_claimed_twice(void **state)
{
    (void)state;
    struct tree t;
    struct asking asking = {0};
    set_up(&t);
    write_file(&t, "a.yaml", "policies: {g: " A "}\ndomains: {a.example: g}\n");
    write_file(&t, "b.yaml", "domains: {b.example: g, c.example: " B "}\n");
    write_file(&t, "c.yaml", "domains: {d.example: nowhere}\n");
    const char *const paths[] = {t.top};
    struct catalogue *catalogue = load(&(struct catalogue_options){
        .paths = paths, .path_count = 1, .owners_of = say, .context = &asking});
    assert_int_equal(asking.asked, 0);
    catalogue_free(catalogue);
    tear_down(&t);
}

static void test_apart_nothing_is_held_against_another(void **state)
{
    (void)state;
    struct tree t;
    set_up(&t);
    write_file(&t, "a.yaml", "domains: {a.example: nowhere, x.example: " A "}\n");
    write_file(&t, "b.yaml", "domains: {x.example: " B "}\n");
    const char *const paths[] = {t.top};
    struct catalogue *catalogue =
        load(&(struct catalogue_options){.paths = paths, .path_count = 1, .apart = true});
    expect_told("apart", &t, catalogue, "");
    expect_names("apart", catalogue, "a.example=a.yaml x.example=a.yaml ");
    catalogue_free(catalogue);
    tear_down(&t);
}

static void test_mirrors_have_the_text_of_their_copies(void **state)
{
    (void)state;
    struct tree t;
    struct error e;
    struct catalogue_view view;
    struct policy_file file = {0};
    struct diagnostics d = {0};
    const struct policy_file_defaults defaults = {.max_age_s = 1};
    set_up(&t);
    CLEANUP_FREE char *copies = file_path_join(t.top, "mirror");
    assert_true(policy_file_parse(BYTES("policies: {a: " A "}\n"), "f", &defaults, &file, &d));
    const struct mirror_copy copy = {.policy = file.policies[0].policy, .id = {"1"}};
    assert_true(mirror_copy_write(copies, BYTES("up.example"), &copy, &e));
    write_file(&t, "p/a.yaml",
               "policies:\n  g: {mirror: up.example}\n  h: {mirror: other.example}\n"
               "domains: {g.example: g, h.example: h}\n");
    CLEANUP_FREE char *top = file_path_join(t.top, "p");
    const char *const paths[] = {top};
    struct catalogue *catalogue =
        load(&(struct catalogue_options){.paths = paths, .path_count = 1, .mirror_copies = copies});
    assert_true(catalogue_find(catalogue, BYTES("g.example"), &view));
    assert_true(policy_equal(view.policy, file.policies[0].policy));
    assert_true(catalogue_find(catalogue, BYTES("h.example"), &view));
    assert_null(view.policy);
    expect_told("mirrors", &t, catalogue,
                "p/a.yaml:3:3: warning: shared policy h follows other.example, whose policy is not "
                "known yet (never fetched); until the server has fetched it, domains that come to "
                "it stay with what they have, or without a policy\n");
    catalogue_free(catalogue);
    policy_file_clear(&file);
    tear_down(&t);
}

static void test_what_cannot_be_read(void **state)
{
    (void)state;
    struct tree t;
    set_up(&t);
    write_file(&t, "p/a.yaml", "domains: {a.example: " A "}\n");
    CLEANUP_FREE char *dangling = file_path_join(t.top, "p/b.yaml");
    CLEANUP_FREE char *other = file_path_join(t.top, "p/notes.txt");
    CLEANUP_FREE char *top = file_path_join(t.top, "p");
    CLEANUP_FREE char *missing = file_path_join(t.top, "q");
    assert_int_equal(symlink("nowhere", dangling), 0);
    assert_int_equal(symlink("nowhere", other), 0);
    CLEANUP_FREE char *again = file_path_join(t.top, "p/a.yaml");
    const char *const paths[] = {top, missing, again};
    struct catalogue *catalogue =
        load(&(struct catalogue_options){.paths = paths, .path_count = 3});
    expect_told("unreadable", &t, catalogue,
                "p/b.yaml: error: symbolic link to nowhere, which does not exist; mend or remove "
                "the link\n"
                "q: error: cannot be read: No such file or directory; make it, or name another one "
                "in the configuration\n");
    expect_names("unreadable", catalogue, "a.example=a.yaml ");
    catalogue_free(catalogue);
    tear_down(&t);
}

static void test_nothing_to_load_is_an_error(void **state)
{
    (void)state;
    struct catalogue *catalogue = NULL;
    struct error e;
    assert_false(catalogue_load(&(struct catalogue_options){0}, &catalogue, &e));
    assert_null(catalogue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finds_entries_with_ids_and_places),
        cmocka_unit_test(test_files_alone),
        cmocka_unit_test(test_what_is_disputed_is_not_found),
        cmocka_unit_test(test_the_owner_decides),
        cmocka_unit_test(test_many_owners_elsewhere_cost_little),
        cmocka_unit_test(test_nobody_is_asked_where_no_name_is_claimed_twice),
        cmocka_unit_test(test_apart_nothing_is_held_against_another),
        cmocka_unit_test(test_mirrors_have_the_text_of_their_copies),
        cmocka_unit_test(test_what_cannot_be_read),
        cmocka_unit_test(test_nothing_to_load_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
