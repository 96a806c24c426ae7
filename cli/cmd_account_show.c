/* account show: the accounts at the CAs of the configuration, from the store. */
#include <stdio.h>

#include "cli/json_view.h"
#include "cli/opening.h"
#include "lib/base/clock.h"
#include "lib/base/safe_json.h"
#include "lib/base/safe_text.h"
#include "lib/base/time_text.h"
#include "publish/certificates/account_facts.h"
#include "publish/certificates/state_store.h"

static void print_wait(const char *whose, int64_t wait_s, int64_t now_s)
{
    if (wait_s > now_s) {
        printf("  %-12s%s (%s)\n", whose, time_text_moment(wait_s).text,
               time_text_from_now(wait_s, now_s).text);
    }
}

static void print(const struct account_facts *view, int64_t now_s)
{
    const struct acme_store_account *account = &view->account;
    printf("%s: %s\n", SAFE_TEXT(view->directory->name), SAFE_TEXT(view->directory->url));
    if (account->directory == NULL) {
        printf("  account:    none yet\n");
        return;
    }
    printf("  account:    %s\n  thumbprint: %s\n",
           account->url != NULL ? SAFE_TEXT(account->url) : "not registered yet",
           view->thumbprint != NULL ? view->thumbprint : "the key cannot be read");
    if (account->next_key != NULL) {
        printf("  a new key is under way\n");
    }
    print_wait("waits:", account->wait_s, now_s);
    print_wait("CA waits:", account->ca_wait_s, now_s);
}

static json_t *view_json(const struct account_facts *view)
{
    const struct acme_store_account *account = &view->account;
    return json_pack(
        "{s:o, s:o, s:o, s:s?, s:b, s:I, s:I}", "name", safe_json_text(view->directory->name),
        "directory", safe_json_text(view->directory->url), "account", safe_json_text(account->url),
        "thumbprint", view->thumbprint, "rollover", (int)(account->next_key != NULL), "wait",
        (json_int_t)account->wait_s, "ca_wait", (json_int_t)account->ca_wait_s);
}

static bool show_all(const struct settings_acme *acme, struct acme_store *store, bool json,
                     struct error *e)
{
    int64_t now_s = clock_wall_s();
    json_t *accounts = json_array();
    bool ok = true;
    for (size_t i = 0; ok && i < acme->directory_count; i++) {
        CLEANUP(account_facts_clear) struct account_facts view;
        ok = account_facts_read(store, &acme->directories[i], &view, e);
        if (ok && json) {
            json_array_append_new(accounts, view_json(&view));
        } else if (ok) {
            print(&view, now_s);
        }
    }
    if (ok && json) {
        json_view_print_list("accounts", TAKE(accounts));
    }
    json_decref(accounts);
    return ok;
}

int cmd_account_show(const struct invocation *invocation)
{
    CLEANUP_SETTINGS struct settings *settings = open_settings(invocation);
    if (settings == NULL) {
        return COMMAND_FAILED;
    }
    if (settings->acme == NULL) {
        fprintf(stderr, "mtasts-host: %s has no `acme`, so there are no accounts\n",
                SAFE_TEXT(settings->file));
        return COMMAND_FAILED;
    }
    struct error e;
    CLEANUP_STORE struct acme_store *store = NULL;
    if (!state_store_open(settings, &store, &e) ||
        !show_all(settings->acme, store, invocation_has(invocation, "json"), &e)) {
        return fail(&e);
    }
    return COMMAND_DONE;
}
