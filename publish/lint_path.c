#include "lint_path.h"

#include <errno.h>
#include <sys/stat.h>

#include "config/settings.h"
#include "lib/watch/watch.h"
#include "policies/files/catalogue.h"
#include "policies/files/policy_file_path.h"

static void count_file(const char *path, const struct error *problem, void *context)
{
    (void)problem;
    *(size_t *)context += policy_file_path_counts(path);
}

static bool has_policy_files(const char *directory, struct diagnostics *d)
{
    size_t count = 0;
    struct error ignored;
    if (!watch_list(directory, count_file, &count, &ignored) || count != 0) {
        return true; /* what cannot be listed is told when it is read */
    }
    diagnostics_add(d, SEVERITY_ERROR, directory, 0, 0,
                    "there is no policy file (*.yaml, *.yml) in this directory; name another");
    return false;
}

/* Whether PATH is something to read; else an error in D. */
static bool is_there(const char *path, struct diagnostics *d)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        diagnostics_add(d, SEVERITY_ERROR, path, 0, 0,
                        "cannot read \"%s\": %s; name an existing file or directory", path,
                        errno == ENOENT ? "there is no such file" : "it is not accessible");
        return false;
    }
    if (!S_ISDIR(status.st_mode) && !S_ISREG(status.st_mode)) {
        diagnostics_add(d, SEVERITY_ERROR, path, 0, 0,
                        "this is no regular file; save it as a file and name that");
        return false;
    }
    return !S_ISDIR(status.st_mode) || has_policy_files(path, d);
}

/* Whether the file PATH by itself is a policy file. */
static bool parses(const char *path)
{
    struct error ignored;
    struct catalogue *catalogue = NULL;
    struct catalogue_counts counts = {0};
    const struct catalogue_options options = {.paths = &path, .path_count = 1, .apart = true};
    if (catalogue_load(&options, &catalogue, &ignored)) {
        catalogue_counts(catalogue, &counts);
        catalogue_free(catalogue);
    }
    return counts.files > counts.files_in_error;
}

/* The main configuration by mistake: told once, not as an error for each of its keys. */
static bool is_configuration(const char *path, struct diagnostics *d)
{
    CLEANUP(diagnostics_clear) struct diagnostics ignored = {0};
    struct stat status;
    struct settings *settings = NULL;
    if (stat(path, &status) != 0 || !S_ISREG(status.st_mode) || parses(path) ||
        !settings_load(path, &settings, &ignored)) {
        return false;
    }
    settings_free(settings);
    diagnostics_add(d, SEVERITY_ERROR, path, 0, 0,
                    "this looks like the main configuration, not like a policy file; run "
                    "\"mtasts-host -c %s lint\"",
                    path);
    return true;
}

bool lint_path_is_policy(const char *path, struct diagnostics *d)
{
    return is_there(path, d) && !is_configuration(path, d);
}
