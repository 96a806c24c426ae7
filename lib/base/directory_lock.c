#include "directory_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"

enum { TRY_EVERY_MS = 20 };

static bool wait_for(int fd, const char *directory, struct error *e)
{
    int64_t deadline_ms = clock_monotonic_ms() + DIRECTORY_LOCK_WAIT_MS;
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            return error_system(e, "cannot lock %s", directory);
        }
        if (clock_monotonic_ms() >= deadline_ms) {
            return error_set(e, ERROR_CONFLICT,
                             "another process holds the lock of %s for more than %d s; run again "
                             "when it has ended",
                             directory, DIRECTORY_LOCK_WAIT_MS / 1000);
        }
        nanosleep(&(struct timespec){.tv_nsec = TRY_EVERY_MS * 1000000L}, NULL);
    }
    return true;
}

bool directory_lock(const char *directory, int *ret_fd, struct error *e)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return error_system(e, "cannot open %s", directory);
    }
    if (!wait_for(fd, directory, e)) {
        file_close(&fd);
        return false;
    }
    *ret_fd = fd;
    return true;
}
