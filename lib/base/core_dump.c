#include "core_dump.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/base/file.h"

/* Bits of core(5). */
static const char ELF_HEADERS[] = "0x10"; /* which program and libraries these are */
static const char KERNELS_DEFAULT[] = "0x33";

static bool set_filter(const char *bits)
{
    CLEANUP_CLOSE int fd = open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC);
    return fd >= 0 && write(fd, bits, strlen(bits)) == (ssize_t)strlen(bits);
}

/* The hard limit stays, so that it can be taken back. */
static bool limit_size(bool forbidden)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_CORE, &limit) != 0) {
        return false;
    }
    limit.rlim_cur = forbidden ? 0 : limit.rlim_max;
    return setrlimit(RLIMIT_CORE, &limit) == 0;
}

static bool set_dumpable(bool dumpable)
{
    return prctl(PR_SET_DUMPABLE, dumpable ? 1UL : 0UL, 0UL, 0UL, 0UL) == 0;
}

bool core_dump_forbid(void)
{
    /* What is not dumpable has its files in /proc belong to root: by whoever it is, the filter is
     * written while it is dumpable. It stays over a change of the user. */
    bool filtered = set_filter(ELF_HEADERS) || prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 1;
    bool limited = limit_size(true);
    return set_dumpable(false) && filtered && limited;
}

void core_dump_allow(void)
{
    (void)set_dumpable(true);
    (void)set_filter(KERNELS_DEFAULT);
    (void)limit_size(false);
}
