#include "policy_file_path.h"

#include <errno.h>
#include <string.h>

#include "lib/base/bytes.h"

bool policy_file_path_counts(const char *path)
{
    struct bytes name = bytes_of(path);
    return bytes_ends_with(name, BYTES(".yaml")) || bytes_ends_with(name, BYTES(".yml"));
}

const char *policy_file_path_reason(const struct error *e)
{
    const char *reason = strerrordesc_np(e->system_errno);
    return reason != NULL && e->code == ERROR_SYSTEM ? reason : e->text;
}

void policy_file_path_tell_unreadable(struct diagnostics *problems, const char *path,
                                      const struct error *e)
{
    bool forbidden = e->system_errno == EACCES || e->system_errno == EPERM;
    if (e->code == ERROR_SYSTEM) {
        diagnostics_add(problems, SEVERITY_ERROR, path, 0, 0, "cannot be read: %s; %s",
                        policy_file_path_reason(e),
                        forbidden ? "let the user that mtasts-host runs as read it"
                                  : "mend or remove it");
    } else {
        diagnostics_add_error(problems, path, e);
    }
}
