#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "config/settings.h"
#include "lib/base/buffer.h"
#include "lib/base/file.h"

#define FAIL_ROW(name, ...)                                                                        \
    do {                                                                                           \
        print_error("row \"%s\": ", (name));                                                       \
        print_error(__VA_ARGS__);                                                                  \
        print_error("\n");                                                                         \
        fail();                                                                                    \
    } while (0)

static const char DEPLOY[] = TEST_DATA_DIR "/../../deploy";

static void settings_cleanup(struct settings **settings)
{
    settings_free(*settings);
}
#define CLEANUP_SETTINGS CLEANUP(settings_cleanup)

static struct settings *parse(struct bytes text)
{
    struct settings *settings = NULL;
    struct diagnostics d = {0};
    if (!settings_parse(text, "/etc/m/mtasts-host.yaml", &settings, &d)) {
        diagnostics_print(&d, stderr);
        fail();
    }
    assert_int_equal(d.count, 0);
    return settings;
}

static void test_defaults(void **state)
{
    (void)state;
    CLEANUP_SETTINGS struct settings *s = parse(BYTES("policies: policies.d\n"));
    assert_string_equal(s->file, "/etc/m/mtasts-host.yaml");
    assert_int_equal(s->policies.count, 1);
    assert_string_equal(s->policies.items[0], "/etc/m/policies.d");
    assert_int_equal(s->certificates.count, 1);
    assert_string_equal(s->certificates.items[0], "/etc/m/certs");
    assert_int_equal(s->https.count, 1);
    assert_int_equal(s->https.items[0].kind, LISTEN_TCP);
    assert_string_equal(s->https.items[0].text, "[::]:443");
    assert_string_equal(s->https.items[0].host, "::");
    assert_int_equal(s->https.items[0].port, 443);
    assert_int_equal(s->http.count, 1);
    assert_int_equal(s->http.items[0].port, 80);
    assert_int_equal(s->plain.count, 0);
    assert_string_equal(s->state, "/var/lib/mtasts-host");
    assert_string_equal(s->control, "/run/mtasts-host/control.sock");
    assert_string_equal(s->control_older, "/var/lib/mtasts-host/control.sock");
    assert_null(s->control_group);
    assert_null(s->user);
    assert_int_equal(s->workers, 0);
    assert_int_equal(s->rescan_ms, 0);
    assert_true(s->http2);
    assert_false(s->session_tickets);
    assert_false(s->core_dumps);
    assert_true(s->snapshot);
    assert_null(s->root_text);
    assert_int_equal(s->default_max_age_s, 604800);
    assert_null(s->default_tlsrpt);
    assert_false(s->ids_derived);
    assert_null(s->dns_delegate);
    assert_null(s->dns_host);
    assert_int_equal(s->dns_ttl_s, 300);
    assert_int_equal(s->dns_resolvers.count, 0);
    assert_int_equal(s->access_log, ACCESS_LOG_OFF);
    assert_null(s->access_log_file);
    assert_null(s->dns_hook);
    assert_null(s->dns_update_key_file);
    assert_null(s->acme);
    assert_int_equal(s->mirror.look_ms, 300000);
    assert_int_equal(s->mirror.fetch_ms, 86400000);
    assert_int_equal(s->mirror.timeout_ms, 20000);
    assert_int_equal(s->limits.connections, 10000);
    assert_int_equal(s->limits.connections_per_address, 100);
    assert_int_equal(s->limits.connections_per_ipv4_24, 1000);
    assert_int_equal(s->limits.connections_per_ipv6_56, 300);
    assert_int_equal(s->limits.connections_per_ipv6_48, 1000);
    assert_int_equal(s->limits.handshakes_per_second, 500);
    assert_int_equal(s->limits.handshake_burst, 5000);
    assert_int_equal(s->limits.connection_age_ms, 60000);
    assert_int_equal(s->limits.handshake_ms, 10000);
    assert_int_equal(s->limits.idle_ms, 15000);
    assert_int_equal(s->limits.unread_ms, 2000);
    assert_int_equal(s->limits.header_octets, 4096);
    assert_int_equal(s->limits.header_plain_octets, 16384);
    assert_int_equal(s->limits.memory_octets, 64 * 1024 * 1024);
    assert_int_equal(s->limits.memory_per_address_octets, 1024 * 1024);
    assert_int_equal(s->limits.drain_ms, 10000);
    assert_int_equal(s->limits.debounce_ms, 50);
    assert_int_equal(s->limits.vanish_ms, 5000);
    assert_int_equal(s->limits.removal_percent, 10);
    assert_int_equal(s->limits.removal_domains, 50);
    assert_int_equal(s->limits.rescan_ms, 300000);
    assert_int_equal(s->limits.uncounted.count, 0);
}

struct each_limit {
    struct buffer *text;
    bool max;
};

static void add_bound(const struct settings_limit *limit, void *context)
{
    struct each_limit *each = context;
    buffer_printf(each->text, "  %s: %s\n", limit->key, each->max ? limit->max : limit->min);
}

