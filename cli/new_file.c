#include "new_file.h"

#include <stdio.h>

#include "lib/base/file.h"

enum { NEW_FILE_MODE = 0644 };

bool new_file_write(const char *path, struct bytes text, struct error *e)
{
    if (path == NULL || strcmp(path, "-") == 0) {
        fwrite(text.p, 1, text.n, stdout);
        return true;
    }
    return file_write_new(path, text, NEW_FILE_MODE, e);
}
