#include "last_good.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <openssl/sha.h>

#include "base/buffer.h"
#include "base/fault.h"
#include "base/file.h"
#include "policies/policy_file.h"

enum {
    NAME_LENGTH = 2 * SHA256_DIGEST_LENGTH,
    PATH_TEXT_MAX = 3 * 4096, /* PATH_MAX, every octet encoded */
    COPY_MAX = LAST_GOOD_TEXT_MAX + PATH_TEXT_MAX + 64,
    SYNC_EACH_MAX = 8, /* more files than this are synced by one syncfs */
};

static const char new_suffix[] = ".new";
static const char held_line[] = "# held\n";

struct pending {
    char name[NAME_LENGTH + 1];
};

struct last_good {
    char *path;
    int fd;
    struct pending *pending; /* written as NAME.new, not renamed yet */
    size_t count;
    size_t capacity;
};

static void name_of(const char *source, char name[NAME_LENGTH + 1])
{
    static const char hex[] = "0123456789abcdef";
    unsigned char digest[SHA256_DIGEST_LENGTH];
    if (SHA256((const unsigned char *)source, strlen(source), digest) == NULL) {
        abort(); /* out of memory, or an OpenSSL without its default provider */
    }
    for (size_t i = 0; i < sizeof(digest); i++) {
        name[2 * i] = hex[digest[i] >> 4];
        name[2 * i + 1] = hex[digest[i] & 15];
    }
    name[NAME_LENGTH] = '\0';
}

static void new_name_of(const char *name, char new_name[NAME_LENGTH + sizeof(new_suffix)])
{
    memcpy(new_name, name, NAME_LENGTH);
    memcpy(new_name + NAME_LENGTH, new_suffix, sizeof(new_suffix));
}

bool last_good_open(const char *directory, struct last_good **ret_copies, struct error *e)
{
    if (!file_make_directories(directory, 0700, e)) {
        return false;
    }
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return error_system(e, "cannot open %s", directory);
    }
    struct last_good *copies = memory_zero(1, sizeof(*copies));
    copies->path = memory_string(directory);
    copies->fd = fd;
    *ret_copies = copies;
    return true;
}

void last_good_close(struct last_good *copies)
{
    if (copies == NULL) {
        return;
    }
    file_close(&copies->fd);
    free(copies->pending);
    free(copies->path);
    free(copies);
}

static void print_source(const char *source, struct buffer *out)
{
    buffer_add(out, BYTES("# "));
    for (const char *p = source; *p != '\0'; p++) {
        unsigned char c = (unsigned char)*p;
        if (c > ' ' && c < 0x7f && c != '%') {
            buffer_add(out, (struct bytes){p, 1});
        } else {
            buffer_printf(out, "%%%02X", c);
        }
    }
    buffer_add(out, BYTES("\n"));
}

static int hex_value(char c)
{
    static const char digits[] = "0123456789ABCDEF";
    const char *found = c != '\0' ? strchr(digits, c) : NULL;
    return found != NULL ? (int)(found - digits) : -1;
}

/* The octet that "%XX" at TEXT's beginning stands for; 0 where it is nothing that was printed. */
static char parse_octet(struct bytes text)
{
    int high = text.n > 2 ? hex_value(text.p[1]) : -1;
    int low = high >= 0 ? hex_value(text.p[2]) : -1;
    return low >= 0 ? (char)(high * 16 + low) : '\0';
}

/* Undoes print_source; NULL where TEXT is nothing that it printed. The caller frees it. */
static char *parse_source(struct bytes text)
{
    CLEANUP_FREE char *source = memory_alloc(text.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '%') {
            c = parse_octet(bytes_skip(text, i));
            i += 2;
        }
        if (c == '\0') {
            return NULL;
        }
        source[n++] = c;
    }
    source[n] = '\0';
    return n != 0 ? TAKE(source) : NULL;
}

static bool write_all(int fd, struct bytes text)
{
    while (text.n != 0) {
        ssize_t n = write(fd, text.p, text.n);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return false;
        }
        text = bytes_skip(text, (size_t)n);
        fault_point("last_good.write");
    }
    return true;
}

bool last_good_put(struct last_good *copies, const char *source, bool held, struct bytes yaml,
                   struct error *e)
{
    char name[NAME_LENGTH + 1];
    char new_name[NAME_LENGTH + sizeof(new_suffix)];
    name_of(source, name);
    new_name_of(name, new_name);
    CLEANUP(buffer_clear) struct buffer head = BUFFER(PATH_TEXT_MAX);
    print_source(source, &head);
    if (held) {
        buffer_add_string(&head, held_line);
    }
    if (head.overflow) {
        return error_set(e, ERROR_LIMIT, "path of %zu octets is too long", strlen(source));
    }
    CLEANUP_CLOSE int fd =
        openat(copies->fd, new_name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || !write_all(fd, buffer_bytes(&head)) || !write_all(fd, yaml)) {
        return error_system(e, "write %s/%s", copies->path, new_name);
    }
    ARRAY_GROW(copies->pending, copies->count, copies->capacity);
    memcpy(copies->pending[copies->count++].name, name, sizeof(name));
    return true;
}

