#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/memory.h"
#include "server/control/control_rights.h"

enum { SERVICE = 998, GROUP = 500, PANEL = 600 };

static void ranks(void **state)
{
    (void)state;
    static const gid_t OTHERS[] = {7, 8, GROUP};
    static const gid_t BOTH[] = {GROUP, PANEL};
    const gid_t panel = PANEL;
    static const struct {
        const char *name;
        struct control_peer peer;
        enum control_rank want;
    } ROWS[] = {
        {"root", {0, 0, NULL, 0}, CONTROL_OWNER},
        {"root in no group of ours", {0, 7, OTHERS, 2}, CONTROL_OWNER},
        {"the server's user", {SERVICE, SERVICE, NULL, 0}, CONTROL_OWNER},
        {"a member by its own group", {1000, GROUP, NULL, 0}, CONTROL_MEMBER},
        {"a member by another", {1000, 1000, OTHERS, 3}, CONTROL_MEMBER},
        {"in other groups", {1000, 1000, OTHERS, 2}, CONTROL_STRANGER},
        {"in root's group", {1000, 0, NULL, 0}, CONTROL_STRANGER},
        {"a user whose number is the group's", {GROUP, 1000, NULL, 0}, CONTROL_STRANGER},
        {"a group whose number is the user's", {1000, SERVICE, NULL, 0}, CONTROL_STRANGER},
        {"the panel's by its own group", {1000, PANEL, NULL, 0}, CONTROL_PANEL},
        {"in both groups", {1000, 1000, BOTH, 2}, CONTROL_PANEL},
        {"root in the panel's group", {0, PANEL, NULL, 0}, CONTROL_OWNER},
        {"nobody known", {(uid_t)-1, (gid_t)-1, NULL, 0}, CONTROL_STRANGER},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        if (control_rank_of(&ROWS[i].peer, SERVICE, GROUP, &panel) != ROWS[i].want) {
            fail_msg("%s", ROWS[i].name);
        }
        /* Without a group of the panel nobody is in it. */
        assert_int_not_equal(control_rank_of(&ROWS[i].peer, SERVICE, GROUP, NULL), CONTROL_PANEL);
    }
}

static void rights(void **state)
{
    (void)state;
    enum { NONE = -1 };
    static const struct {
        const char *request;
        int want;
    } ROWS[] = {
        {"{\"command\": \"status\"}", CONTROL_MEMBER},
        {"{\"command\": \"ready\"}", CONTROL_MEMBER},
        {"{\"command\": \"history\"}", CONTROL_MEMBER},
        {"{\"command\": \"serving\"}", CONTROL_MEMBER},
        {"{\"command\": \"leaving\"}", CONTROL_MEMBER},
        {"{\"command\": \"owners\"}", CONTROL_MEMBER},
        {"{\"command\": \"reload\"}", CONTROL_MEMBER},
        {"{\"command\": \"reload\", \"accept_removals\": false}", CONTROL_MEMBER},
        {"{\"command\": \"reload\", \"accept_removals\": 1}", CONTROL_MEMBER},
        {"{\"command\": \"reload\", \"accept_removals\": true}", CONTROL_OWNER},
        {"{\"command\": \"reload\", \"accept_removals\": true, \"paths\": [\"/a\"]}",
         CONTROL_OWNER},
        {"{\"command\": \"panel\"}", CONTROL_PANEL},
        {"{\"command\": \"panel-text\"}", CONTROL_PANEL},
        {"{\"command\": \"cert-renew\"}", CONTROL_OWNER},
        {"{\"command\": \"cert-revoke\"}", CONTROL_OWNER},
        {"{\"command\": \"account-rollover\"}", CONTROL_OWNER},
        {"{\"command\": \"Status\"}", NONE},
        {"{\"command\": 1}", NONE},
        {"{}", NONE},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        json_t *request = json_loads(ROWS[i].request, 0, NULL);
        const struct control_right *right = control_right_find(request);
        int got = right != NULL ? (int)right->rank : NONE;
        json_decref(request);
        if (got != ROWS[i].want) {
            fail_msg("%s: %d", ROWS[i].request, got);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks),
        cmocka_unit_test(rights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
