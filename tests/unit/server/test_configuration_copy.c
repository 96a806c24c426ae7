/* What is remembered of the main configuration, and for whom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "lib/base/file.h"
#include "server/configuration_copy.h"
#include "temporary.h"

struct scene {
    char *state;
    char *file; /* does not exist: the text in error says nothing, $STATE_DIRECTORY does */
    char *copy;
};

static struct settings *parse(const struct scene *scene, const char *text)
{
    struct settings *settings = NULL;
    CLEANUP(diagnostics_clear) struct diagnostics d = {0};
    assert_true(settings_parse(bytes_of(text), scene->file, &settings, &d));
    return settings;
}

static void keep(const struct scene *scene, const char *text)
{
    struct error e;
    struct settings *settings = parse(scene, text);
    assert_true(configuration_copy_prepare(scene->state, settings, &e));
    assert_true(configuration_copy_keep(scene->state, settings, &e));
    settings_free(settings);
}

/* What is found for USE has TEXT; NULL: nothing is. */
static void expect(const struct scene *scene, enum configuration_copy_use use, const char *text)
{
    struct settings *found = configuration_copy_find(scene->file, use);
    assert_int_equal(found != NULL, text != NULL);
    if (found != NULL) {
        assert_string_equal(found->text, text);
        assert_string_equal(found->file, scene->file);
        settings_free(found);
    }
}

static void find_copy(struct scene *scene)
{
    DIR *listing = opendir(scene->state);
    for (const struct dirent *entry; (entry = readdir(listing)) != NULL;) {
        if (entry->d_name[0] != '.') {
            free(scene->copy);
            scene->copy = temporary_path(scene->state, entry->d_name);
        }
    }
    closedir(listing);
}

static int set_up(void **state)
{
    struct scene *scene = memory_zero(1, sizeof(*scene));
    scene->state = temporary_make();
    scene->file = memory_printf("%s/etc/m.yaml", scene->state);
    setenv("STATE_DIRECTORY", scene->state, 1);
    keep(scene, "policies: p\n");
    find_copy(scene);
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    temporary_remove(scene->state);
    free(scene->file);
    free(scene->copy);
    free(scene);
    return 0;
}

static void it_is_found_as_if_read_from_its_file(void **state)
{
    const struct scene *scene = *state;
    CLEANUP_FREE char *policies = memory_printf("%s/etc/p", scene->state);
    expect(scene, CONFIGURATION_COPY_START, "policies: p\n");
    struct settings *found = configuration_copy_find(scene->file, CONFIGURATION_COPY_START);
    assert_string_equal(found->policies.items[0], policies);
    settings_free(found);
    keep(scene, "policies: q\n");
    expect(scene, CONFIGURATION_COPY_START, "policies: q\n");
}

static void what_was_prepared_alone_does_not_count(void **state)
{
    struct error e;
    const struct scene *scene = *state;
    struct settings *settings = parse(scene, "policies: never\n");
    assert_true(configuration_copy_prepare(scene->state, settings, &e));
    settings_free(settings);
    expect(scene, CONFIGURATION_COPY_START, "policies: p\n");
}

static void another_path_has_another(void **state)
{
    struct scene *scene = *state;
    free(scene->file);
    scene->file = memory_printf("%s/etc/./m.yaml", scene->state);
    expect(scene, CONFIGURATION_COPY_START, NULL);
    keep(scene, "policies: other\n");
    expect(scene, CONFIGURATION_COPY_START, "policies: other\n");
}

static void nobody_knows_it_without_a_state_directory(void **state)
{
    const struct scene *scene = *state;
    unsetenv("STATE_DIRECTORY");
    expect(scene, CONFIGURATION_COPY_START, NULL);
    CLEANUP_FREE char *several = memory_printf("/nothing:%s", scene->state);
    setenv("STATE_DIRECTORY", several, 1);
    expect(scene, CONFIGURATION_COPY_START, "policies: p\n");
}

