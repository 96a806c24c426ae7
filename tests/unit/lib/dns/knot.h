/* A real authoritative server, Knot, on a port of its own: for tests of look-ups. */
#ifndef TESTS_UNIT_LIB_DNS_KNOT_H
#define TESTS_UNIT_LIB_DNS_KNOT_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/memory.h"
#include "lib/dns/lookup.h"

struct knot {
    char directory[64];
    char server[32]; /* ADDRESS:PORT */
    pid_t pid;
};

/* A socket of TYPE bound to a port of the loopback; 0 as *PORT: any. */
static int loopback_socket(int type, uint16_t *port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(*port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&address, length) != 0) {
        file_close(&fd);
    }
    if (fd >= 0) {
        assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
        *port = ntohs(address.sin_port);
    }
    return fd;
}

/* A port that is free for UDP and TCP now. */
static uint16_t free_port(void)
{
    for (int i = 0; i < 100; i++) {
        uint16_t port = 0;
        CLEANUP_CLOSE int udp = loopback_socket(SOCK_DGRAM, &port);
        CLEANUP_CLOSE int tcp = loopback_socket(SOCK_STREAM, &port);
        if (udp >= 0 && tcp >= 0) {
            return port;
        }
    }
    fail_msg("no free port");
    return 0;
}

static void write_text(const char *directory, const char *name, const char *text)
{
    CLEANUP_FREE char *path = file_path_join(directory, name);
    struct error e = {0};
    if (!file_replace(path, bytes_of(text), 0644, &e)) {
        fail_msg("%s", e.text);
    }
}

static bool knot_answers(const struct knot *knot, const char *name)
{
    const char *servers[] = {knot->server};
    struct dns_resolver *resolver = NULL;
    CLEANUP(dns_address_set_clear) struct dns_address_set set = {0};
    struct error e = {0};
    assert_true(dns_resolver_new(servers, 1, &resolver, &e));
    dns_resolver_set_attempt_ms(resolver, 100);
    bool answers = dns_lookup_addresses(resolver, bytes_of(name), &set, &e);
    dns_resolver_free(resolver);
    return answers;
}

static void knot_spawn(struct knot *knot)
{
    CLEANUP_FREE char *config = file_path_join(knot->directory, "knot.conf");
    CLEANUP_FREE char *log = file_path_join(knot->directory, "knot.log");
    knot->pid = fork();
    assert_true(knot->pid >= 0);
    if (knot->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        int fd = open(log, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        dup2(fd, STDOUT_FILENO);
        dup2(fd, STDERR_FILENO);
        execlp("knotd", "knotd", "-c", config, (char *)NULL);
        execl("/usr/sbin/knotd", "knotd", "-c", config, (char *)NULL);
        _exit(127);
    }
}

/* Serves TEXT as ZONE, and fails to load the zone broken.example. Waits until "ns.example.org",
 * which must lie in ZONE, has an address. */
static void knot_start_zone(struct knot *knot, const char *zone, const char *text)
{
    *knot = (struct knot){.directory = "/tmp/mtasts-knot.XXXXXX"};
    assert_non_null(mkdtemp(knot->directory));
    snprintf(knot->server, sizeof(knot->server), "127.0.0.1:%u", free_port());
    CLEANUP_FREE char *config = memory_printf(
        "server:\n    rundir: %s\n    listen: 127.0.0.1@%s\n    background-workers: 1\n"
        "    udp-workers: 1\n    tcp-workers: 1\n"
        "database:\n    storage: %s/db\n"
        "template:\n  - id: default\n    storage: %s\n    zonefile-sync: -1\n"
        "    zonefile-load: whole\n    journal-content: none\n"
        "zone:\n  - domain: %s\n    file: served.zone\n"
        "  - domain: broken.example\n    file: missing.zone\n",
        knot->directory, knot->server + strlen("127.0.0.1:"), knot->directory, knot->directory,
        zone);
    write_text(knot->directory, "knot.conf", config);
    write_text(knot->directory, "served.zone", text);
    knot_spawn(knot);

    int64_t deadline_ms = clock_monotonic_ms() + 20 * 1000;
    while (!knot_answers(knot, "ns.example.org")) {
        if (clock_monotonic_ms() > deadline_ms || waitpid(knot->pid, NULL, WNOHANG) != 0) {
            fail_msg("knotd does not answer; see %s/knot.log", knot->directory);
        }
        nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
    }
}

static void knot_start(struct knot *knot, const char *text)
{
    knot_start_zone(knot, "example.org", text);
}

static int remove_path(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

/* 0: it was never begun; kill(2) would take that for all of us. */
static void end_process(pid_t pid)
{
    if (pid > 0) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
}

static void knot_stop(struct knot *knot)
{
    end_process(knot->pid);
    nftw(knot->directory, remove_path, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