static struct settings *parse_bounds(bool max)
{
    CLEANUP(buffer_clear) struct buffer text = BUFFER(64 * 1024);
    buffer_add_string(&text, "policies: p\nlimits:\n");
    settings_limits_each(add_bound, &(struct each_limit){&text, max});
    return parse(buffer_bytes(&text));
}

static void test_bounds_of_limits(void **state)
{
    (void)state;
    CLEANUP_SETTINGS struct settings *least = parse_bounds(false);
    CLEANUP_SETTINGS struct settings *most = parse_bounds(true);
    assert_int_equal(least->limits.connections_per_ipv4_24, 1);
    assert_int_equal(most->limits.connections_per_ipv6_48, 1000000);
    assert_int_equal(least->limits.handshakes_per_second, 1);
    assert_int_equal(most->limits.handshake_burst, 1000000);
    assert_int_equal(least->limits.unread_ms, 100);
    assert_int_equal(most->limits.unread_ms, 300000);
    assert_int_equal(least->limits.header_plain_octets, 1024);
    assert_int_equal(most->limits.header_plain_octets, 256 * 1024);
    assert_int_equal(least->limits.memory_octets, 1024 * 1024);
    assert_int_equal(most->limits.memory_octets, INT64_C(64) * 1024 * 1024 * 1024);
    assert_int_equal(least->limits.memory_per_address_octets, 64 * 1024);
    assert_int_equal(most->limits.memory_per_address_octets, INT64_C(64) * 1024 * 1024 * 1024);
}

/* Each limit has a member of its own, and all but two change without a restart. */
struct one_limit {
    const struct settings *defaults;
    size_t members;
};

static size_t changed_members(const struct settings_limits *a, const struct settings_limits *b)
{
    size_t changed = 0;
    for (size_t at = 0; at < offsetof(struct settings_limits, uncounted); at += sizeof(int64_t)) {
        changed += memcmp((const char *)a + at, (const char *)b + at, sizeof(int64_t)) != 0;
    }
    return changed;
}

static void change_one(const struct settings_limit *limit, void *context)
{
    struct one_limit *one = context;
    CLEANUP_FREE char *text =
        memory_printf("policies: p\nlimits: {%s: %s}\n", limit->key, limit->max);
    CLEANUP_SETTINGS struct settings *s = parse(bytes_of(text));
    if (changed_members(&one->defaults->limits, &s->limits) != 1) {
        FAIL_ROW(limit->key, "changes not one member alone");
    }
    CLEANUP(buffer_clear) struct buffer names = BUFFER(1024);
    settings_restart_needed(one->defaults, s, &names);
    bool restart = strcmp(limit->key, "certificate_cache") == 0;
    if ((names.n != 0) != restart) {
        FAIL_ROW(limit->key, "a restart is needed for \"%.*s\"", BYTES_ARG(buffer_bytes(&names)));
    }
    one->members++;
}

static void test_each_limit_for_itself(void **state)
{
    (void)state;
    CLEANUP_SETTINGS struct settings *defaults = parse(BYTES("policies: p\n"));
    struct one_limit one = {defaults, 0};
    settings_limits_each(change_one, &one);
    size_t members = offsetof(struct settings_limits, uncounted) / sizeof(int64_t);
    assert_int_equal(one.members, members);
}

static struct settings_networks uncounted_of(const struct settings *settings)
{
    return settings->limits.uncounted;
}

static struct settings_networks mirror_of(const struct settings *settings)
{
    return settings->mirror.addresses;
}

static struct settings_networks preflight_of(const struct settings *settings)
{
    return settings->acme->preflight_addresses;
}

/* Every key that takes networks, as a text before them and one after. */
static const struct {
    const char *before;
    const char *after;
    struct settings_networks (*of)(const struct settings *settings);
} NETWORKS[] = {
    {"limits: {uncounted: ", "}", uncounted_of},
    {"mirror: {addresses: ", "}", mirror_of},
    {"acme: {agree_terms: on, preflight: {addresses: ", "}}", preflight_of},
};

static void test_networks(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        const char *want; /* joined by spaces */
    } ROWS[] = {
        {"[]", ""},
        {"192.0.2.1", "192.0.2.1"},
        {"\"2001:db8::/32\"", "2001:db8::/32"},
        {"[192.0.2.0/24, \"2001:db8::1\", \"::ffff:198.51.100.0/120\"]",
         "192.0.2.0/24 2001:db8::1 198.51.100.0/24"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS) * ARRAY_LENGTH(NETWORKS); i++) {
        size_t row = i / ARRAY_LENGTH(NETWORKS);
        size_t key = i % ARRAY_LENGTH(NETWORKS);
        CLEANUP_FREE char *text = memory_printf("policies: p\n%s%s%s\n", NETWORKS[key].before,
                                                ROWS[row].value, NETWORKS[key].after);
        CLEANUP_SETTINGS struct settings *s = parse(bytes_of(text));
        CLEANUP(buffer_clear) struct buffer got = BUFFER(1024);
        struct settings_networks networks = NETWORKS[key].of(s);
        for (size_t j = 0; j < networks.count; j++) {
            buffer_printf(&got, "%s%s", j != 0 ? " " : "", network_format(&networks.items[j]).text);
        }
        if (!bytes_equal(buffer_bytes(&got), bytes_of(ROWS[row].want))) {
            FAIL_ROW(text, "got \"%.*s\"", BYTES_ARG(buffer_bytes(&got)));
        }
    }
}

