/* The panel's file changed over the control socket, by a server that is a loader and a main loop.
 */
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "policies/panel/panel_reply.h"
#include "server/server_state.h"

enum { DEADLINE_MS = 60000, TURN_MS = 5, MINUTE_MS = 61000, MANY = 8000 };

struct fixture {
    char directory[64];
    char *socket;
    struct server server;
    pthread_t thread;
    _Atomic bool loaded;
    _Atomic bool stop;
    _Atomic int64_t skew_ms; /* of the time that the look for who may go is told */
};

static void loaded(const struct error *failure, void *context)
{
    struct fixture *f = context;
    assert_null(failure);
    atomic_store(&f->loaded, true);
}

/* The main loop. */
static void *turn(void *context)
{
    struct fixture *f = context;
    struct server *server = &f->server;
    rcu_reader_register();
    while (!atomic_load(&f->stop)) {
        struct pollfd fds[] = {{.fd = mailbox_fd(server->mailbox), .events = POLLIN},
                               {.fd = control_fd(server->control), .events = POLLIN}};
        (void)poll(fds, ARRAY_LENGTH(fds), TURN_MS);
        int64_t now_ms = clock_monotonic_ms();
        mailbox_run(server->mailbox);
        control_run(server->control, now_ms);
        panel_tend(server, now_ms + atomic_load(&f->skew_ms));
    }
    rcu_reader_unregister();
    return NULL;
}

static void shell(const char *command, const char *directory)
{
    CLEANUP_FREE char *line = memory_printf("cd %s && %s", directory, command);
    assert_int_equal(system(line), 0); // NOLINT(cert-env33-c,concurrency-mt-unsafe)
}

static void write_file(const struct fixture *f, const char *name, const char *text)
{
    struct error e;
    CLEANUP_FREE char *path = file_path_join(f->directory, name);
    assert_true(file_replace(path, bytes_of(text), 0600, &e));
}

static void read_settings(struct fixture *f, const char *more)
{
    struct diagnostics d = {0};
    CLEANUP_FREE char *file = file_path_join(f->directory, "mtasts-host.yaml");
    CLEANUP_FREE char *text =
        memory_printf("policies: policies.d\nstate: %s/state\n%s\n", f->directory, more);
    assert_true(settings_parse(bytes_of(text), file, &f->server.settings, &d));
    diagnostics_clear(&d);
}

