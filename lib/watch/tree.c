#include "tree.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/watch/listing.h"

/* From statfs(2) and linux/magic.h. inotify on these is silent about what other machines do. */
static const unsigned filesystems_without_events[] = {
    0x6969,     /* NFS */
    0x517B,     /* SMB */
    0xFE534D42, /* SMB2 */
    0xFF534D42, /* CIFS */
    0x01021997, /* 9P */
    0x00C36400, /* Ceph */
    0x5346414F, /* AFS */
    0x65735546, /* FUSE, virtiofs */
    0x7461636F, /* OCFS2 */
    0x01161970, /* GFS2 */
    0x0BD00BD0, /* Lustre */
    0x786F4256, /* VirtualBox's shared folders */
};

enum route_end { ROUTE_FILE, ROUTE_DIRECTORY, ROUTE_BROKEN };

/* The way from a directory along components and links to what a path means. */
struct route {
    struct watch_tree *tree;
    struct descriptors *descriptors;
    const char *report; /* what to report when the end of the way changes */
    bool skip_first;    /* the first name lies in a listed directory, which tells of it */
    unsigned links;
    char *at;   /* a directory; no link in it */
    char *rest; /* components still to go */
};

static void route_clear(struct route *route)
{
    free(route->at);
    free(route->rest);
}

static void set_text(char **place, char *text)
{
    free(*place);
    *place = text;
}

/* -1 where it cannot be watched: a directory that we may not read tells nothing. */
static int watch_directory(struct watch_tree *tree, struct descriptors *descriptors,
                           const char *path, bool contents)
{
    struct error e;
    int number = -1;
    if (!descriptors_watch(descriptors, path, contents, &number, &e) && e.code == ERROR_LIMIT) {
        tree->limited = true;
    }
    return number;
}

/* Takes the next component off the way; NULL at its end. The caller frees it. */
static char *route_next(struct route *route)
{
    const char *start = route->rest + strspn(route->rest, "/");
    size_t n = strcspn(start, "/");
    if (n == 0) {
        return NULL;
    }
    char *component = memory_string_of((struct bytes){start, n});
    set_text(&route->rest, memory_string(start + n));
    return component;
}

static bool route_follow_link(struct route *route, const char *path)
{
    char target[PATH_MAX];
    ssize_t n = readlink(path, target, sizeof(target) - 1);
    if (n <= 0 || ++route->links > TREE_LINKS_MAX) {
        return false;
    }
    target[n] = '\0';
    if (target[0] == '/') {
        set_text(&route->at, memory_string("/"));
    }
    set_text(&route->rest, memory_printf("%s/%s", target, route->rest));
    return strlen(route->rest) < PATH_MAX;
}

/* One component further. False: the way ends here, as *RET_END says. */
static bool route_step(struct route *route, const char *name, enum route_end *ret_end)
{
    struct stat status;
    if (strcmp(name, ".") == 0) {
        return true;
    }
    if (strcmp(name, "..") == 0) {
        /* `at` has no links in it, but may be relative. */
        set_text(&route->at, route->at[0] == '/' ? file_path_directory(route->at)
                                                 : file_path_join(route->at, ".."));
        return true;
    }
    bool last = route->rest[strspn(route->rest, "/")] == '\0';
    bool told_anyway = route->skip_first;
    int number =
        told_anyway ? -1 : watch_directory(route->tree, route->descriptors, route->at, last);
    CLEANUP_FREE char *path = file_path_join(route->at, name);
    bool exists = lstat(path, &status) == 0;
    bool is_end = !exists || (!S_ISLNK(status.st_mode) && !S_ISDIR(status.st_mode));
    if (number >= 0) {
        descriptors_add_name(route->descriptors, number, name, route->tree,
                             is_end ? route->report : NULL);
    }
    route->skip_first = false;
    if (is_end) {
        *ret_end = exists && last ? ROUTE_FILE : ROUTE_BROKEN;
        return false;
    }
    if (S_ISLNK(status.st_mode)) {
        *ret_end = ROUTE_BROKEN;
        return route_follow_link(route, path);
    }
    set_text(&route->at, TAKE(path));
    return true;
}

static enum route_end route_walk(struct route *route)
{
    enum route_end end = ROUTE_DIRECTORY;
    for (;;) {
        CLEANUP_FREE char *name = route_next(route);
        if (name == NULL) {
            return ROUTE_DIRECTORY;
        }
        if (!route_step(route, name, &end)) {
            return end;
        }
    }
}

struct walk {
    struct watch_tree *tree;
    struct descriptors *descriptors;
    bool all;
    /* Links come by the directory: where the last one lay, by name and without links. */
    char *directory;
    char *real_directory;
};

