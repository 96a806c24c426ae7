/* Who has names that two policy files claim: by the server that runs, else by what one left. */
#include "checkout.h"
#include "policies/files/version_record.h"
#include "policies/memory/served_memory.h"
#include "publish/ownership_source.h"
#include "server/control/control.h"

static const char POLICIES[] = "policies:\n"
                               "  p: {mode: testing, mx: [m.x], max_age: 1d}\n"
                               "domains:\n"
                               "  a.x: {mode: none, max_age: 1d}\n"
                               "  c.x: p\n";

static const struct bytes names[] = {{"a.x", 3}, {"@p", 2}, {"c.x", 3}, {"none.x", 6}};
enum { NAMES = 4 };

/* The policies as a server that stopped remembers them, in each of PATHS. */
static void remember(const struct checkout *c, const char *const *paths, size_t count)
{
    struct error e;
    char *news = NULL;
    struct diagnostics d = {0};
    struct policy_file file;
    struct served_memory *memory = NULL;
    const struct policy_file_defaults defaults = workspace_defaults(NULL);
    CLEANUP_FREE char *state = checkout_path(c, "state");
    CLEANUP(buffer_clear) struct buffer version = BUFFER(VERSION_RECORD_MAX);
    assert_true(file_make_directories(state, 0700, &e));
    assert_true(policy_file_parse(bytes_of(POLICIES), "a.yaml", &defaults, &file, &d));
    version_record_add(&version, &file);
    assert_true(served_memory_open(state, &memory, &news, &e));
    assert_true(served_memory_begin(memory, &e));
    for (size_t i = 0; i < count; i++) {
        const struct served_file row = {.entry = BYTES("policies.d"), .path = bytes_of(paths[i])};
        assert_true(served_memory_put(memory, &row, buffer_bytes(&version), &e));
    }
    assert_true(served_memory_commit(memory, &e));
    served_memory_close(memory);
    policy_file_clear(&file);
}

static void expect_owner(const struct catalogue_owner *owner, const char *path,
                         const struct policy *policy)
{
    assert_true(owner->known);
    assert_true(bytes_equal(owner->entry, BYTES("policies.d")));
    assert_true(bytes_equal(owner->path, bytes_of(path)));
    assert_memory_equal(owner->digest, policy->digest, sizeof(owner->digest));
}

static void test_what_is_remembered(void **state)
{
    (void)state;
    static const char *const one[] = {"a.yaml"};
    struct checkout c;
    checkout_make(&c, "", POLICIES);
    checkout_load(&c);
    remember(&c, one, 1);
    struct catalogue_owner owners[NAMES] = {0};
    struct ownership_source source = {.settings = c.workspace.settings};
    ownership_source_ask(names, NAMES, owners, &source);
    assert_null(source.why);
    const struct policy *shared = checkout_view(&c, "c.x").policy;
    expect_owner(&owners[0], "a.yaml", checkout_view(&c, "a.x").policy);
    expect_owner(&owners[1], "a.yaml", shared);
    expect_owner(&owners[2], "a.yaml", shared);
    assert_false(owners[3].known);
    ownership_source_clear(&source);
    checkout_clear(&c);
}

/* Where two rows have it neither is the owner. */
static void test_what_is_remembered_twice(void **state)
{
    (void)state;
    static const char *const two[] = {"a.yaml", "b.yaml"};
    struct error e;
    struct checkout c;
    checkout_make(&c, "", POLICIES);
    checkout_load(&c);
    remember(&c, two, 2);
    struct catalogue_owner owners[NAMES] = {0};
    struct ownership_memory memory = {0};
    CLEANUP_FREE char *directory = checkout_path(&c, "state");
    assert_true(ownership_memory_ask(&memory, directory, names, NAMES, owners, &e));
    assert_false(owners[0].known);
    ownership_memory_clear(&memory);
    assert_false(ownership_memory_ask(&memory, c.top, names, NAMES, owners, &e));
    assert_int_equal(e.code, ERROR_NOT_FOUND);
    checkout_clear(&c);
}

static json_t *answer_owners(const json_t *request, void *context)
{
    char hex[2 * POLICY_DIGEST_OCTETS + 1];
    const struct policy *policy = context;
    assert_true(json_array_size(json_object_get(request, "names")) <= CONTROL_OWNERS_MAX);
    bytes_to_hex(policy->digest, POLICY_DIGEST_OCTETS, hex);
    return json_pack("{s:{s:{s:s,s:s,s:s}, s:{s:s,s:s,s:s}}}", "owners", "a.x", "entry",
                     "policies.d", "path", "b.yaml", "digest", hex, "@p", "entry", "policies.d",
                     "path", "b.yaml", "digest", "no digest");
}

static void test_what_the_server_says(void **state)
{
    (void)state;
    enum { MANY = 3 * CONTROL_OWNERS_MAX };
    struct checkout c;
    checkout_make(&c, "", POLICIES);
    checkout_load(&c);
    const struct policy *policy = checkout_view(&c, "a.x").policy;
    struct served served = {.answer = answer_owners, .context = (void *)policy};
    served_start(&served, &c);
    struct catalogue_owner owners[NAMES] = {0};
    struct ownership_source source = {.settings = c.workspace.settings};
    ownership_source_ask(names, NAMES, owners, &source);
    expect_owner(&owners[0], "b.yaml", policy);
    assert_false(owners[1].known); /* what it says of this is nothing */
    assert_false(owners[2].known);
    ownership_source_clear(&source);

    struct bytes *many = memory_zero(MANY, sizeof(*many));
    struct catalogue_owner *their = memory_zero(MANY, sizeof(*their));
    for (size_t i = 0; i < MANY; i++) {
        many[i] = names[3];
    }
    int before = atomic_load(&served.asked);
    struct ownership_source more = {.settings = c.workspace.settings};
    ownership_source_ask(many, MANY, their, &more);
    ownership_source_clear(&more);
    served_stop(&served);
    assert_int_equal(atomic_load(&served.asked) - before, 3); /* so many a request */
    free(many);
    free(their);
    checkout_clear(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_remembered),
        cmocka_unit_test(test_what_is_remembered_twice),
        cmocka_unit_test(test_what_the_server_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
