/* Handing a descriptor over that CLEANUP_CLOSE guards. */
#ifndef LIB_BASE_DESCRIPTOR_H
#define LIB_BASE_DESCRIPTOR_H

/* Evaluates to *FD and leaves -1 behind for the cleanup. */
static inline int descriptor_take(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}

#endif
