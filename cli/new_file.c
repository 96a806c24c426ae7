#include "new_file.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"

enum { NEW_FILE_MODE = 0644 };

bool new_file_write(const char *path, struct bytes text, struct error *e)
{
    if (path == NULL || strcmp(path, "-") == 0) {
        fwrite(text.p, 1, text.n, stdout);
        return true;
    }
    /* Written beside under a name of its own, then linked: link(2) does not replace, and nobody
     * sees half of it. */
    CLEANUP_FREE char *temporary = memory_printf("%s.%ld.new", path, (long)getpid());
    if (!file_replace(temporary, text, NEW_FILE_MODE, e)) {
        return false;
    }
    int failed = link(temporary, path);
    int why = errno;
    (void)unlink(temporary);
    if (failed == 0) {
        return true;
    }
    errno = why;
    return why == EEXIST
               ? error_set(e, ERROR_CONFLICT,
                           "%s exists already; it was left alone, name another file", path)
               : error_system(e, "cannot make %s", path);
}
