/* What root does in a directory where somebody else may write, while that user puts links to a file
 * of root's, as fast as he can, wherever root has just made something. The file keeps its owner and
 * mode. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/privileges.h"
#include "lib/base/unix_socket.h"
#include "temporary.h"

enum { TRIES = 1000, SERVICE = 65534, ATTACKER = 65533 };

/* The attacker's, who may rename what lies in it; root's precious file and directory beside it. */
struct scene {
    char *directory;
    char *target; /* where root makes something */
    char *shadow;
    pid_t attacker;
};

/* What has appeared is replaced by a link, at once. */
static void attack(const struct scene *scene)
{
    CLEANUP_FREE char *link = temporary_path(scene->directory, "link");
    for (;;) {
        if (access(scene->target, F_OK) == 0 && symlink(scene->shadow, link) == 0) {
            if (rename(link, scene->target) != 0) { /* a directory: it goes aside */
                CLEANUP_FREE char *aside = temporary_path(scene->directory, "aside");
                (void)rmdir(aside);
                (void)rename(scene->target, aside);
                (void)rename(link, scene->target);
            }
            (void)unlink(link);
        }
    }
}

static void begin(struct scene *scene, const char *name, bool shadow_is_directory)
{
    scene->directory = temporary_make();
    scene->target = temporary_path(scene->directory, name);
    scene->shadow = memory_printf("%s.shadow", scene->directory);
    assert_int_equal(chown(scene->directory, ATTACKER, ATTACKER), 0);
    if (shadow_is_directory) {
        assert_int_equal(mkdir(scene->shadow, 0755), 0);
    } else {
        close(open(scene->shadow, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    }
    scene->attacker = fork();
    assert_true(scene->attacker >= 0);
    if (scene->attacker == 0) {
        if (setresgid(ATTACKER, ATTACKER, ATTACKER) == 0 &&
            setresuid(ATTACKER, ATTACKER, ATTACKER) == 0) {
            (void)alarm(600);
            attack(scene);
        }
        _exit(1);
    }
}

static void expect_untouched(const struct scene *scene, mode_t mode, int try)
{
    struct stat status;
    assert_int_equal(stat(scene->shadow, &status), 0);
    if (status.st_uid != 0 || (status.st_mode & 07777) != mode) {
        kill(scene->attacker, SIGKILL);
        fail_msg("try %d: now of uid %u, mode %o", try, status.st_uid, status.st_mode & 07777);
    }
}

static void end(struct scene *scene)
{
    kill(scene->attacker, SIGKILL);
    waitpid(scene->attacker, NULL, 0);
    (void)remove(scene->shadow);
    CLEANUP_FREE char *line = memory_printf("rm -rf %s", scene->directory);
    assert_int_equal(system(line), 0); // NOLINT(cert-env33-c)
    free(scene->directory);
    free(scene->target);
    free(scene->shadow);
}

static void a_socket_is_given_away_and_nothing_else_is(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        skip();
    }
    struct scene scene;
    const struct unix_socket_owner owner = {SERVICE, SERVICE, 0};
    int noticed = 0;
    begin(&scene, "plain.sock", false);
    for (int i = 0; i < TRIES || noticed == 0; i++) { /* a busy machine: until it had a turn */
        struct error e;
        struct file_identity file;
        CLEANUP_CLOSE int fd = -1;
        noticed += !unix_socket_listen(scene.target, &owner, &fd, &file, &e);
        expect_untouched(&scene, 0600, i);
        (void)unlink(scene.target);
    }
    end(&scene);
}

static void a_state_directory_is_given_away_and_nothing_else_is(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        skip();
    }
    struct scene scene;
    const struct privileges privileges = {.user = "service", .uid = SERVICE, .gid = SERVICE};
    int noticed = 0;
    begin(&scene, "state", true);
    for (int i = 0; i < TRIES || noticed == 0; i++) {
        struct error e;
        noticed += !privileges_prepare_state(scene.target, &privileges, &e);
        expect_untouched(&scene, 0755, i);
        (void)rmdir(scene.target);
        (void)unlink(scene.target);
    }
    end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_socket_is_given_away_and_nothing_else_is),
        cmocka_unit_test(a_state_directory_is_given_away_and_nothing_else_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
