/* Who is writing: paths that were written to in place and not closed since. Pure over what the
 * kernel told and when; nothing here asks a file system or a clock.
 *
 *     open_files_write(&files, path, now)           IN_MODIFY
 *     open_files_close(&files, path)                IN_CLOSE_WRITE, a rename, a link, its end
 *     while ((path = open_files_next_left(…)))      nobody closes these: read them as they stand
 *
 * A writer may pause for as long as it likes between two writes, up to `wait_ms`: after that its
 * file counts as left open until it is written to again, which begins another wait, or closed.
 *
 * A file that was found in a directory that has just been made is noted too: its writer may have
 * begun, or ended, before anybody listened. Nobody can tell, for `wait_ms` or until an event does.
 *
 * Not more than OPEN_FILES_MAX paths are kept. Where another is written to, or the kernel has
 * dropped events, all are forgotten (open_files_lose), and of no path anybody can tell for
 * `wait_ms`. */
#ifndef LIB_WATCH_OPEN_FILES_H
#define LIB_WATCH_OPEN_FILES_H

#include "lib/watch/watch.h"

enum { OPEN_FILES_MAX = 4096 };

struct open_file {
    char *path;
    uint64_t device; /* of the file, as the caller found it; zero where it did not look */
    uint64_t inode;
    int64_t first_ms; /* written to for the first time since it was closed … */
    int64_t last_ms;  /* … and for the last */
    bool found;       /* in a new directory, and no event since */
    bool handed_out;  /* as left open */
};

/* Zero-initialised all are closed. */
struct open_files {
    struct open_file *items; /* sorted by path */
    size_t count;
    size_t capacity;
    bool lost; /* at least once, and the last time then: */
    int64_t lost_ms;
};

void open_files_clear(struct open_files *files);

/* PATH is written to. Valid until the next call; NULL: there is no room, and all are forgotten. */
struct open_file *open_files_write(struct open_files *files, const char *path, int64_t now_ms);
/* PATH was found in a directory that is new. What is known of it stays. Where there is no room, of
 * no path that is not known anybody can tell. */
void open_files_note_found(struct open_files *files, const char *path, int64_t now_ms);
/* PATH is whole, or no more. */
void open_files_close(struct open_files *files, const char *path);
/* Closes may have been missed. */
void open_files_lose(struct open_files *files, int64_t now_ms);
/* Forgets those that IS_OTHER says are not what is at their path any more. */
void open_files_forget(struct open_files *files, bool (*is_other)(const struct open_file *file));

const struct open_file *open_files_find(const struct open_files *files, const char *path);
enum watch_writing open_files_writing(const struct open_files *files, const char *path,
                                      int64_t now_ms, int64_t wait_ms);
/* Whether somebody writes who began less than WAIT_MS ago. Who writes for longer makes nobody wait
 * for other files. */
bool open_files_are_coming(const struct open_files *files, int64_t now_ms, int64_t wait_ms);

/* When the next is left open; -1: none will be. */
int64_t open_files_due_ms(const struct open_files *files, int64_t wait_ms);
/* A path that is left open and was not handed out as that; NULL: there are no more. Valid until the
 * next call. */
const char *open_files_next_left(struct open_files *files, int64_t now_ms, int64_t wait_ms);

#endif
