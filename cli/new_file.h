/* A file that a command makes: never in the place of another, complete or not there at all. */
#ifndef CLI_NEW_FILE_H
#define CLI_NEW_FILE_H

#include "lib/base/error.h"

/* ERROR_CONFLICT where PATH exists already. PATH "-" or NULL: standard output. */
bool new_file_write(const char *path, struct bytes text, struct error *e) MUST_USE;

#endif
