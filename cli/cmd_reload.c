/* reload: has the running server read everything again, and answers when it is served. */
#include <stdio.h>
#include <string.h>

#include "cli/control_reply.h"
#include "cli/opening.h"
#include "lib/base/file.h"
#include "lib/base/json_read.h"
#include "lib/base/safe_json.h"
#include "lib/base/safe_text.h"
#include "server/control/control.h"

/* A million domains in 100,000 files on a slow disk. */
enum { RELOAD_TIMEOUT_MS = 10 * 60 * 1000 };

static const char *plural(const json_t *reply, const char *key)
{
    return json_number(reply, key) == 1 ? "" : "s";
}

static void print_words(const json_t *reply)
{
    control_reply_print_diagnostics(reply, stderr);
    printf("%lld domains served: since the last reading %lld file%s read, %lld changed and %lld "
           "removed (an edit made live before counts there)\n",
           json_number(reply, "domains"), json_number(reply, "files_read"),
           plural(reply, "files_read"), json_number(reply, "published"),
           json_number(reply, "removed"));
    if (json_number(reply, "held") != 0) {
        printf("The removal of %lld domain%s is held: \"mtasts-host reload --accept-removals\" "
               "accepts it.\n",
               json_number(reply, "held"), plural(reply, "held"));
    }
    const char *restart = json_text(reply, "restart_needed");
    if (restart[0] != '\0') {
        printf("These keys of the main configuration count after a restart: %s\n", restart);
    }
}

static bool is_settled(const json_t *reply)
{
    return json_number(reply, "files_in_error") == 0 &&
           json_number(reply, "certificates_in_error") == 0 && json_number(reply, "held") == 0 &&
           json_number(reply, "removals_held") == 0 &&
           json_text(reply, "restart_needed")[0] == '\0';
}

/* As entries of the configuration are, and as `status` prints the files below them. */
static char *resolve(const struct settings *settings, const char *path)
{
    CLEANUP_FREE char *directory = file_path_directory(settings->file);
    char *whole = file_path_join(directory, strncmp(path, "./", 2) == 0 ? path + 2 : path);
    for (size_t n = strlen(whole); n > 1 && whole[n - 1] == '/'; n--) {
        whole[n - 1] = '\0';
    }
    return whole;
}

static void add_paths(const struct invocation *invocation, const struct settings *settings,
                      json_t *request)
{
    json_t *paths = invocation->argument_count != 0 ? json_array() : NULL;
    for (size_t i = 0; i < invocation->argument_count; i++) {
        CLEANUP_FREE char *path = resolve(settings, invocation->arguments[i]);
        json_array_append_new(paths, safe_json_text(path));
    }
    if (paths != NULL) {
        json_object_set_new(request, "paths", paths);
    }
}

/* Whether nothing was held at PATH: others who shared the reload may have named theirs. */
static bool is_in(const json_t *list, const char *path)
{
    size_t i = 0;
    const json_t *item = NULL;
    json_array_foreach(list, i, item)
    {
        if (strcmp(json_string_value(item), path) == 0) {
            return true;
        }
    }
    return false;
}

/* False: at one of the paths that were named nothing was held, which is told. */
static bool all_were_held(const json_t *request, const json_t *reply)
{
    size_t i = 0;
    bool held = true;
    const json_t *item = NULL;
    json_array_foreach(json_object_get(request, "paths"), i, item)
    {
        const char *path = json_string_value(item);
        if (is_in(json_object_get(reply, "not_held"), path)) {
            fprintf(stderr,
                    "mtasts-host: nothing is held at %s; name a file or directory as "
                    "\"mtasts-host status\" does\n",
                    SAFE_TEXT(path));
            held = false;
        }
    }
    return held;
}

int cmd_reload(const struct invocation *invocation)
{
    bool accepts = invocation_has(invocation, "accept-removals");
    if (invocation->argument_count != 0 && !accepts) {
        return invocation_usage(invocation, "a PATH is for --accept-removals: all is read again");
    }
    if (invocation->argument_count > CONTROL_PATHS_MAX) {
        return invocation_usage(invocation, "name at most %d paths", CONTROL_PATHS_MAX);
    }
    CLEANUP_SETTINGS struct settings *settings = open_settings_of_server(invocation);
    if (settings == NULL) {
        return COMMAND_FAILED;
    }
    json_t *request = json_pack("{s:s, s:b}", "command", "reload", "accept_removals", (int)accepts);
    add_paths(invocation, settings, request);
    json_t *reply = control_reply_ask(settings, json_incref(request), RELOAD_TIMEOUT_MS, NULL);
    if (reply == NULL) {
        json_decref(request);
        return COMMAND_FAILED;
    }
    if (invocation_has(invocation, "json")) {
        safe_json_print(reply, stdout);
    } else {
        json_t *shown = safe_json_shown(reply);
        print_words(shown);
        json_decref(shown);
    }
    int code = is_settled(reply) ? COMMAND_DONE : COMMAND_NO;
    code = all_were_held(request, reply) ? code : COMMAND_FAILED;
    json_decref(reply);
    json_decref(request);
    return code;
}
