/* The text of the panel's file for `list`: from the disk, or by the running server where the disk
 * is not ours to read. */
#ifndef CLI_PANEL_READER_H
#define CLI_PANEL_READER_H

#include "config/settings.h"
#include "lib/base/buffer.h"
#include "lib/base/file.h"

struct panel_reader {
    const char *control; /* the server's socket, where it is asked */
    int fd;              /* -1: the server is asked, or there is no file yet */
    bool asks;
    int64_t offset; /* the server's answer goes on from there */
    char *version;  /* of the file that it reads; NULL: not known yet; owned */
};

bool panel_reader_open(struct panel_reader *reader, const struct settings *settings,
                       struct error *e) MUST_USE;
/* For struct panel_source; CONTEXT is the reader. */
bool panel_reader_read(struct buffer *more, bool *ret_end, struct error *e, void *context);
void panel_reader_close(struct panel_reader *reader);

#endif
