#include "start_trial.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/group.h"
#include "lib/base/memory.h"
#include "lib/base/privileges.h"

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Whether what is asked of the kernel here is what it would say to the next start. */
static bool is_the_same_user(const struct start_trial *trial)
{
    return same_text(trial->settings->user, trial->running->user);
}

static bool may_make_in(const char *directory)
{
    return faccessat(AT_FDCWD, directory, W_OK | X_OK, AT_EACCESS) == 0;
}

/* Whether something could be made at PATH, in a directory that is there. */
static bool may_make(const char *path)
{
    CLEANUP_FREE char *directory = file_path_directory(path);
    return may_make_in(directory);
}

/* --- One function a key: false, with what a start would end with. --- */

static bool try_user(const struct start_trial *trial, struct error *e)
{
    struct privileges found;
    /* That we are not root any more says nothing of the next start. */
    return is_the_same_user(trial) || privileges_find(trial->settings->user, &found, e) ||
           (trial->as_root && e->code == ERROR_CONFLICT);
}

static bool try_access_log(const struct start_trial *trial, struct error *e)
{
    const char *file = trial->settings->access_log_file;
    if (trial->settings->access_log == ACCESS_LOG_OFF || file == NULL || !is_the_same_user(trial)) {
        return true;
    }
    CLEANUP_CLOSE int fd = open(file, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd >= 0 || (errno == ENOENT && may_make(file))) {
        return true;
    }
    return error_system(e, "cannot open the access log %s", file);
}

/* A start makes it, and directories above it. */
static bool may_make_all(const char *path)
{
    CLEANUP_FREE char *above = file_path_directory(path);
    struct stat status;
    while (stat(above, &status) != 0 && errno == ENOENT && strcmp(above, "/") != 0) {
        char *next = file_path_directory(above);
        free(above);
        above = next;
    }
    return may_make_in(above);
}

static bool try_state(const struct start_trial *trial, struct error *e)
{
    const char *state = trial->settings->state;
    struct stat status;
    if (same_text(state, trial->running->state) || !is_the_same_user(trial) || trial->as_root) {
        return true;
    }
    if (stat(state, &status) != 0) {
        return (errno == ENOENT && may_make_all(state)) ||
               error_system(e, "cannot make the state directory %s", state);
    }
    const struct privileges ours = {trial->settings->user, geteuid(), getegid()};
    return privileges_prepare_state(state, &ours, e);
}

/* NAME is that of a group, or was when we started. */
static bool is_group(const char *name, const char *running, struct error *e)
{
    gid_t group = 0;
    return name == NULL || same_text(name, running) || group_find(name, &group, e);
}

static bool try_control_group(const struct start_trial *trial, struct error *e)
{
    return is_group(trial->settings->control_group, trial->running->control_group, e);
}

static bool try_panel_group(const struct start_trial *trial, struct error *e)
{
    return is_group(trial->settings->panel_group, trial->running->panel_group, e);
}

static bool try_control(const struct start_trial *trial, struct error *e)
{
    const char *control = trial->settings->control;
    CLEANUP_FREE char *directory = file_path_directory(control);
    /* The default one has another place where it cannot be made; root makes any directory; and
     * try_state has looked at its own. */
    if (same_text(control, trial->running->control) || !is_the_same_user(trial) ||
        same_text(control, SETTINGS_DEFAULT_CONTROL) || trial->as_root ||
        same_text(directory, trial->settings->state)) {
        return true;
    }
    return may_make_in(directory) || error_system(e, "cannot make the control socket %s", control);
}

static bool has(const struct settings_listens *listens, const struct settings_listen *listen)
{
    for (size_t i = 0; i < listens->count; i++) {
        const struct settings_listen *other = &listens->items[i];
        if (strcmp(other->text, listen->text) == 0 &&
            same_text(other->terms.group, listen->terms.group)) {
            return true;
        }
    }
    return false;
}

static bool try_listen(const struct start_trial *trial, const struct settings_listen *listen,
                       struct error *e)
{
    gid_t group = 0;
    switch (listen->kind) {
    case LISTEN_TCP:
        return listener_try(listen, trial->listeners, e);
    case LISTEN_UNIX:
        if (listen->terms.group != NULL && !group_find(listen->terms.group, &group, e)) {
            return false;
        }
        return trial->as_root || may_make(listen->host) ||
               error_system(e, "cannot listen on %s", listen->text);
    case LISTEN_SYSTEMD:
        break;
    }
    return true;
}

static bool try_new(const struct start_trial *trial, const struct settings_listens *listens,
                    const struct settings_listens *running, struct error *e)
{
    for (size_t i = 0; i < listens->count; i++) {
        if (!has(running, &listens->items[i]) && !try_listen(trial, &listens->items[i], e)) {
            return false;
        }
    }
    return true;
}

static bool try_listens(const struct start_trial *trial, struct error *e)
{
    const struct settings *settings = trial->settings;
    return try_new(trial, &settings->https, &trial->running->https, e) &&
           try_new(trial, &settings->http, &trial->running->http, e) &&
           try_new(trial, &settings->plain, &trial->running->plain, e) &&
           try_new(trial, &settings->admin.listens, &trial->running->admin.listens, e);
}

void start_trial_run(const struct start_trial *trial, struct diagnostics *d)
{
    static const struct {
        const char *key;
        bool (*try)(const struct start_trial *trial, struct error *e);
        const char *advice; /* beside what the error says itself */
    } ROWS[] = {
        {"user", try_user, ""},
        {"listen", try_listens, ""},
        {"state", try_state, ""},
        {"control.group", try_control_group, ""},
        {"control.panel_group", try_panel_group, ""},
        {"control", try_control, "; name one in a directory that the server's user may write"},
        {"access_log", try_access_log,
         "; name a file that the server's user may write: under the unit, in /var/log/mtasts-host"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        struct error e;
        if (!ROWS[i].try(trial, &e)) {
            diagnostics_add(d, SEVERITY_ERROR, trial->settings->file, 0, 0,
                            "\"%s\" is nothing that a start could go by: %s%s", ROWS[i].key, e.text,
                            ROWS[i].advice);
        }
    }
}