static void wait_for_load(struct fixture *f)
{
    for (int i = 0; !atomic_load(&f->loaded) && i < DEADLINE_MS; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    assert_true(atomic_load(&f->loaded));
}

static void begin(struct fixture *f, const char *more)
{
    struct error e;
    struct server *server = &f->server;
    *f = (struct fixture){.directory = "/tmp/test-panel-XXXXXX"};
    assert_non_null(mkdtemp(f->directory));
    shell("mkdir -m 700 policies.d certs state", f->directory);
    write_file(f, "policies.d/a.yaml",
               "policies:\n  mail: {mode: enforce, mx: [mx.mail.test], max_age: 1d}\n"
               "domains:\n  ours.test: mail\n");
    read_settings(f, more);
    f->socket = memory_string(server->settings->control);
    server->log = log_new(STDERR_FILENO, LOG_FORMAT_TEXT, LOG_LEVEL_ERROR);
    server->phase = SERVER_SERVING;
    server->tables.policies = policy_index_new();
    server->tables.certificates = certificate_table_new();
    panel_prepare(server);
    assert_true(mailbox_new(&server->mailbox, &e));
    const struct loader_hooks hooks = {.loaded = loaded, .context = f};
    assert_true(
        loader_start(server->settings, server->log, &server->tables, &hooks, &server->loader, &e));
    wait_for_load(f);
    const struct control_options options = {f->socket,    "root", getegid(),
                                            commands_ask, server, NULL};
    assert_true(control_open(&options, &server->control, &e));
    assert_int_equal(pthread_create(&f->thread, NULL, turn, f), 0);
}

static void end(struct fixture *f)
{
    struct server *server = &f->server;
    atomic_store(&f->stop, true);
    pthread_join(f->thread, NULL);
    loader_stop(server->loader);
    work_pool_free(server->panel_pool);
    free(server->panel_after);
    control_close(server->control);
    inquiries_free(server);
    mailbox_free(server->mailbox);
    history_close(server->history);
    policy_index_free(server->tables.policies);
    certificate_table_free(server->tables.certificates);
    rcu_defer_wait();
    log_free(server->log);
    settings_free(server->settings);
    free(f->socket);
    shell("rm -r policies.d certs state mtasts-host.yaml 2>/dev/null || :", f->directory);
    (void)rmdir(f->directory);
}

/* The caller frees it; an error is {"error": …}. */
static json_t *ask(const struct fixture *f, json_t *request)
{
    struct error e;
    json_t *reply = NULL;
    if (!control_ask(f->socket, request, DEADLINE_MS, &reply, &e)) {
        reply = json_pack("{s:s}", "error", e.text);
    }
    json_decref(request);
    return reply;
}

static json_t *verb(const struct fixture *f, const char *name, const char *lines)
{
    return ask(f, json_pack("{s:s,s:s,s:s}", "command", "panel", "verb", name, "lines", lines));
}

/* All domains' outcomes, "added added", or why it was refused. */
static void expect(const struct fixture *f, const char *name, const char *lines, const char *want)
{
    size_t i = 0;
    const json_t *item = NULL;
    struct error e;
    CLEANUP(buffer_clear) struct buffer got = BUFFER(4096);
    json_t *reply = verb(f, name, lines);
    buffer_add_string(&got, panel_reply_is_refused(reply, &e) ? e.text : "");
    json_array_foreach(json_object_get(reply, "domains"), i, item)
    {
        buffer_printf(&got, "%s%s", i != 0 ? " " : "",
                      json_string_value(json_object_get(item, "outcome")));
    }
    const char *trouble = json_string_value(json_object_get(reply, "trouble"));
    buffer_printf(&got, "%s%s", trouble != NULL ? "; " : "", trouble != NULL ? trouble : "");
    json_decref(reply);
    assert_string_equal(got.p, want);
}

static const char *const NOTHING = "";

/* The mode that is served, or "". */
static void expect_served(const struct fixture *f, const char *domain, const char *want)
{
    json_t *reply = ask(f, json_pack("{s:s,s:s}", "command", "serving", "domain", domain));
    const char *body = json_string_value(json_object_get(reply, "body"));
    CLEANUP_FREE char *line = memory_printf("mode: %s\r\n", want);
    bool right = want == NOTHING ? body == NULL : body != NULL && strstr(body, line) != NULL;
    json_decref(reply);
    if (!right) {
        fail_msg("%s does not serve \"%s\"", domain, want);
    }
}

static void test_verbs(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, "panel: panel.yaml");
    expect(&f, "add", "a.test --policy mail\nb.test --mx mx.b.test\n", "added added");
    expect_served(&f, "a.test", "enforce");
    expect_served(&f, "b.test", "testing");
    expect(&f, "add", "a.test --policy mail\n", "unchanged");
    expect(&f, "set", "b.test --mode enforce\n", "changed");
    expect_served(&f, "b.test", "enforce");
    expect(&f, "remove", "a.test\nnobody.test\n", "retired unchanged");
    expect_served(&f, "a.test", "none");
    expect(&f, "remove-now", "a.test\nb.test\n", "gone gone");
    expect_served(&f, "a.test", NOTHING);
    expect_served(&f, "b.test", NOTHING);
    CLEANUP_FREE char *elsewhere = memory_printf(
        "ours.test: %s/policies.d/a.yaml has it, which is not the panel's; edit it there",
        f.directory);
    expect(&f, "add", "ours.test --policy mail\n", elsewhere);
    expect(&f, "add", "c.test --policy nosuch\n",
           "c.test: there is no shared policy nosuch; name one that stands under `policies` of a "
           "policy file that is served");
    expect(&f, "add", "c.test\n", "say what policy it has: --policy NAME, or --mx HOST");
    end(&f);
}