static void walk_clear(struct walk *walk)
{
    free(walk->directory);
    free(walk->real_directory);
}

static const char *real_directory_of(struct walk *walk, const char *directory)
{
    if (walk->directory == NULL || strcmp(walk->directory, directory) != 0) {
        set_text(&walk->directory, memory_string(directory));
        set_text(&walk->real_directory, realpath(directory, NULL));
    }
    return walk->real_directory;
}

/* PATH is a symbolic link in a listed directory. */
static void follow_link(struct walk *walk, const char *path)
{
    struct watch_tree *tree = walk->tree;
    struct descriptors *descriptors = walk->descriptors;
    CLEANUP_FREE char *directory = file_path_directory(path);
    const char *real_directory = real_directory_of(walk, directory);
    if (real_directory == NULL) {
        return; /* gone meanwhile */
    }
    CLEANUP(route_clear)
    struct route route = {
        .tree = tree,
        .descriptors = descriptors,
        .report = path,
        .skip_first = true,
        .at = memory_string(real_directory),
        .rest = memory_string(file_path_name(path)),
    };
    if (route_walk(&route) != ROUTE_DIRECTORY) {
        return;
    }
    /* When a link to a directory goes or is replaced, all below it does. */
    int number = watch_directory(tree, descriptors, directory, true);
    if (number >= 0) {
        descriptors_add_name(descriptors, number, file_path_name(path), tree, NULL);
    }
}

static void note_filesystem(struct watch_tree *tree, const char *path)
{
    struct statfs status;
    if (statfs(path, &status) != 0) {
        return;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(filesystems_without_events); i++) {
        if ((unsigned)status.f_type == filesystems_without_events[i]) {
            tree->without_events = true;
        }
    }
}

static bool visit_directory(const char *path, void *context)
{
    const struct walk *walk = context;
    note_filesystem(walk->tree, path);
    int number = watch_directory(walk->tree, walk->descriptors, path, true);
    if (number < 0 || descriptors_add_listed(walk->descriptors, number, walk->tree, path)) {
        return true;
    }
    /* There are two ways to this directory, and a listing takes the first. In a walk of everything
     * that is the one we came by before; else only such a walk can tell. */
    if (!walk->all) {
        walk->tree->dirty = true;
    }
    return false;
}

static void visit_link(const char *path, void *context)
{
    follow_link(context, path);
}

static void walk_below(struct walk *walk, const char *path)
{
    const struct listing_visitor visitor = {
        .directory = visit_directory,
        .link = visit_link,
        .context = walk,
    };
    struct error ignored; /* who lists the tree is told the same */
    (void)!listing_walk(path, &visitor, &ignored);
}

void tree_walk_all(struct watch_tree *tree, struct descriptors *descriptors)
{
    CLEANUP(walk_clear) struct walk walk = {.tree = tree, .descriptors = descriptors, .all = true};
    CLEANUP(route_clear)
    struct route route = {
        .tree = tree,
        .descriptors = descriptors,
        .report = tree->path,
        .at = memory_string(tree->path[0] == '/' ? "/" : "."),
        .rest = memory_string(tree->path),
    };
    tree->walk++;
    tree->dirty = false;
    tree->limited = false;
    tree->without_events = false;
    if (route_walk(&route) == ROUTE_DIRECTORY) {
        walk_below(&walk, tree->path);
    }
    descriptors_sweep(descriptors, tree);
}

void tree_walk_entry(struct watch_tree *tree, struct descriptors *descriptors, const char *path)
{
    CLEANUP(walk_clear) struct walk walk = {.tree = tree, .descriptors = descriptors};
    struct stat status;
    if (strcmp(path, tree->path) == 0) {
        tree->dirty = true;
        return;
    }
    if (lstat(path, &status) != 0) {
        return;
    }
    if (S_ISLNK(status.st_mode)) {
        follow_link(&walk, path);
    }
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
        walk_below(&walk, path);
    }
}

enum tree_lead tree_find_lead(struct descriptors *descriptors, const char *path, int number,
                              const char *name)
{
    CLEANUP_FREE char *real = realpath(path, NULL);
    if (real == NULL) {
        return TREE_NOWHERE;
    }
    CLEANUP_FREE char *directory = file_path_directory(real);
    struct error ignored;
    int its_number = -1;
    bool named = strcmp(file_path_name(real), name) == 0;
    bool other =
        !named || (descriptors_watch(descriptors, directory, true, &its_number, &ignored) &&
                   its_number != number);
    return other ? TREE_ELSEWHERE : TREE_THERE;
}
