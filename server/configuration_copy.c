#include "configuration_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include <openssl/sha.h>

#include "lib/base/directory.h"
#include "lib/base/file.h"
#include "lib/base/safe_text.h"

enum {
    COPY_MODE = 0600,
    COPY_MAX_OCTETS = SETTINGS_TEXT_MAX + 4096, /* with its first line */
    DIGEST_SHOWN = 8,                           /* octets: as many paths as anybody has */
};

/* --- Names and first lines --- */

/* "configuration.DIGEST.yaml", FILE being absolute. The caller frees it. */
static char *name_of(const char *file)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    CLEANUP(buffer_clear) struct buffer name = BUFFER(64);
    SHA256((const unsigned char *)file, strlen(file), digest);
    buffer_add_string(&name, "configuration.");
    for (size_t i = 0; i < DIGEST_SHOWN; i++) {
        buffer_printf(&name, "%02x", digest[i]);
    }
    buffer_add_string(&name, ".yaml");
    return buffer_take(&name);
}

/* Says to people, and to who reads it again, whose copy it is. */
static char *first_line_of(const char *file)
{
    return memory_printf("# the last good text of %s, kept by mtasts-host\n", SAFE_TEXT(file));
}

/* --- Writing --- */

/* Where the copy of a configuration lies. */
struct place {
    int state;      /* the directory */
    char *copy;     /* paths, for messages as well */
    char *prepared; /* the text that waits to become the copy */
};

static void place_clear(struct place *place)
{
    file_close(&place->state);
    free(place->copy);
    free(place->prepared);
}

static bool place_open(const char *state, const char *file, struct place *ret, struct error *e)
{
    CLEANUP_FREE char *name = name_of(file);
    ret->copy = file_path_join(state, name);
    ret->prepared = memory_printf("%s.new", ret->copy);
    return directory_open(state, &ret->state, e);
}

bool configuration_copy_prepare(const char *state, const struct settings *settings, struct error *e)
{
    CLEANUP(place_clear) struct place place = {.state = -1};
    CLEANUP_FREE char *first = first_line_of(settings->file);
    CLEANUP_FREE char *text = memory_printf("%s%s", first, settings->text);
    if (!place_open(state, settings->file, &place, e)) {
        return false;
    }
    /* One that is left of a start that failed may be another user's, and would stay so. */
    (void)unlinkat(place.state, file_path_name(place.prepared), 0);
    return file_replace_at(place.state, place.prepared, bytes_of(text), COPY_MODE, e);
}

bool configuration_copy_write(const char *state, const struct settings *settings, struct error *e)
{
    CLEANUP(place_clear) struct place place = {.state = -1};
    if (!place_open(state, settings->file, &place, e)) {
        return false;
    }
    if (renameat(place.state, file_path_name(place.prepared), place.state,
                 file_path_name(place.copy)) != 0) {
        return error_system(e, "cannot rename %s", place.prepared);
    }
    return file_sync_directory(state, e);
}

/* --- Reading --- */

/* Whether nobody but who starts can have written it. Whose `state` is may link to a file of root's
 * that all may write. */
static bool is_own(const struct stat *status)
{
    return status->st_uid == geteuid() && (status->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* Appends the copy NAME in DIRECTORY. False: there is none that may be used so. */
static bool read_copy(const char *directory, const char *name, enum configuration_copy_use use,
                      struct buffer *text)
{
    struct error ignored;
    CLEANUP_CLOSE int state = -1;
    if (!directory_open(directory, &state, &ignored)) {
        return false;
    }
    CLEANUP_CLOSE int fd = openat(state, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat status;
    return fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
           (use == CONFIGURATION_COPY_ASK || is_own(&status)) &&
           file_read_descriptor(fd, name, text, &ignored);
}

/* Where copies of FILE are looked for. */
struct search {
    const char *file; /* absolute */
    enum configuration_copy_use use;
    struct settings *found;
};

static void look_into(const char *directory, struct search *search)
{
    CLEANUP_FREE char *name = name_of(search->file);
    CLEANUP_FREE char *first = first_line_of(search->file);
    CLEANUP(buffer_clear) struct buffer text = BUFFER(COPY_MAX_OCTETS);
    CLEANUP(diagnostics_clear) struct diagnostics ignored = {0};
    if (search->found != NULL || !read_copy(directory, name, search->use, &text) ||
        !bytes_starts_with(buffer_bytes(&text), bytes_of(first))) {
        return;
    }
    struct bytes kept = bytes_skip(buffer_bytes(&text), strlen(first));
    if (!settings_parse(kept, search->file, &search->found, &ignored)) {
        return; /* of another version of this program */
    }
    settings_look_for_panel(search->found);
}

/* systemd gives the paths of StateDirectory= with colons between. */
static void look_into_all(const char *directories, struct search *search)
{
    CLEANUP_FREE char *list = memory_string(directories);
    char *rest = NULL;
    for (char *one = strtok_r(list, ":", &rest); one != NULL; one = strtok_r(NULL, ":", &rest)) {
        look_into(one, search);
    }
}

/* Where the text that is in error says that its state is; NULL: nowhere. The caller frees it. */
static char *find_named(const char *file)
{
    struct error ignored;
    CLEANUP(buffer_clear) struct buffer text = BUFFER(SETTINGS_TEXT_MAX);
    return file_read(file, &text, NULL, &ignored) ? settings_find_state(buffer_bytes(&text), file)
                                                  : NULL;
}

struct settings *configuration_copy_find(const char *file, enum configuration_copy_use use)
{
    CLEANUP_FREE char *absolute = settings_absolute_file(file);
    CLEANUP_FREE char *named = find_named(absolute);
    const char *of_systemd = secure_getenv("STATE_DIRECTORY");
    struct search search = {.file = absolute, .use = use};
    if (named != NULL) {
        look_into(named, &search);
    }
    look_into_all(of_systemd != NULL ? of_systemd : "", &search);
    look_into(SETTINGS_DEFAULT_STATE, &search);
    return search.found;
}