static void test_what_is_no_request(void **state)
{
    (void)state;
    static const char *const ROWS[] = {
        "{\"command\": \"panel\"}",
        "{\"command\": \"panel\", \"verb\": \"add\"}",
        "{\"command\": \"panel\", \"verb\": \"expire\", \"lines\": \"a.test\"}",
        "{\"command\": \"panel\", \"verb\": \"add\", \"lines\": [\"a.test\"]}",
        "{\"command\": \"panel\", \"verb\": 1, \"lines\": \"a.test\"}",
    };
    struct fixture f;
    begin(&f, "panel: panel.yaml");
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        json_t *reply = ask(&f, json_loads(ROWS[i], 0, NULL));
        const char *error = json_string_value(json_object_get(reply, "error"));
        assert_non_null(error);
        assert_non_null(strstr(error, "\"verb\" must be add, set, remove or remove-now"));
        json_decref(reply);
    }
    end(&f);
}

static void test_a_file_that_is_not_read_yet(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, "");
    json_t *reply = ask(&f, json_pack("{s:s}", "command", "panel-text"));
    assert_string_equal(json_string_value(json_object_get(reply, "text")), "");
    json_decref(reply);
    CLEANUP_FREE char *want = memory_printf(
        "added; %s is new: restart the server once, and it is served", f.server.settings->panel);
    expect(&f, "add", "a.test --policy mail\n", want);
    end(&f);
}

static void test_a_file_in_error(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, "panel: panel.yaml");
    write_file(&f, "state/panel.yaml", "domains:\n  a.test: {mode: often}\n");
    json_t *reply = verb(&f, "add", "b.test --policy mail\n");
    struct error e;
    assert_true(panel_reply_is_refused(reply, &e));
    assert_non_null(strstr(e.text, "panel.yaml:2:"));
    json_decref(reply);
    end(&f);
}

/* Piece by piece, as `list` does. */
static void test_its_text(void **state)
{
    (void)state;
    struct fixture f;
    struct error e;
    CLEANUP(buffer_clear) struct buffer lines = BUFFER(1 << 20);
    CLEANUP(buffer_clear) struct buffer want = BUFFER(1 << 22);
    CLEANUP(buffer_clear) struct buffer got = BUFFER(1 << 22);
    begin(&f, "panel: panel.yaml");
    for (int i = 0; i < MANY; i++) {
        buffer_printf(&lines, "tenant-with-a-long-name-%d.test --policy mail\n", i);
    }
    json_decref(verb(&f, "add", lines.p));
    assert_true(file_read(f.server.settings->panel, &want, NULL, &e));
    json_int_t offset = 0;
    size_t pieces = 0;
    do {
        json_t *reply = ask(&f, json_pack("{s:s,s:I}", "command", "panel-text", "offset", offset));
        buffer_add_string(&got, json_string_value(json_object_get(reply, "text")));
        assert_int_equal(got.p[got.n - 1], '\n');
        offset = json_integer_value(json_object_get(reply, "next"));
        pieces++;
        json_decref(reply);
    } while (offset != 0);
    assert_true(pieces > 1);
    assert_true(bytes_equal(buffer_bytes(&want), buffer_bytes(&got)));
    end(&f);
}

static bool is_in_file(const struct fixture *f, const char *domain)
{
    struct error e;
    CLEANUP(buffer_clear) struct buffer text = BUFFER(1 << 20);
    assert_true(file_read(f->server.settings->panel, &text, NULL, &e));
    return strstr(text.p, domain) != NULL;
}

static void test_who_leaves_goes_by_itself(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, "panel: panel.yaml");
    expect(&f, "add",
           "a.test --mx mx.a.test --max-age 0s\nb.test --policy mail\nc.test --policy mail\n",
           "added added added");
    expect(&f, "remove", "a.test\nb.test\n", "retired retired");
    int64_t deadline_ms = clock_monotonic_ms() + DEADLINE_MS;
    while (is_in_file(&f, "a.test") && clock_monotonic_ms() < deadline_ms) {
        atomic_fetch_add(&f.skew_ms, MINUTE_MS); /* the next look is due */
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    }
    assert_false(is_in_file(&f, "a.test"));
    assert_true(is_in_file(&f, "b.test")); /* senders hold mode enforce for a day */
    assert_true(is_in_file(&f, "c.test")); /* stays */
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verbs),
        cmocka_unit_test(test_what_is_no_request),
        cmocka_unit_test(test_a_file_that_is_not_read_yet),
        cmocka_unit_test(test_a_file_in_error),
        cmocka_unit_test(test_its_text),
        cmocka_unit_test(test_who_leaves_goes_by_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
