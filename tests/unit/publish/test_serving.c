/* Whether policies are served: what is asked, what an answer means, how long it is waited. */
#include "checkout.h"
#include "lib/base/clock.h"
#include "publish/publication.h"
#include "publish/ready_wait.h"
#include "server/control/control.h"

static struct policy *policy_of(enum policy_mode mode, const char *mx)
{
    struct error e = {0};
    struct policy *policy = NULL;
    struct dns_name name = {.n = (unsigned char)strlen(mx)};
    memcpy(name.text, mx, name.n);
    const struct policy_terms terms = {mode, 86400, &name, 1};
    assert_true(policy_new(&terms, &policy, &e));
    return policy;
}

static json_t *digest_of(const struct policy *policy)
{
    char hex[2 * POLICY_DIGEST_OCTETS + 1];
    bytes_to_hex(policy->digest, POLICY_DIGEST_OCTETS, hex);
    return json_string(hex);
}

/* --- The question --- */

static void test_one_question_has_many_domains(void **state)
{
    (void)state;
    enum { COUNT = 1000 };
    struct policy *policy = policy_of(POLICY_TESTING, "mx.x");
    struct serving_item *items = memory_zero(COUNT, sizeof(*items));
    for (size_t i = 0; i < COUNT; i++) {
        items[i].domain = memory_printf("%0240zu.example", i); /* as long as domains get */
        items[i].policy = policy;
        items[i].served = i % 2 == 0;
    }
    size_t asked = 0;
    size_t requests = 0;
    for (size_t next = 0, end = 0; next < COUNT; next = end) {
        json_t *request = serving_question_make(items, COUNT, next, &end);
        if (request == NULL) {
            break;
        }
        char *text = json_dumps(request, JSON_COMPACT);
        assert_true(strlen(text) < CONTROL_REQUEST_MAX);
        asked += json_array_size(json_object_get(request, "domains"));
        requests++;
        free(text);
        json_decref(request);
    }
    assert_int_equal(asked, COUNT / 2); /* those that are not known to be served */
    assert_in_range(requests, 2, 3);
    for (size_t i = 0; i < COUNT; i++) {
        items[i].served = true;
        serving_item_clear(&items[i]);
    }
    free(items);
    policy_free(policy);
}

static void test_nothing_is_asked_about_what_is_served(void **state)
{
    (void)state;
    size_t end = 0;
    struct serving_item item = {.domain = memory_string("a.x"), .served = true};
    assert_null(serving_question_make(&item, 1, 0, &end));
    assert_int_equal(end, 1);
    serving_item_clear(&item);
}

struct answer_row {
    const char *name;
    const char *reply; /* D: the digest of the policy, B: its body */
    bool served;
    const char *why;
};

static const struct answer_row answer_rows[] = {
    {"its digest", "{\"digests\": {\"a.x\": \"D\"}}", true, NULL},
    {"another digest", "{\"digests\": {\"a.x\": \"00\"}}", false, "another text is served"},
    {"none", "{\"digests\": {\"a.x\": null}}", false, "no policy is served"},
    {"left out", "{\"digests\": {}}", false, "no policy is served"},
    {"an older server's body", "{\"body\": \"B\"}", true, NULL},
    {"an older server's other body", "{\"body\": \"x\"}", false, "another text is served"},
    {"an older server's none", "{\"body\": null}", false, "no policy is served"},
};

static void test_what_an_answer_means(void **state)
{
    (void)state;
    struct policy *policy = policy_of(POLICY_ENFORCE, "mx.x");
    for (size_t i = 0; i < ARRAY_LENGTH(answer_rows); i++) {
        const struct answer_row *row = &answer_rows[i];
        struct serving_item item = {.domain = memory_string("a.x"), .policy = policy};
        json_t *reply = json_loads(row->reply, 0, NULL);
        json_t *digests = json_object_get(reply, "digests");
        if (strstr(row->reply, "\"D\"") != NULL) {
            json_object_set_new(digests, "a.x", digest_of(policy));
        } else if (strstr(row->reply, "\"B\"") != NULL) {
            struct bytes body = policy_body(policy);
            json_object_set_new(reply, "body", json_stringn(body.p, body.n));
        }
        print_message("%s\n", row->name);
        assert_int_equal(serving_question_judge(&item, 0, 1, reply), 1);
        assert_int_equal(item.served, row->served);
        assert_string_equal(item.why != NULL ? item.why : "", row->why != NULL ? row->why : "");
        json_decref(reply);
        serving_item_clear(&item);
    }
    policy_free(policy);
}

