#include "secret_memory.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* AddressSanitizer knows malloc's pieces; of these it is told, so that a use after the end, or
 * behind it, is found as well. */
#ifdef __SANITIZE_ADDRESS__ /* gcc */
#define TELLS_SANITIZER 1
#elif defined(__has_feature)
#define TELLS_SANITIZER __has_feature(address_sanitizer) /* clang */
#else
#define TELLS_SANITIZER 0
#endif
#if TELLS_SANITIZER
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n)   ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

enum {
    STEP = 16,
    PIECE_MAX = 8192, /* an RSA key of 8192 bits fits; what is larger is mapped by itself */
    CLASSES = PIECE_MAX / STEP,
    AREA = 256 * 1024,
};

/* A piece that was given back. */
struct spare {
    struct spare *next;
};

_Static_assert(sizeof(struct spare) <= STEP, "a spare piece keeps the way to the next");

/* The one thing here that is shared and changes; malloc(3)'s own state is such another. */
static struct {
    pthread_mutex_t lock;
    char *free; /* of the newest area, from here to the end */
    size_t left;
    struct spare *spare[CLASSES];
} memory = {.lock = PTHREAD_MUTEX_INITIALIZER};

static size_t rounded(size_t size)
{
    return size == 0 ? STEP : (size + STEP - 1) / STEP * STEP;
}

static void *map(size_t size)
{
    void *area = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED) {
        fputs("mtasts-host: out of memory\n", stderr);
        abort();
    }
    (void)madvise(area, size, MADV_DONTDUMP); /* all kernels since 3.4 can */
    return area;
}

/* Under the lock. What is left of the last area, less than a piece, is lost. */
static void *cut(size_t size)
{
    if (memory.left < size) {
        memory.free = map(AREA);
        memory.left = AREA;
    }
    void *piece = memory.free;
    memory.free += size;
    memory.left -= size;
    return piece;
}

/* SIZE is rounded. */
static void *take(size_t size)
{
    struct spare **spare = &memory.spare[size / STEP - 1];
    pthread_mutex_lock(&memory.lock);
    struct spare *piece = *spare;
    if (piece != NULL) {
        ASAN_UNPOISON_MEMORY_REGION(piece, size);
        *spare = piece->next;
        piece->next = NULL; /* the rest of it is zero since it was given back */
    } else {
        piece = cut(size);
    }
    pthread_mutex_unlock(&memory.lock);
    return piece;
}

void *secret_memory_new(size_t size)
{
    size_t whole = rounded(size);
    char *piece = whole > PIECE_MAX ? map(whole) : take(whole);
    ASAN_POISON_MEMORY_REGION(piece + size, whole - size);
    return piece;
}

void secret_memory_free(void *p, size_t size)
{
    if (p == NULL) {
        return;
    }
    size = rounded(size);
    ASAN_UNPOISON_MEMORY_REGION(p, size);
    explicit_bzero(p, size);
    if (size > PIECE_MAX) {
        (void)munmap(p, size);
        return;
    }
    struct spare *piece = p;
    struct spare **spare = &memory.spare[size / STEP - 1];
    pthread_mutex_lock(&memory.lock);
    piece->next = *spare;
    *spare = piece;
    ASAN_POISON_MEMORY_REGION(piece, size);
    pthread_mutex_unlock(&memory.lock);
}

void *secret_memory_copy(struct bytes secret)
{
    void *copy = secret_memory_new(secret.n);
    if (secret.n != 0) {
        memcpy(copy, secret.p, secret.n);
    }
    return copy;
}