static void a_damaged_one_is_none(void **state)
{
    static const char *const ROWS[] = {
        "",
        "\0",
        "#",
        "policies: p\n",
        "# the last good text of /x, kept by mtasts-host\npolicies: p\n",
    };
    struct error e;
    const struct scene *scene = *state;
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        assert_true(file_replace(scene->copy, bytes_of(ROWS[i]), 0600, &e));
        expect(scene, CONFIGURATION_COPY_START, NULL);
    }
}

/* Of another version of this program, say. */
static void one_that_is_in_error_itself_is_none(void **state)
{
    struct error e;
    const struct scene *scene = *state;
    CLEANUP(buffer_clear) struct buffer text = BUFFER(4096);
    assert_true(file_read(scene->copy, &text, NULL, &e));
    buffer_add_string(&text, "colour: red\n");
    assert_true(file_replace(scene->copy, buffer_bytes(&text), 0600, &e));
    expect(scene, CONFIGURATION_COPY_START, NULL);
    expect(scene, CONFIGURATION_COPY_ASK, NULL);
}

static void a_link_is_none(void **state)
{
    const struct scene *scene = *state;
    CLEANUP_FREE char *elsewhere = temporary_path(scene->state, "elsewhere");
    assert_int_equal(rename(scene->copy, elsewhere), 0);
    assert_int_equal(symlink(elsewhere, scene->copy), 0);
    expect(scene, CONFIGURATION_COPY_START, NULL);
}

static void a_start_takes_no_other_users(void **state)
{
    const struct scene *scene = *state;
    if (geteuid() != 0) {
        skip();
    }
    assert_int_equal(chown(scene->copy, 65534, 65534), 0);
    expect(scene, CONFIGURATION_COPY_START, NULL);
    expect(scene, CONFIGURATION_COPY_ASK, "policies: p\n");
    keep(scene, "policies: q\n"); /* does not stay that user's */
    expect(scene, CONFIGURATION_COPY_START, "policies: q\n");
}

static void a_start_takes_none_that_others_may_write(void **state)
{
    static const mode_t MODES[] = {0620, 0602, 0666};
    const struct scene *scene = *state;
    for (size_t i = 0; i < ARRAY_LENGTH(MODES); i++) {
        assert_int_equal(chmod(scene->copy, MODES[i]), 0);
        expect(scene, CONFIGURATION_COPY_START, NULL);
        expect(scene, CONFIGURATION_COPY_ASK, "policies: p\n");
    }
    assert_int_equal(chmod(scene->copy, 0644), 0);
    expect(scene, CONFIGURATION_COPY_START, "policies: p\n");
}

/* Left there by a start that failed, or put there by whose the directory is. */
static void what_is_prepared_is_ones_own(void **state)
{
    struct error e;
    const struct scene *scene = *state;
    CLEANUP_FREE char *prepared = memory_printf("%s.new", scene->copy);
    if (geteuid() != 0) {
        skip();
    }
    assert_true(file_write_new(prepared, bytes_of("x"), 0666, &e));
    assert_int_equal(chown(prepared, 65534, 65534), 0);
    keep(scene, "policies: q\n");
    expect(scene, CONFIGURATION_COPY_START, "policies: q\n");
    struct stat status;
    assert_int_equal(stat(scene->copy, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(symlink("/etc/passwd", prepared), 0);
    keep(scene, "policies: r\n");
    expect(scene, CONFIGURATION_COPY_START, "policies: r\n");
}

int main(void)
{
#define ROW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        ROW(it_is_found_as_if_read_from_its_file),
        ROW(what_was_prepared_alone_does_not_count),
        ROW(another_path_has_another),
        ROW(nobody_knows_it_without_a_state_directory),
        ROW(a_damaged_one_is_none),
        ROW(one_that_is_in_error_itself_is_none),
        ROW(a_link_is_none),
        ROW(a_start_takes_no_other_users),
        ROW(a_start_takes_none_that_others_may_write),
        ROW(what_is_prepared_is_ones_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
