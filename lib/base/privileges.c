#include "privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/directory.h"
#include "lib/base/file.h"

enum { STATE_MODE = 0700, PASSWD_OCTETS = 16 * 1024 };

bool privileges_find(const char *user, struct privileges *ret_privileges, struct error *e)
{
    struct privileges found = {.user = user, .uid = (uid_t)-1, .gid = (gid_t)-1};
    if (user != NULL) {
        char texts[PASSWD_OCTETS];
        struct passwd room;
        struct passwd *entry = NULL;
        errno = getpwnam_r(user, &room, texts, sizeof(texts), &entry);
        if (entry == NULL && errno != 0 && errno != ENOENT) {
            return error_system(e, "cannot look up the user %s", user);
        }
        if (entry == NULL) {
            return error_set(e, ERROR_NOT_FOUND,
                             "there is no user %s; make it (adduser --system --group %s) or change "
                             "user: in the configuration",
                             user, user);
        }
        if (geteuid() != 0 && geteuid() != entry->pw_uid) {
            return error_set(e, ERROR_CONFLICT,
                             "only root can become the user %s; start as root or as that user, or "
                             "remove user: from the configuration",
                             user);
        }
        found.uid = entry->pw_uid;
        found.gid = entry->pw_gid;
    }
    *ret_privileges = found;
    return true;
}

void privileges_name(char *ret_name)
{
    char texts[PASSWD_OCTETS];
    struct passwd room;
    struct passwd *entry = NULL;
    if (getpwuid_r(geteuid(), &room, texts, sizeof(texts), &entry) == 0 && entry != NULL) {
        (void)snprintf(ret_name, PRIVILEGES_NAME_MAX, "%s", entry->pw_name);
    } else {
        (void)snprintf(ret_name, PRIVILEGES_NAME_MAX, "%u", (unsigned)geteuid());
    }
}

bool privileges_prepare_state(const char *path, const struct privileges *privileges,
                              struct error *e)
{
    bool is_new = false;
    CLEANUP_CLOSE int found = -1;
    if (!directory_make(path, STATE_MODE, &found, &is_new, e)) {
        return error_prefix(e, "state: ");
    }
    /* What was found, not what stands at the path by now. */
    CLEANUP_CLOSE int fd = openat(found, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return error_system(e, "cannot open the state directory %s", path);
    }
    bool changes_owner = privileges->uid != (uid_t)-1 && geteuid() == 0;
    if (is_new) {
        /* Made a moment ago, by us; or else put there by whoever may write above it. */
        struct stat made;
        bool done = fstat(fd, &made) == 0 && made.st_uid == geteuid() &&
                    fchmod(fd, STATE_MODE) == 0 &&
                    (!changes_owner || fchown(fd, privileges->uid, privileges->gid) == 0);
        return done || error_system(e, "cannot set up the state directory %s", path);
    }
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return error_system(e, "cannot look at the state directory %s", path);
    }
    if (privileges->user != NULL && status.st_uid != privileges->uid) {
        return error_set(e, ERROR_CONFLICT,
                         "the state directory %s does not belong to %s; run: chown -R %s: %s", path,
                         privileges->user, privileges->user, path);
    }
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        /* A volume of a container is as its engine mounts it, and is nobody's to change. */
        return error_set(e, ERROR_CONFLICT,
                         "the state directory %s may be written by others; run: chmod 0700 %s; or, "
                         "where that is a volume, have one of our own made in it: \"state: "
                         "%s/mtasts-host\"",
                         path, path, path);
    }
    return true;
}

/* By system calls, as nginx and HAProxy do it: libcap would be one more library for two of them.
 * Other capabilities that the unit may give, to read a key for instance, stay; a program that the
 * DNS hook runs must not inherit this one. */
static bool give_up_low_ports(struct error *e)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
    const uint32_t others = ~(uint32_t)CAP_TO_MASK(CAP_NET_BIND_SERVICE);
    if (syscall(SYS_capget, &header, sets) != 0) {
        return error_system(e, "cannot read the capabilities");
    }
    struct __user_cap_data_struct *set = &sets[CAP_TO_INDEX(CAP_NET_BIND_SERVICE)];
    if (((set->effective | set->permitted | set->inheritable) & ~others) == 0) {
        return true; /* nor does a sandbox have to allow it */
    }
    set->effective &= others;
    set->permitted &= others;
    set->inheritable &= others; /* with it goes the ambient one (capabilities(7)) */
    return syscall(SYS_capset, &header, sets) == 0 ||
           error_system(e, "cannot give up CAP_NET_BIND_SERVICE");
}

bool privileges_drop(const struct privileges *privileges, struct error *e)
{
    if (privileges->user != NULL && geteuid() == 0 && privileges->uid != 0) {
        if (initgroups(privileges->user, privileges->gid) != 0 ||
            setresgid(privileges->gid, privileges->gid, privileges->gid) != 0 ||
            setresuid(privileges->uid, privileges->uid, privileges->uid) != 0) {
            return error_system(e, "cannot become the user %s", privileges->user);
        }
        if (setuid(0) == 0) {
            return error_set(e, ERROR_CONFLICT, "still root after becoming %s", privileges->user);
        }
    }
    if (!give_up_low_ports(e)) {
        return false;
    }
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ||
           error_system(e, "cannot give up new privileges");
}
