/* Whoever shares a reload accepts for all: never less than was asked, and never more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policies/loader/loader.h"

enum { ASK_MAX = 3 };

static const struct {
    const char *name;
    const char *asked[ASK_MAX]; /* "-": nothing, "*": all, else one path a letter */
    const char *want;
} rows[] = {
    {"nobody", {"-"}, "-"},
    {"all", {"*"}, "*"},
    {"one path", {"a"}, "a"},
    {"nothing, then a path", {"-", "a"}, "a"},
    {"a path, then nothing", {"a", "-"}, "a"},
    {"paths of two", {"ab", "c"}, "abc"},
    {"a path, then all", {"a", "*"}, "*"},
    {"all, then a path", {"*", "a"}, "*"},
    {"all between paths", {"a", "*", "b"}, "*"},
};

static void merge(const char *asked, struct loader_accept **into)
{
    struct loader_accept more = {0};
    for (size_t i = 0; asked[0] != '-' && asked[0] != '*' && asked[i] != '\0'; i++) {
        loader_accept_add(&more, (const char[]){asked[i], '\0'});
    }
    loader_accept_merge(into, asked[0] == '-' ? NULL : &more);
    loader_accept_clear(&more);
}

static void test_merge(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct loader_accept *got = NULL;
        char text[8] = "-";
        for (size_t j = 0; j < ASK_MAX && rows[i].asked[j] != NULL; j++) {
            merge(rows[i].asked[j], &got);
        }
        if (got != NULL) {
            strcpy(text, got->count == 0 ? "*" : "");
            for (size_t j = 0; j < got->count; j++) {
                strcat(text, got->paths[j]);
            }
        }
        if (strcmp(text, rows[i].want) != 0) {
            fail_msg("%s: got %s", rows[i].name, text);
        }
        loader_accept_free(got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_merge)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
