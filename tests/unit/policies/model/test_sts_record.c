#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/memory.h"
#include "policies/model/sts_record.h"

#define ID_32 "0123456789abcdef0123456789ABCDEF"

static const struct {
    const char *name;
    const char *text;
    const char *id;    /* NULL: refused */
    const char *error; /* part of it, or of the doubt; NULL: none */
    unsigned column;
} rows[] = {
    {"ours", "v=STSv1; id=20260602001;", "20260602001", NULL, 0},
    {"the longest id", "v=STSv1; id=" ID_32 ";", ID_32, NULL, 0},
    {"no last semicolon", "v=STSv1; id=1", "1", "last semicolon", 0},
    {"no space", "v=STSv1;id=1;", "1", "white space", 0},
    {"white space everywhere", "v=STSv1; \t id=1 \t ;  ", "1", "white space", 0},
    {"an extension", "v=STSv1; id=1; a.b-c_9=x:y/!~;", "1", "no field but id", 0},
    {"an extension first", "v=STSv1; x=1; id=2;", "2", "no field but id", 0},
    {"two ids", "v=STSv1; id=1; id=2;", "1", "more than one id", 0},
    {"case of the name", "v=STSv1; ID=1;", NULL, "no id", 15},
    {"empty", "", NULL, "does not begin", 1},
    {"version alone", "v=STSv1", NULL, "does not begin", 1},
    {"case of the version", "v=stsv1; id=1;", NULL, "does not begin", 1},
    {"a later version", "v=STSv10; id=1;", NULL, "does not begin", 1},
    {"space before the first semicolon", "v=STSv1 ; id=1;", NULL, "does not begin", 1},
    {"space at the front", " v=STSv1; id=1;", NULL, "does not begin", 1},
    {"quotes of a zone file", "\"v=STSv1; id=1;\"", NULL, "does not begin", 1},
    {"no id", "v=STSv1;", NULL, "no id", 9},
    {"an empty id", "v=STSv1; id=;", NULL, "has no value", 13},
    {"an id with a hyphen", "v=STSv1; id=2026-06;", NULL, "letters and digits", 17},
    {"an id with a dot", "v=STSv1; id=1.2", NULL, "letters and digits", 14},
    {"an id in quotes", "v=STSv1; id=\"1\";", NULL, "letters and digits", 13},
    {"an id too long", "v=STSv1; id=" ID_32 "0;", NULL, "33 characters", 45},
    {"a second id that is wrong", "v=STSv1; id=1; id=_;", NULL, "letters and digits", 19},
    {"space in an id", "v=STSv1; id=1 2;", NULL, "semicolon should be", 15},
    {"space around the equals sign", "v=STSv1; id = 1;", NULL, "no field", 10},
    {"two semicolons", "v=STSv1; id=1;;", NULL, "two semicolons", 14},
    {"no equals sign", "v=STSv1; id", NULL, "no field", 10},
    {"a name that begins with a hyphen", "v=STSv1; -a=1; id=1;", NULL, "no field", 10},
    {"a name too long", "v=STSv1; " ID_32 "x=1; id=1;", NULL, "no field", 10},
    {"an equals sign in a value", "v=STSv1; a=b=c; id=1;", NULL, "semicolon should be", 13},
    {"not ASCII", "v=STSv1; id=\xc3\xa9;", NULL, "has no value", 13},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct sts_record record;
        struct error e = {0};
        bool ok = sts_record_parse(bytes_of(rows[i].text), &record, &e);
        const char *doubt = ok ? sts_record_doubt(&record) : NULL;
        const char *said = ok ? (doubt != NULL ? doubt : "") : e.text;
        bool right =
            ok == (rows[i].id != NULL) &&
            (rows[i].error == NULL ? *said == '\0' : strstr(said, rows[i].error) != NULL) &&
            (!ok || bytes_equal(record.id, bytes_of(rows[i].id))) &&
            (ok || e.column == rows[i].column);
        if (!right) {
            fail_msg("%s: %s, column %u: %s", rows[i].name, ok ? "taken" : "refused", e.column,
                     said);
        }
    }
}

static void test_too_long(void **state)
{
    (void)state;
    CLEANUP_FREE char *text = memory_zero(STS_RECORD_TEXT_MAX + 2, 1);
    memset(text, 'a', STS_RECORD_TEXT_MAX + 1);
    struct sts_record record;
    struct error e;
    assert_false(sts_record_parse(bytes_of(text), &record, &e));
    assert_int_equal(e.code, ERROR_LIMIT);
}

static void test_the_one_among_several(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *texts[3];
        enum error_code code;
    } sets[] = {
        {"none at all", {NULL}, ERROR_NOT_FOUND},
        {"others alone", {"v=spf1 -all", "v=STSv2; id=1;"}, ERROR_NOT_FOUND},
        {"one", {"v=STSv1; id=1;"}, ERROR_NONE},
        {"one beside others", {"v=spf1 -all", "v=STSv1; id=1;", "x"}, ERROR_NONE},
        {"two", {"v=STSv1; id=1;", "v=STSv1; id=2;"}, ERROR_CONFLICT},
        {"the same twice", {"v=STSv1; id=1;", "v=STSv1; id=1;"}, ERROR_CONFLICT},
        {"a broken one beside a good one", {"v=STSv1; id=1;", "v=STSv1; x"}, ERROR_CONFLICT},
        {"a broken one", {"v=STSv1; id=_;"}, ERROR_SYNTAX},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(sets); i++) {
        struct bytes texts[3];
        size_t count = 0;
        while (count < 3 && sets[i].texts[count] != NULL) {
            texts[count] = bytes_of(sets[i].texts[count]);
            count++;
        }
        struct sts_record record;
        struct error e = {0};
        bool ok = sts_record_choose(texts, count, &record, &e);
        if (ok != (sets[i].code == ERROR_NONE) || e.code != sets[i].code) {
            fail_msg("%s: code %d: %s", sets[i].name, e.code, e.text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_the_one_among_several),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