static bool sync_one(struct last_good *copies, const char *new_name)
{
    CLEANUP_CLOSE int fd = openat(copies->fd, new_name, O_RDONLY | O_CLOEXEC);
    return fd >= 0 && fsync(fd) == 0;
}

static bool sync_pending(struct last_good *copies)
{
    if (copies->count > SYNC_EACH_MAX) {
        return syncfs(copies->fd) == 0;
    }
    for (size_t i = 0; i < copies->count; i++) {
        char new_name[NAME_LENGTH + sizeof(new_suffix)];
        new_name_of(copies->pending[i].name, new_name);
        if (!sync_one(copies, new_name)) {
            return false;
        }
    }
    return true;
}

bool last_good_commit(struct last_good *copies, struct error *e)
{
    if (copies->count == 0) {
        return true;
    }
    bool ok = sync_pending(copies) || error_system(e, "sync %s", copies->path);
    fault_point("last_good.rename");
    for (size_t i = 0; ok && i < copies->count; i++) {
        char new_name[NAME_LENGTH + sizeof(new_suffix)];
        new_name_of(copies->pending[i].name, new_name);
        /* The same source may have been put twice. */
        ok = renameat(copies->fd, new_name, copies->fd, copies->pending[i].name) == 0 ||
             errno == ENOENT || error_system(e, "rename %s/%s", copies->path, new_name);
    }
    copies->count = 0;
    /* Some filesystems cannot (EINVAL); then rename itself is all there is. */
    return ok &&
           (fsync(copies->fd) == 0 || errno == EINVAL || error_system(e, "sync %s", copies->path));
}

bool last_good_remove(struct last_good *copies, const char *source, struct error *e)
{
    char name[NAME_LENGTH + 1];
    name_of(source, name);
    return unlinkat(copies->fd, name, 0) == 0 || errno == ENOENT ||
           error_system(e, "remove %s/%s", copies->path, name);
}

/* Takes the first line off TEXT, without its end. */
static struct bytes take_line(struct bytes *text)
{
    const char *end = memchr(text->p, '\n', text->n);
    struct bytes line = {text->p, end != NULL ? (size_t)(end - text->p) : text->n};
    *text = bytes_skip(*text, line.n + 1);
    return line;
}

struct each {
    void (*visit)(const struct last_good_copy *copy, const struct error *e, void *context);
    void *context;
};

static void visit_copy(const char *path, const char *name, const struct each *each)
{
    struct error e;
    CLEANUP(buffer_clear) struct buffer text = BUFFER(COPY_MAX);
    struct last_good_copy copy = {.source = path};
    if (!file_read(path, &text, NULL, &e)) {
        each->visit(&copy, &e, each->context);
        return;
    }
    char proper[NAME_LENGTH + 1] = "";
    struct bytes rest = buffer_bytes(&text);
    struct bytes line = take_line(&rest);
    CLEANUP_FREE char *source =
        bytes_starts_with(line, BYTES("# ")) ? parse_source(bytes_skip(line, 2)) : NULL;
    if (source != NULL) {
        name_of(source, proper);
    }
    if (strcmp(proper, name) != 0) {
        error_format(&e, ERROR_SYNTAX, "is no copy of a policy file; remove it");
        each->visit(&copy, &e, each->context);
        return;
    }
    copy.source = source;
    copy.held = bytes_starts_with(rest, bytes_of(held_line));
    copy.yaml = bytes_skip(rest, copy.held ? sizeof(held_line) - 1 : 0);
    each->visit(&copy, NULL, each->context);
}

bool last_good_each(struct last_good *copies,
                    void (*visit)(const struct last_good_copy *copy, const struct error *e,
                                  void *context),
                    void *context, struct error *e)
{
    struct each each = {visit, context};
    struct dirent **names = NULL;
    int count = scandir(copies->path, &names, NULL, alphasort);
    if (count < 0) {
        return error_system(e, "cannot list %s", copies->path);
    }
    for (int i = 0; i < count; i++) {
        CLEANUP_FREE char *name =
            names[i]->d_name[0] != '.' ? memory_string(names[i]->d_name) : NULL;
        free(names[i]);
        if (name == NULL) {
            continue;
        }
        CLEANUP_FREE char *path = file_path_join(copies->path, name);
        if (strlen(name) == NAME_LENGTH) {
            visit_copy(path, name, &each);
        } else if (strlen(name) == NAME_LENGTH + sizeof(new_suffix) - 1) {
            (void)unlink(path); /* a crash came before its commit */
        }
    }
    free(names);
    return true;
}