static bool parse_many_networks(size_t key, int count, struct diagnostics *d)
{
    CLEANUP(buffer_clear) struct buffer text = BUFFER(64 * 1024);
    buffer_printf(&text, "policies: p\n%s[", NETWORKS[key].before);
    for (int i = 0; i < count; i++) {
        buffer_printf(&text, "%s192.0.2.%d", i != 0 ? ",\n " : "", i);
    }
    buffer_printf(&text, "]%s\n", NETWORKS[key].after);
    CLEANUP_SETTINGS struct settings *settings = NULL;
    return settings_parse(buffer_bytes(&text), "f", &settings, d);
}

static void test_networks_have_an_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(NETWORKS); i++) {
        struct diagnostics d = {0};
        assert_true(parse_many_networks(i, SETTINGS_NETWORKS_MAX, &d));
        assert_int_equal(d.count, 0);
        assert_false(parse_many_networks(i, SETTINGS_NETWORKS_MAX + 1, &d));
        assert_int_equal(d.count, 1);
        CLEANUP_FREE char *got = diagnostic_format(&d.items[0]);
        assert_string_equal(got, "f:66:2: error: more than 64 networks; remove some");
        diagnostics_clear(&d);
    }
}

static void test_listens_on_loopback(void **state)
{
    (void)state;
    static const struct {
        const char *listen;
        bool want;
    } ROWS[] = {
        {"{}", false},
        {"{https: \"[::]:443\", http: \"0.0.0.0:80\"}", false},
        {"{https: \"127.0.0.1:443\"}", true},
        {"{http: \"127.1.2.3:80\"}", true},
        {"{plain: \"[::1]:8080\"}", true},
        {"{plain: [\"192.0.2.1:8080\", \"[::ffff:127.0.0.1]:8080\"]}", true},
        {"{plain: [\"[::ffff:192.0.2.1]:8080\", \"[::2]:8080\", \"128.0.0.1:1\"]}", false},
        {"{https: [], http: [], plain: [\"unix:127.0.0.1\", \"systemd:127.0.0.1\"]}", false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        CLEANUP_FREE char *text = memory_printf("policies: p\nlisten: %s\n", ROWS[i].listen);
        CLEANUP_SETTINGS struct settings *s = parse(bytes_of(text));
        if (settings_listen_on_loopback(s) != ROWS[i].want) {
            FAIL_ROW(ROWS[i].listen, "got %d", !ROWS[i].want);
        }
    }
}

static const struct bytes FULL =
    BYTES("policies: [policies.d, /srv/policies.yaml]\n"
          "listen:\n"
          "  https: [\"[::]:8443\", \"192.0.2.1:443\"]\n"
          "  http: []\n"
          "  plain: [\"unix:plain.sock\", \"systemd:plain\", \"127.0.0.1:0\"]\n"
          "certificates: /etc/letsencrypt/live\n"
          "state: state\n"
          "control: /run/m.sock\n"
          "user: mtasts-host\n"
          "defaults:\n"
          "  max_age: 2w\n"
          "  tlsrpt: [\"mailto:a!b;c,d@e.example\", \"https://r.example/v1\"]\n"
          "  ids: derived\n"
          "workers: 3\n"
          "limits: {idle: 2s, header: 8K, removal_percent: 100}\n"
          "rescan: 1m\n"
          "http2: off\n"
          "session_tickets: on\n"
          "core_dumps: on\n"
          "snapshot: off\n"
          "root: MTA-STS policies\n"
          "access_log: {format: json, file: access.log}\n"
          "dns:\n"
          "  resolver: [192.0.2.53, \"192.0.2.54:5353\", \"2001:db8::1\", \"[2001:db8::2]:54\"]\n"
          "  ttl: 1h\n"
          "  delegate: STS.Provider.Example.\n"
          "  host: sts-host.provider.example\n"
          "  hook: hooks/publish-txt\n"
          "  update: {server: 192.0.2.53, key_file: tsig.key, zone: Provider.Example.}\n");

static void test_every_key(void **state)
{
    (void)state;
    CLEANUP_SETTINGS struct settings *s = parse(FULL);
    assert_int_equal(s->policies.count, 2);
    assert_string_equal(s->policies.items[1], "/srv/policies.yaml");
    assert_int_equal(s->policies_written.count, 2);
    assert_string_equal(s->policies_written.items[0], "policies.d");
    assert_string_equal(s->policies_written.items[1], "/srv/policies.yaml");
    assert_int_equal(s->https.count, 2);
    assert_int_equal(s->https.items[0].port, 8443);
    assert_string_equal(s->https.items[1].host, "192.0.2.1");
    assert_int_equal(s->http.count, 0);
    assert_int_equal(s->plain.count, 3);
    assert_int_equal(s->plain.items[0].kind, LISTEN_UNIX);
    assert_string_equal(s->plain.items[0].host, "/etc/m/plain.sock");
    assert_string_equal(s->plain.items[0].text, "unix:plain.sock");
    assert_int_equal(s->plain.items[1].kind, LISTEN_SYSTEMD);
    assert_string_equal(s->plain.items[1].host, "plain");
    assert_int_equal(s->plain.items[2].port, 0);
    assert_int_equal(s->certificates.count, 1);
    assert_string_equal(s->certificates.items[0], "/etc/letsencrypt/live");
    assert_string_equal(s->state, "/etc/m/state");
    assert_string_equal(s->control, "/run/m.sock");
    assert_string_equal(s->user, "mtasts-host");
    assert_int_equal(s->default_max_age_s, 1209600);
    assert_string_equal(s->default_tlsrpt, "mailto:a%21b%3Bc%2Cd@e.example,https://r.example/v1");
    assert_true(s->ids_derived);
    assert_int_equal(s->workers, 3);
    assert_int_equal(s->limits.idle_ms, 2000);
    assert_int_equal(s->limits.header_octets, 8192);
    assert_int_equal(s->limits.removal_percent, 100);
    assert_int_equal(s->limits.connections, 10000);
    assert_int_equal(s->rescan_ms, 60000);
    assert_false(s->http2);
    assert_true(s->session_tickets);
    assert_true(s->core_dumps);
    assert_false(s->snapshot);
    assert_string_equal(s->root_text, "MTA-STS policies");
    assert_int_equal(s->access_log, ACCESS_LOG_JSON);
    assert_string_equal(s->access_log_file, "/etc/m/access.log");
    assert_int_equal(s->dns_resolvers.count, 4);
    assert_string_equal(s->dns_resolvers.items[0], "192.0.2.53:53");
    assert_string_equal(s->dns_resolvers.items[1], "192.0.2.54:5353");
    assert_string_equal(s->dns_resolvers.items[2], "[2001:db8::1]:53");
    assert_string_equal(s->dns_resolvers.items[3], "[2001:db8::2]:54");
    assert_int_equal(s->dns_ttl_s, 3600);
    assert_string_equal(s->dns_delegate, "sts.provider.example");
    assert_string_equal(s->dns_host, "sts-host.provider.example");
    assert_string_equal(s->dns_hook, "/etc/m/hooks/publish-txt");
    assert_string_equal(s->dns_update_server, "192.0.2.53:53");
    assert_string_equal(s->dns_update_key_file, "/etc/m/tsig.key");
    assert_string_equal(s->dns_update_zone, "provider.example");
}

static void test_control(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *socket;
        const char *older; /* NULL: none */
        const char *group;
    } ROWS[] = {
        {"control: a.sock", "/var/lib/mtasts-host/a.sock", NULL, NULL},
        {"control: /run/a.sock", "/run/a.sock", NULL, NULL},
        {"control: {group: adm}", "/run/mtasts-host/control.sock",
         "/var/lib/mtasts-host/control.sock", "adm"},
        {"control: {socket: /run/a.sock, group: adm}", "/run/a.sock", NULL, "adm"},
        {"state: /srv/s", "/srv/s/control.sock", NULL, NULL},
        {"state: /srv/s\ncontrol: {socket: b, group: adm}", "/srv/s/b", NULL, "adm"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        CLEANUP_FREE char *text = memory_printf("policies: p\n%s\n", ROWS[i].text);
        CLEANUP_SETTINGS struct settings *s = parse(bytes_of(text));
        if (strcmp(s->control, ROWS[i].socket) != 0 ||
            (s->control_older == NULL) != (ROWS[i].older == NULL) ||
            (s->control_older != NULL && strcmp(s->control_older, ROWS[i].older) != 0) ||
            (s->control_group == NULL) != (ROWS[i].group == NULL) ||
            (s->control_group != NULL && strcmp(s->control_group, ROWS[i].group) != 0)) {
            FAIL_ROW(ROWS[i].text, "got %s, %s, %s", s->control,
                     s->control_older != NULL ? s->control_older : "-",
                     s->control_group != NULL ? s->control_group : "-");
        }
    }
}

static void test_acme_defaults(void **state)
{
    (void)state;
    CLEANUP_SETTINGS struct settings *s = parse(BYTES("policies: p\nacme: {agree_terms: true}\n"));
    const struct settings_acme *acme = s->acme;
    assert_non_null(acme);
    assert_true(acme->agree_terms);
    assert_int_equal(acme->contacts.count, 0);
    assert_int_equal(acme->directory_count, 1);
    const struct settings_directory *directory = &acme->directories[0];
    assert_string_equal(directory->name, "letsencrypt");
    assert_string_equal(directory->url, "https://acme-v02.api.letsencrypt.org/directory");
    assert_null(directory->trust);
    assert_null(directory->eab_kid);
    assert_null(directory->eab_key_file);
    assert_null(directory->profile);
    assert_false(directory->profile_required);
    assert_null(directory->preferred_chain);
    assert_int_equal(directory->caa.count, 0);
    assert_int_equal(acme->challenge_count, 2);
    assert_int_equal(acme->challenges[0], CHALLENGE_HTTP_01);
    assert_int_equal(acme->challenges[1], CHALLENGE_TLS_ALPN_01);
    assert_true(acme->preflight_dns);
    assert_true(acme->preflight_caa);
    assert_int_equal(acme->preflight_http_port, 80);
    assert_false(acme->take_over);
    assert_int_equal(acme->orders, 300);
    assert_int_equal(acme->orders_window_s, 10800);
    assert_int_equal(acme->in_flight, 50);
    assert_int_equal(acme->failover_after, 5);
}

static const struct bytes FULL_ACME = BYTES(
    "policies: p\n"
    "acme:\n"
    "  challenges: [dns-01, tls-alpn-01, http-01]\n"
    "  contact: [\"mailto:ops@provider.example\", \"mailto:b%2Cc@provider.example\"]\n"
    "  agree_terms: yes\n"
    "  directories:\n"
    "    - letsencrypt-staging\n"
    "    - \"https://[2001:db8::1]:14000/dir?a=b\"\n"
    "    - {url: \"https://ca.example/dir\", trust: ca.pem, eab: {kid: k1, key_file: /eab.key},"
    " profile: tlsserver, profile_required: true, preferred_chain: \"Root X\","
    " caa: [CA.example., b.example]}\n"
    "    - {url: letsencrypt, caa: letsencrypt.org}\n"
    "  preflight: {http_port: 5002, dns: false, caa: no, addresses: [10.0.0.0/8]}\n"
    "  take_over: true\n"
    "  rate: {orders: 10, window: 1h}\n"
    "  in_flight: 1000\n"
    "  failover_after: 1\n"
    "dns: {hook: /usr/local/bin/hook}\n");

static void test_acme_directories(void **state)
{
    (void)state;
    CLEANUP_SETTINGS struct settings *s = parse(FULL_ACME);
    const struct settings_directory *directories = s->acme->directories;
    assert_int_equal(s->acme->directory_count, 4);
    assert_string_equal(directories[0].name, "letsencrypt-staging");
    assert_string_equal(directories[0].url,
                        "https://acme-staging-v02.api.letsencrypt.org/directory");
    assert_string_equal(directories[1].name, "https://[2001:db8::1]:14000/dir?a=b");
    assert_string_equal(directories[1].url, "https://[2001:db8::1]:14000/dir?a=b");
    assert_string_equal(directories[2].url, "https://ca.example/dir");
    assert_string_equal(directories[2].trust, "/etc/m/ca.pem");
    assert_string_equal(directories[2].eab_kid, "k1");
    assert_string_equal(directories[2].eab_key_file, "/eab.key");
    assert_string_equal(directories[2].profile, "tlsserver");
    assert_true(directories[2].profile_required);
    assert_string_equal(directories[2].preferred_chain, "Root X");
    assert_int_equal(directories[2].caa.count, 2);
    assert_string_equal(directories[2].caa.items[0], "ca.example");
    assert_string_equal(directories[3].name, "letsencrypt");
    assert_string_equal(directories[3].caa.items[0], "letsencrypt.org");
}

static void test_acme_every_key(void **state)
{
    (void)state;
    CLEANUP_SETTINGS struct settings *s = parse(FULL_ACME);
    const struct settings_acme *acme = s->acme;
    assert_int_equal(acme->contacts.count, 2);
    assert_string_equal(acme->contacts.items[0], "mailto:ops@provider.example");
    assert_int_equal(acme->challenge_count, 3);
    assert_int_equal(acme->challenges[0], CHALLENGE_DNS_01);
    assert_int_equal(acme->challenges[1], CHALLENGE_TLS_ALPN_01);
    assert_int_equal(acme->challenges[2], CHALLENGE_HTTP_01);
    assert_string_equal(settings_challenge_name(acme->challenges[0]), "dns-01");
    assert_string_equal(settings_challenge_name(acme->challenges[1]), "tls-alpn-01");
    assert_string_equal(settings_challenge_name(acme->challenges[2]), "http-01");
    assert_false(acme->preflight_dns);
    assert_false(acme->preflight_caa);
    assert_int_equal(acme->preflight_http_port, 5002);
    assert_true(acme->take_over);
    assert_int_equal(acme->orders, 10);
    assert_int_equal(acme->orders_window_s, 3600);
    assert_int_equal(acme->in_flight, 1000);
    assert_int_equal(acme->failover_after, 1);
    assert_string_equal(s->dns_hook, "/usr/local/bin/hook");
}

static void test_acme_preflight(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        bool dns;
        bool caa;
        int64_t http_port;
        int64_t https_port;
    } ROWS[] = {
        {"false", false, false, 0, 0},
        {"on", true, true, 80, 443},
        {"{}", true, true, 80, 443},
        {"{http_port: false}", true, true, 0, 443},
        {"{http_port: Off, dns: off, https_port: no}", false, true, 0, 0},
        {"{http_port: 65535, caa: off, https_port: 1}", true, false, 65535, 1},
        {"{http_port: 5002}", true, true, 5002, 8443}, /* that of listen.https */
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        CLEANUP_FREE char *text = memory_printf("policies: p\nlisten: {https: \"[::]:8443\"}\n"
                                                "acme: {agree_terms: true, preflight: %s}\n",
                                                ROWS[i].value);
        CLEANUP_SETTINGS struct settings *s = parse(bytes_of(text));
        if (s->acme->preflight_dns != ROWS[i].dns || s->acme->preflight_caa != ROWS[i].caa ||
            s->acme->preflight_http_port != ROWS[i].http_port ||
            s->acme->preflight_https_port != ROWS[i].https_port) {
            FAIL_ROW(ROWS[i].value, "got dns %d, caa %d, ports %ld and %ld", s->acme->preflight_dns,
                     s->acme->preflight_caa, (long)s->acme->preflight_http_port,
                     (long)s->acme->preflight_https_port);
        }
    }
}