static void test_an_older_server_is_asked_one_by_one(void **state)
{
    (void)state;
    struct policy *policy = policy_of(POLICY_ENFORCE, "mx.x");
    struct serving_item items[] = {{.domain = memory_string("a.x"), .served = true},
                                   {.domain = memory_string("b.x"), .policy = policy},
                                   {.domain = memory_string("c.x"), .policy = policy}};
    json_t *reply = json_pack("{s:n}", "body");
    assert_int_equal(serving_question_judge(items, 0, 3, reply), 2);
    assert_null(items[2].why);
    json_decref(reply);
    for (size_t i = 0; i < ARRAY_LENGTH(items); i++) {
        serving_item_clear(&items[i]);
    }
    policy_free(policy);
}

/* --- The wait --- */

static const char POLICIES[] = "domains:\n"
                               "  a.x: {mode: none, max_age: 1d}\n"
                               "  b.x: {mode: testing, mx: [m.x], max_age: 1d}\n";

/* It serves a.x from the question number READY on. */
struct serving {
    const struct policy *policy;
    int ready;
    int questions;
};

static json_t *answer_serving(const json_t *request, void *context)
{
    struct serving *serving = context;
    bool ready = ++serving->questions >= serving->ready;
    size_t i = 0;
    const json_t *name = NULL;
    json_t *digests = json_object();
    json_array_foreach(json_object_get(request, "domains"), i, name)
    {
        bool its = strcmp(json_string_value(name), "a.x") == 0;
        json_object_set_new(digests, json_string_value(name),
                            its && ready ? digest_of(serving->policy) : json_null());
    }
    return json_pack("{s:o}", "digests", digests);
}

static size_t shown;

static void show(const char *what, size_t done, size_t total, void *context)
{
    (void)context;
    assert_string_equal(what, "policies are served");
    assert_true(done <= total);
    shown++;
}

static void test_waits_until_it_is_served(void **state)
{
    (void)state;
    struct checkout c;
    checkout_make(&c, "", POLICIES);
    checkout_load(&c);
    struct catalogue_view a = checkout_view(&c, "a.x");
    struct catalogue_view b = checkout_view(&c, "b.x");
    struct serving serving = {.policy = a.policy, .ready = 2};
    struct served served = {.answer = answer_serving, .context = &serving};
    served_start(&served, &c);
    struct serving_wait wait = {
        .settings = c.workspace.settings, .source = SERVING_CONTROL, .progress = {show, NULL}};
    serving_wait_add(&wait, &a);
    serving_wait_add(&wait, &b);
    shown = 0;
    assert_int_equal(serving_wait_run(&wait, 1000), 1);
    assert_true(wait.items[0].served);
    assert_string_equal(wait.items[1].why, "no policy is served");
    assert_null(wait.unasked);
    assert_true(shown >= 2);
    served_stop(&served);
    assert_int_equal(serving_wait_run(&wait, 0), 1); /* nobody answers any more */
    assert_non_null(wait.unasked);
    serving_wait_clear(&wait);
    checkout_clear(&c);
}

struct url_row {
    const char *url;
    const char *host; /* NULL: refused */
    const char *port;
};

static const struct url_row url_rows[] = {
    {"https://new.example", "new.example", "443"},
    {"https://new.example/", "new.example", "443"},
    {"https://192.0.2.1:8443", "192.0.2.1", "8443"},
    {"https://[2001:db8::1]", "2001:db8::1", "443"},
    {"https://[2001:db8::1]:44", "2001:db8::1", "44"},
    {"http://new.example", NULL, NULL},
    {"https://", NULL, NULL},
    {"https://a/b", NULL, NULL},
    {"https://a:0", NULL, NULL},
    {"https://a:65536", NULL, NULL},
    {"https://a:x", NULL, NULL},
};

