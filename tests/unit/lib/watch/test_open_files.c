/* Rows of what is told of one path, and when, and what is known of it then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/watch/open_files.h"

enum { WAIT_MS = 10000, STEPS_MAX = 12 };

enum act { END, WRITE, CLOSE, FOUND, LOSE, OTHER, IS, LEFT, NOT_LEFT, DUE, COMING };

struct step {
    int64_t at_ms;
    enum act act;
    int64_t want; /* of IS: enum watch_writing; of DUE: when; of COMING: whether */
};

static bool is_other(const struct open_file *file)
{
    return file->inode != 0;
}

static bool fits(struct open_files *files, const struct step *step)
{
    const char *left = NULL;
    struct open_file *file = NULL;
    switch (step->act) {
    case WRITE:
        file = open_files_write(files, "a", step->at_ms);
        return file != NULL && strcmp(file->path, "a") == 0;
    case CLOSE:
        open_files_close(files, "a");
        return open_files_find(files, "a") == NULL;
    case FOUND:
        open_files_note_found(files, "a", step->at_ms);
        return true;
    case LOSE:
        open_files_lose(files, step->at_ms);
        return files->count == 0;
    case OTHER:
        open_files_write(files, "a", step->at_ms)->inode = 1;
        open_files_forget(files, is_other);
        return true;
    case IS:
        return (int64_t)open_files_writing(files, "a", step->at_ms, WAIT_MS) == step->want;
    case LEFT:
        left = open_files_next_left(files, step->at_ms, WAIT_MS);
        return left != NULL && strcmp(left, "a") == 0;
    case NOT_LEFT:
        return open_files_next_left(files, step->at_ms, WAIT_MS) == NULL;
    case DUE:
        return open_files_due_ms(files, WAIT_MS) == step->want;
    case COMING:
        return open_files_are_coming(files, step->at_ms, WAIT_MS) == (step->want != 0);
    case END:
        break;
    }
    return false;
}

static const struct {
    const char *name;
    struct step steps[STEPS_MAX];
} rows[] = {
    {"nothing was told", {{0, IS, WATCH_WHOLE}, {0, NOT_LEFT, 0}, {0, DUE, -1}, {0, COMING, 0}}},
    {"written and closed",
     {{0, WRITE, 0},
      {1, IS, WATCH_OPEN},
      {1, COMING, 1},
      {2, CLOSE, 0},
      {2, IS, WATCH_WHOLE},
      {2, COMING, 0},
      {2, DUE, -1},
      {20000, NOT_LEFT, 0}}},
    {"a pause", {{0, WRITE, 0}, {9999, IS, WATCH_OPEN}, {9999, NOT_LEFT, 0}, {9999, DUE, 10000}}},
    {"a pause that begins anew",
     {{0, WRITE, 0},
      {9000, WRITE, 0},
      {18999, IS, WATCH_OPEN},
      {18999, DUE, 19000},
      {18999, NOT_LEFT, 0},
      {19000, LEFT, 0}}},
    {"left open, handed out once",
     {{0, WRITE, 0},
      {10000, IS, WATCH_LEFT_OPEN},
      {10000, LEFT, 0},
      {10000, NOT_LEFT, 0},
      {10000, DUE, -1},
      {99999, IS, WATCH_LEFT_OPEN},
      {99999, NOT_LEFT, 0},
      {99999, CLOSE, 0},
      {99999, IS, WATCH_WHOLE}}},
    {"left open, then written to again",
     {{0, WRITE, 0},
      {10000, LEFT, 0},
      {12000, WRITE, 0},
      {12000, IS, WATCH_OPEN},
      {12000, DUE, 22000},
      {21999, NOT_LEFT, 0},
      {22000, LEFT, 0}}},
    {"who writes for long holds nobody else up",
     {{0, WRITE, 0},
      {6000, WRITE, 0},
      {9999, COMING, 1},
      {10000, COMING, 0},
      {10000, IS, WATCH_OPEN}}},
    {"who left it open neither",
     {{0, WRITE, 0}, {10000, COMING, 0}, {12000, WRITE, 0}, {12000, COMING, 0}}},
    {"opened anew it is coming again",
     {{0, WRITE, 0}, {12000, CLOSE, 0}, {12000, WRITE, 0}, {12000, COMING, 1}}},
    {"closed though nobody wrote", {{0, CLOSE, 0}, {0, IS, WATCH_WHOLE}}},
    {"found in a new directory",
     {{0, FOUND, 0},
      {0, IS, WATCH_UNTOLD},
      {0, COMING, 0},
      {9999, IS, WATCH_UNTOLD},
      {9999, NOT_LEFT, 0},
      {10000, IS, WATCH_WHOLE},
      {10000, NOT_LEFT, 0},
      {10000, DUE, -1}}},
    {"found, then written to",
     {{0, FOUND, 0},
      {5000, WRITE, 0},
      {5000, IS, WATCH_OPEN},
      {14999, COMING, 1},
      {14999, NOT_LEFT, 0},
      {15000, LEFT, 0}}},
    {"found, then closed", {{0, FOUND, 0}, {1, CLOSE, 0}, {1, IS, WATCH_WHOLE}}},
    {"written to, then found", {{0, WRITE, 0}, {1, FOUND, 0}, {1, IS, WATCH_OPEN}}},
    {"closes were lost",
     {{0, WRITE, 0},
      {1, LOSE, 0},
      {1, IS, WATCH_UNTOLD},
      {10000, IS, WATCH_UNTOLD},
      {10001, IS, WATCH_WHOLE},
      {10001, NOT_LEFT, 0}}},
    {"written to after that", {{0, LOSE, 0}, {1, WRITE, 0}, {1, IS, WATCH_OPEN}}},
    {"another file is there now", {{0, WRITE, 0}, {1, OTHER, 0}, {1, IS, WATCH_WHOLE}}},
};