static void test_restart_needed(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct bytes text;
        const char *want;
    } ROWS[] = {
        {"nothing", BYTES("policies: p\n"), ""},
        {"what is taken over", BYTES("policies: p\ndefaults: {max_age: 1d}\nlimits: {idle: 1s}\n"),
         ""},
        {"networks that are taken over", BYTES("policies: p\nlimits: {uncounted: 192.0.2.1}\n"),
         ""},
        {"one", BYTES("policies: p\nuser: u\n"), "user"},
        {"each key once", BYTES("policies: q\nlisten: {https: [], plain: \"127.0.0.1:1\"}\n"),
         "policies, listen"},
        {"a port", BYTES("policies: p\nlisten: {http: \"[::]:81\"}\n"), "listen"},
        {"who is told how it is", BYTES("policies: p\nlisten: {admin: \"127.0.0.1:1\"}\n"),
         "listen"},
        {"balancers", BYTES("policies: p\nlisten: {health: /up}\n"), "listen"},
        {"the notice", BYTES("policies: p\nlimits: {drain_notice: 5s}\n"), ""},
        {"a limit", BYTES("policies: p\nlimits: {certificate_cache: 5}\nhttp2: off\n"),
         "http2, limits.certificate_cache"},
        {"the client", BYTES("policies: p\nacme: {agree_terms: on}\n"), "certificates, acme"},
        {"cores", BYTES("policies: p\ncore_dumps: on\n"), "core_dumps"},
        {"who may ask", BYTES("policies: p\ncontrol: {group: adm}\n"), "control"},
        {"who may change tenants", BYTES("policies: p\ncontrol: {panel_group: adm}\n"), "control"},
        {"the panel's file", BYTES("policies: p\npanel: p.yaml\n"), "panel"},
        {"resolvers", BYTES("policies: p\nmirror: {look: 1h}\ndns: {resolver: 192.0.2.1}\n"),
         "dns.resolver"},
        {"providers' addresses",
         BYTES("policies: p\nmirror: {look: 5m, addresses: [10.0.0.0/8, \"2001:db8::1\"]}\n"), ""},
        {"the hook", BYTES("policies: p\ndns: {hook: h, ttl: 1h}\n"), "dns.hook"},
        {"the log's file", BYTES("policies: p\naccess_log: {format: off, file: a}\n"),
         "access_log"},
    };
    CLEANUP_SETTINGS struct settings *before = parse(ROWS[0].text);
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        CLEANUP_SETTINGS struct settings *after = parse(ROWS[i].text);
        CLEANUP(buffer_clear) struct buffer names = BUFFER(1024);
        settings_restart_needed(before, after, &names);
        if (!bytes_equal(buffer_bytes(&names), bytes_of(ROWS[i].want))) {
            FAIL_ROW(ROWS[i].name, "got \"%.*s\"", BYTES_ARG(buffer_bytes(&names)));
        }
    }
}