static void test_where_to_ask(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(url_rows); i++) {
        struct error e;
        struct serving_wait wait = {.port = "443"};
        print_message("%s\n", url_rows[i].url);
        assert_int_equal(serving_wait_at(&wait, url_rows[i].url, &e), url_rows[i].host != NULL);
        if (url_rows[i].host != NULL) {
            assert_string_equal(wait.host, url_rows[i].host);
            assert_string_equal(wait.port, url_rows[i].port);
            assert_int_equal(wait.source, SERVING_HTTPS);
        }
        serving_wait_clear(&wait);
    }
}

/* --- Publications --- */

static void test_what_is_not_served_is_left_out(void **state)
{
    (void)state;
    struct error e;
    struct checkout c;
    struct publication publication;
    checkout_make(&c, "dns: {hook: /bin/false}\n", POLICIES);
    checkout_load(&c);
    assert_true(publication_open(&publication, c.workspace.settings, &e));
    struct domain_records records = {.settings = c.workspace.settings};
    struct catalogue_view view = checkout_view(&c, "a.x");
    struct record_set set = {0};
    publication_add(&publication, &view, &set); /* no record, nothing to wait for */
    assert_int_equal(publication.wait.count, 0);
    for (int i = 0; i < 2; i++) {
        assert_true(domain_records_make(&records, &view, RECORDS_OF_ID, BYTES("id1"), &set, &e));
        publication_add(&publication, &view, &set);
    }
    assert_int_equal(publication.count, 2);
    assert_int_equal(publication.wait.count, 1); /* of one domain */
    publication.wait.source = SERVING_CONTROL;
    assert_int_equal(publication_wait(&publication, 0), 1);
    publication_run(&publication);
    assert_int_equal(publication.records[0].outcome, PUBLICATION_UNSERVED);
    assert_int_equal(publication.records[1].outcome, PUBLICATION_UNSERVED);
    publication_close(&publication);
    domain_records_clear(&records);
    checkout_clear(&c);
}

static void test_without_a_way_to_publish(void **state)
{
    (void)state;
    struct error e;
    struct checkout c;
    struct publication publication;
    checkout_make(&c, "", POLICIES);
    checkout_load(&c);
    assert_false(publication_open(&publication, c.workspace.settings, &e));
    assert_non_null(strstr(e.text, "does not say how to publish"));
    checkout_clear(&c);
    checkout_make(&c, "dns: {update: {key_file: missing.key}}\n", POLICIES);
    checkout_load(&c);
    assert_false(publication_open(&publication, c.workspace.settings, &e));
    checkout_clear(&c);
}

/* --- Readiness --- */

static json_t *answer_ready(const json_t *request, void *context)
{
    int *left = context;
    assert_string_equal(json_string_value(json_object_get(request, "command")), "ready");
    return --*left > 0 ? json_pack("{s:s, s:{s:s}}", "state", "loading", "loading", "text", "half")
                       : json_pack("{s:s}", "state", "serving");
}

static void test_ready_when_it_serves(void **state)
{
    (void)state;
    struct error e;
    struct checkout c;
    int left = 3;
    checkout_make(&c, "", POLICIES);
    checkout_load(&c);
    struct served served = {.answer = answer_ready, .context = &left};
    served_start(&served, &c);
    assert_true(ready_wait(c.workspace.settings, 10000, &e));
    served_stop(&served);
    left = 1000;
    served_start(&served, &c);
    assert_false(ready_wait(c.workspace.settings, 250, &e));
    assert_non_null(strstr(e.text, "not ready yet (half)"));
    served_stop(&served);
    checkout_clear(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_question_has_many_domains),
        cmocka_unit_test(test_nothing_is_asked_about_what_is_served),
        cmocka_unit_test(test_what_an_answer_means),
        cmocka_unit_test(test_an_older_server_is_asked_one_by_one),
        cmocka_unit_test(test_waits_until_it_is_served),
        cmocka_unit_test(test_where_to_ask),
        cmocka_unit_test(test_what_is_not_served_is_left_out),
        cmocka_unit_test(test_without_a_way_to_publish),
        cmocka_unit_test(test_ready_when_it_serves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