static void test_what_is_known_of_a_path(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct open_files files = {0};
        for (size_t k = 0; k < STEPS_MAX && rows[i].steps[k].act != END; k++) {
            if (!fits(&files, &rows[i].steps[k])) {
                fail_msg("row '%s', step %zu", rows[i].name, k + 1);
            }
        }
        open_files_clear(&files);
    }
}

static void fill(struct open_files *files, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char path[32];
        snprintf(path, sizeof(path), "%zu", i * 7919 % count);
        assert_non_null(open_files_write(files, path, (int64_t)i));
    }
}

static void test_many_are_known_apart(void **state)
{
    (void)state;
    struct open_files files = {0};
    fill(&files, OPEN_FILES_MAX);
    assert_int_equal(files.count, OPEN_FILES_MAX);
    assert_int_equal(open_files_due_ms(&files, WAIT_MS), WAIT_MS);
    assert_string_equal(open_files_next_left(&files, WAIT_MS, WAIT_MS), "0");
    assert_null(open_files_next_left(&files, WAIT_MS, WAIT_MS));
    open_files_close(&files, "17");
    assert_int_equal(open_files_writing(&files, "17", 0, WAIT_MS), WATCH_WHOLE);
    assert_int_equal(open_files_writing(&files, "18", 0, WAIT_MS), WATCH_OPEN);
    open_files_clear(&files);
}

static void test_there_are_no_more_than_so_many(void **state)
{
    (void)state;
    struct open_files files = {0};
    fill(&files, OPEN_FILES_MAX);
    assert_non_null(open_files_write(&files, "0", 0));
    open_files_note_found(&files, "found", 0);
    assert_int_equal(files.count, OPEN_FILES_MAX);
    assert_int_equal(open_files_writing(&files, "found", 1, WAIT_MS), WATCH_UNTOLD);
    assert_int_equal(open_files_writing(&files, "17", 1, WAIT_MS), WATCH_OPEN);
    assert_null(open_files_write(&files, "one more", 0));
    assert_int_equal(files.count, 0);
    assert_int_equal(open_files_writing(&files, "17", 1, WAIT_MS), WATCH_UNTOLD);
    assert_non_null(open_files_write(&files, "one more", 0));
    open_files_clear(&files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_known_of_a_path),
        cmocka_unit_test(test_many_are_known_apart),
        cmocka_unit_test(test_there_are_no_more_than_so_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