/* Each value of FULL_ACME that is replaced is a change; the same text again is none. */
static void test_restart_needed_for_acme(void **state)
{
    (void)state;
    static const struct {
        const char *part; /* NULL: nothing is replaced */
        const char *by;
        const char *want;
    } ROWS[] = {
        {NULL, NULL, ""},
        {"[dns-01, tls-alpn-01, http-01]", "[dns-01, http-01, tls-alpn-01]", "acme"},
        {"[dns-01, tls-alpn-01, http-01]", "[dns-01, tls-alpn-01]", "acme"},
        {"ops@", "ups@", "acme"},
        {", \"mailto:b%2Cc@provider.example\"", "", "acme"},
        {"    - letsencrypt-staging\n", "", "acme"},
        {"a=b", "a=c", "acme"},
        {" trust: ca.pem,", "", "acme"},
        {"kid: k1", "kid: k2", "acme"},
        {"/eab.key", "/other.key", "acme"},
        {"profile: tlsserver", "profile: shortlived", "acme"},
        {"profile_required: true", "profile_required: false", "acme"},
        {"Root X", "Root Y", "acme"},
        {"b.example]", "c.example]", "acme"},
        {"CA.example.", "ca.example", ""}, /* the same name */
        {"url: letsencrypt,", "url: \"https://acme-v02.api.letsencrypt.org/directory\",", "acme"},
        {"5002", "5003", "acme"},
        {"dns: false", "dns: true", "acme"},
        {"caa: no", "caa: yes", "acme"},
        {"10.0.0.0/8", "10.0.0.0/9", "acme"},
        {"10.0.0.0/8", "10.0.0.0/8, 10.0.0.0/8", "acme"},
        {"[10.0.0.0/8]", "\"::ffff:10.0.0.0/104\"", ""}, /* the same network */
        {"take_over: true", "take_over: false", "acme"},
        {"orders: 10", "orders: 11", "acme"},
        {"window: 1h", "window: 60m", ""},
        {"window: 1h", "window: 2h", "acme"},
        {"in_flight: 1000", "in_flight: 999", "acme"},
        {"failover_after: 1", "failover_after: 2", "acme"},
        {"/usr/local/bin/hook", "/usr/bin/hook", "dns.hook"},
    };
    CLEANUP_SETTINGS struct settings *before = parse(FULL_ACME);
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        const char *part = ROWS[i].part != NULL ? strstr(FULL_ACME.p, ROWS[i].part) : FULL_ACME.p;
        size_t part_octets = ROWS[i].part != NULL ? strlen(ROWS[i].part) : 0;
        assert_non_null(part);
        CLEANUP_FREE char *text =
            memory_printf("%.*s%s%s", (int)(part - FULL_ACME.p), FULL_ACME.p,
                          ROWS[i].by != NULL ? ROWS[i].by : "", part + part_octets);
        CLEANUP_SETTINGS struct settings *after = parse(bytes_of(text));
        CLEANUP(buffer_clear) struct buffer names = BUFFER(1024);
        settings_restart_needed(before, after, &names);
        if (!bytes_equal(buffer_bytes(&names), bytes_of(ROWS[i].want))) {
            FAIL_ROW(ROWS[i].by, "got \"%.*s\"", BYTES_ARG(buffer_bytes(&names)));
        }
    }
}

