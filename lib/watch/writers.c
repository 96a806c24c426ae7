#include "writers.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "lib/base/file.h"

enum { WHOLE = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO };

/* What PATH leads to, as long as that is told of. */
static void note_inode(struct open_file *file)
{
    struct stat status;
    if (file->inode == 0 && stat(file->path, &status) == 0) {
        file->device = status.st_dev;
        file->inode = status.st_ino;
    }
}

static bool is_other(const struct open_file *file)
{
    struct stat status;
    return stat(file->path, &status) != 0 ||
           (file->inode != 0 && (status.st_dev != file->device || status.st_ino != file->inode));
}

/* Whoever made it has it open and is about to write. */
static bool is_empty_file(const char *path, bool follows)
{
    struct stat status;
    int flags = follows ? 0 : AT_SYMLINK_NOFOLLOW;
    return fstatat(AT_FDCWD, path, &status, flags) == 0 && S_ISREG(status.st_mode) &&
           status.st_size == 0;
}

static enum writers_said note_write(struct writers *writers, const char *path, int64_t now_ms)
{
    struct open_file *file = open_files_write(&writers->files, path, now_ms);
    if (file == NULL) {
        return WRITERS_LOST;
    }
    note_inode(file);
    return WRITERS_WRITE;
}

/* A file that is renamed while it is written to is no more whole under its new name. */
static void note_move(struct writers *writers, const struct inotify_event *event, const char *path)
{
    const struct open_file *file = open_files_find(&writers->files, path);
    if (file != NULL && !file->found) {
        writers->moved = event->cookie;
        writers->moved_ms = file->last_ms;
    }
}

/* Its watches tell of its old name until all is walked anew, so of who writes in it nobody can tell
 * by then. */
static void note_directory_move(struct writers *writers, const struct inotify_event *event,
                                const char *path, int64_t now_ms)
{
    for (size_t i = 0; i < writers->files.count && (event->mask & IN_MOVED_FROM) != 0; i++) {
        if (file_path_is_below(writers->files.items[i].path, path)) {
            writers->moved = event->cookie;
            return;
        }
    }
    if ((event->mask & IN_MOVED_TO) != 0 && event->cookie == writers->moved) {
        writers_note_directory(writers, path, now_ms);
    }
}

enum writers_said writers_take(struct writers *writers, const struct inotify_event *event,
                               const char *path, bool follows, int64_t now_ms)
{
    if ((event->mask & IN_ISDIR) != 0) {
        note_directory_move(writers, event, path, now_ms);
        return WRITERS_DONE;
    }
    if ((event->mask & IN_MOVED_FROM) != 0) {
        note_move(writers, event, path);
    }
    if ((event->mask & WHOLE) != 0) {
        open_files_close(&writers->files, path);
    }
    if ((event->mask & IN_MOVED_TO) != 0 && event->cookie == writers->moved) {
        return note_write(writers, path, writers->moved_ms);
    }
    bool written = (event->mask & IN_MODIFY) != 0 ||
                   ((event->mask & IN_CREATE) != 0 && is_empty_file(path, follows));
    return written ? note_write(writers, path, now_ms) : WRITERS_DONE;
}

struct finding {
    struct writers *writers;
    int64_t now_ms;
};

static void note_found(const char *path, const struct error *e, void *context)
{
    const struct finding *finding = context;
    if (e == NULL) {
        open_files_note_found(&finding->writers->files, path, finding->now_ms);
    }
}

void writers_note_directory(struct writers *writers, const char *path, int64_t now_ms)
{
    struct finding finding = {writers, now_ms};
    struct error ignored; /* gone again */
    (void)!watch_list(path, note_found, &finding, &ignored);
}

void writers_forget_others(struct writers *writers)
{
    open_files_forget(&writers->files, is_other);
}

bool writers_is_open(struct writers *writers, const char *path, int64_t now_ms, int64_t wait_ms)
{
    const struct open_file *file = open_files_find(&writers->files, path);
    if (file != NULL && is_other(file)) {
        open_files_close(&writers->files, path);
        return false;
    }
    return open_files_writing(&writers->files, path, now_ms, wait_ms) == WATCH_OPEN;
}