static void test_find(void **state)
{
    (void)state;
    unsetenv("MTASTS_HOST_CONFIG");
    assert_string_equal(settings_find(NULL), "/etc/mtasts-host/mtasts-host.yaml");
    setenv("MTASTS_HOST_CONFIG", "/e.yaml", 1);
    assert_string_equal(settings_find(NULL), "/e.yaml");
    assert_string_equal(settings_find("/o.yaml"), "/o.yaml");
    setenv("MTASTS_HOST_CONFIG", "", 1);
    assert_string_equal(settings_find(NULL), "/etc/mtasts-host/mtasts-host.yaml");
}

static void test_unreadable(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        const char *want;
    } ROWS[] = {
        {"/nowhere/m.yaml",
         "/nowhere/m.yaml: error: there is no such file; begin with a copy of "
         "/usr/share/doc/mtasts-host/examples/mtasts-host.yaml, or name another configuration with "
         "-c"},
        {"/etc", "/etc: error: it is a directory; -c takes the main configuration, a file"},
        {"/dev/null", "/dev/null: error: /dev/null is not a regular file; name one, or save it as "
                      "one"},
        {"/etc/passwd/m.yaml",
         "/etc/passwd/m.yaml: error: cannot open /etc/passwd/m.yaml: Not a directory; make it "
         "readable, or name another configuration with -c"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        struct settings *settings = NULL;
        struct diagnostics d = {0};
        assert_false(settings_load(ROWS[i].path, &settings, &d));
        assert_null(settings);
        CLEANUP_FREE char *got = diagnostic_format(&d.items[0]);
        if (strcmp(got, ROWS[i].want) != 0) {
            FAIL_ROW(ROWS[i].path, "got %s", got);
        }
        diagnostics_clear(&d);
    }
}

static void test_the_state_of_a_text_in_error(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct bytes text;
        const char *want;
    } ROWS[] = {
        {"an unknown key", BYTES("colour: red\nstate: s\n"), "/etc/m/s"},
        {"an absolute one", BYTES("state: /var/lib/x # here\ncolour: red\n"), "/var/lib/x"},
        {"in braces", BYTES("{state: \"/a b\", colour: red}"), "/a b"},
        {"no YAML after it", BYTES("state: 's t'\nlimits: [\n"), "/etc/m/s t"},
        {"no YAML before it", BYTES("policies: [\r\nstate: s\r\n"), "/etc/m/s"},
        {"no line end", BYTES("a: [\nstate: s"), "/etc/m/s"},
        {"the first of two", BYTES("a: [\nstate: s\nstate: t\n"), "/etc/m/s"},
        {"of something else", BYTES("acme:\n  state: s\n"), NULL},
        {"of something else, and no YAML", BYTES("acme:\n  state: s\nb: [\n"), NULL},
        {"a longer key", BYTES("states: s\na: [\n"), NULL},
        {"a list", BYTES("state: [s]\n"), NULL},
        {"cut off", BYTES("policies: p\nstate:"), NULL},
        {"cut off earlier", BYTES("policies: p\nsta"), NULL},
        {"in a line that is in error itself", BYTES("state: \"s\na: [\n"), NULL},
        {"nothing", BYTES(""), NULL},
        {"a list as a whole", BYTES("- state: s\n"), NULL},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        CLEANUP_FREE char *got = settings_find_state(ROWS[i].text, "/etc/m/m.yaml");
        if ((got == NULL) != (ROWS[i].want == NULL) ||
            (got != NULL && strcmp(got, ROWS[i].want) != 0)) {
            FAIL_ROW(ROWS[i].name, "got %s", got != NULL ? got : "nothing");
        }
    }
}

static void read_deployed(const char *name, struct buffer *ret_text)
{
    CLEANUP_FREE char *path = file_path_join(DEPLOY, name);
    struct error e;
    *ret_text = BUFFER(1024 * 1024);
    if (!file_read(path, ret_text, NULL, &e)) {
        fail_msg("%s", e.text);
    }
}

static void expect_in_page(const struct settings_limit *limit, void *page)
{
    CLEANUP_FREE char *head = memory_printf("\n*%s* (default %s; %s to %s)\n\t%.30s", limit->key,
                                            limit->normal, limit->min, limit->max, limit->about);
    if (strstr(page, head) == NULL) {
        FAIL_ROW(limit->key, "mtasts-host.yaml(5) does not have%s", head);
    }
}

static void test_every_limit_is_in_the_man_page(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer page = {0};
    read_deployed("man/mtasts-host.yaml.5.scd", &page);
    settings_limits_each(expect_in_page, page.p);
}

/* Keys as the message about an unknown one lists them. */
static void test_every_key_is_in_the_man_page(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer page = {0};
    read_deployed("man/mtasts-host.yaml.5.scd", &page);
    struct settings *settings = NULL;
    struct diagnostics d = {0};
    struct bytes unknown = BYTES("policies: p\nxyzzy: a\nlisten: {xyzzy: a, admin: {xyzzy: a, "
                                 "address: \"unix:a\"}}\ndefaults: {xyzzy: a}\n"
                                 "dns: {xyzzy: a}\nlimits: {xyzzy: a}\nmirror: {xyzzy: a}\n"
                                 "acme: {xyzzy: a, agree_terms: true, preflight: {xyzzy: a},"
                                 " rate: {xyzzy: a}, directories: {url: letsencrypt, xyzzy: a,"
                                 " eab: {xyzzy: a, kid: k, key_file: f}}}\n");
    assert_false(settings_parse(unknown, "f", &settings, &d));
    assert_int_equal(d.count, 12);
    size_t keys = 0;
    for (size_t i = 0; i < d.count; i++) {
        char *list = strstr(d.items[i].text, "(known are ");
        assert_non_null(list);
        char *rest = NULL;
        list += strlen("(known are ");
        for (char *key = strtok_r(list, ", )", &rest); key != NULL;
             key = strtok_r(NULL, ", )", &rest)) {
            CLEANUP_FREE char *marked = memory_printf("*%s*", key);
            if (strstr(page.p, marked) == NULL) {
                FAIL_ROW(key, "not in mtasts-host.yaml(5)");
            }
            keys++;
        }
    }
    assert_true(keys > 55);
    diagnostics_clear(&d);
}

/* Takes the '#' from lines that are settings and no prose: "#key:", "#  key:". */
static void uncomment(char *text)
{
    char *to = text;
    bool line_begins = true;
    for (const char *from = text; *from != '\0'; from++) {
        bool prose = from[1] == ' ' && from[2] != ' ';
        bool drop = line_begins && *from == '#' && !prose;
        line_begins = *from == '\n';
        if (!drop) {
            *to++ = *from;
        }
    }
    *to = '\0';
}

static void test_example_is_valid_commented_or_not(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer text = {0};
    read_deployed("examples/mtasts-host.yaml", &text);
    CLEANUP_SETTINGS struct settings *as_it_is = parse(buffer_bytes(&text));
    uncomment(text.p);
    CLEANUP_SETTINGS struct settings *uncommented = parse(bytes_of(text.p));
    assert_string_equal(uncommented->dns_delegate, "sts.provider.example");
    assert_null(as_it_is->acme);
    assert_int_equal(uncommented->acme->directory_count, 2);
    assert_memory_equal(&as_it_is->limits, &uncommented->limits, sizeof(as_it_is->limits));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_bounds_of_limits),
        cmocka_unit_test(test_each_limit_for_itself),
        cmocka_unit_test(test_networks),
        cmocka_unit_test(test_networks_have_an_end),
        cmocka_unit_test(test_listens_on_loopback),
        cmocka_unit_test(test_every_key),
        cmocka_unit_test(test_acme_defaults),
        cmocka_unit_test(test_acme_directories),
        cmocka_unit_test(test_acme_every_key),
        cmocka_unit_test(test_acme_preflight),
        cmocka_unit_test(test_control),
        cmocka_unit_test(test_restart_needed),
        cmocka_unit_test(test_restart_needed_for_acme),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_the_state_of_a_text_in_error),
        cmocka_unit_test(test_every_limit_is_in_the_man_page),
        cmocka_unit_test(test_every_key_is_in_the_man_page),
        cmocka_unit_test(test_example_is_valid_commented_or_not),
    };
    return cmocka_run_group_tests_name("config/settings", tests, NULL, NULL);
}
