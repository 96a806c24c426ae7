/* The main configuration, mtasts-host.yaml(5), with every default filled in and every path made
 * absolute. Immutable once loaded. A key that this version does nothing with is an error. */
#ifndef CONFIG_SETTINGS_H
#define CONFIG_SETTINGS_H

#include <stdint.h>

#include "lib/base/diagnostics.h"
#include "lib/base/error.h"
#include "lib/base/network.h"

struct settings_list {
    char **items;
    size_t count;
    size_t capacity;
};

/* Where to listen. */
enum settings_listen_kind { LISTEN_TCP, LISTEN_UNIX, LISTEN_SYSTEMD };
/* By value, so that what has it is copied by assignment. */
enum { SETTINGS_NETWORKS_MAX = 64 };
struct settings_networks {
    struct network items[SETTINGS_NETWORKS_MAX];
    size_t count;
};

/* Which field of a request says for whom a proxy asks. */
enum settings_forwarded { FORWARDED_NOT, FORWARDED_X_FORWARDED_FOR, FORWARDED_FORWARDED };

/* What goes for connections of one place to listen. */
struct settings_listen_terms {
    bool proxy;                          /* each begins with a header of the PROXY protocol, … */
    struct settings_networks proxy_from; /* … and comes from one of these or a Unix socket */
    enum settings_forwarded forwarded;   /* of LISTENER_PLAIN, where a request comes … */
    struct settings_networks forwarded_from; /* … from one of these or a Unix socket */
    char *group;                             /* of a Unix socket; NULL: that of its user */
    int64_t mode;                            /* of a Unix socket: 0660, …; 0: as ever */
};

struct settings_listen {
    enum settings_listen_kind kind;
    char *text; /* as configured, for messages */
    char *host; /* TCP: address without brackets; UNIX: path; SYSTEMD: the socket's
                   FileDescriptorName */
    uint16_t port;
    struct settings_listen_terms terms;
};
struct settings_listens {
    struct settings_listen *items;
    size_t count;
    size_t capacity;
};

/* `listen.admin`: metrics and health, for whoever watches the server. */
struct settings_admin {
    struct settings_listens listens;
    struct settings_networks from; /* who is answered besides loopback and Unix sockets */
    struct settings_list hosts;    /* names that a Host field may have besides addresses */
};

/* Every limit has a name, a default and a line in the man page. One table (settings_limits.c) holds
 * name, default, bounds and unit of each; `settings_limits_each` lets man-page tests walk it. */
struct settings_limits {
    int64_t connections;             /* in all, per process */
    int64_t connections_per_address; /* IPv4 address or IPv6 /64 */
    int64_t connections_per_ipv4_24;
    int64_t connections_per_ipv6_56;
    int64_t connections_per_ipv6_48;
    int64_t handshakes_per_second; /* TLS, of an IPv4 /24 or IPv6 /48, once … */
    int64_t handshake_burst;       /* … so many were not made before */
    int64_t requests_per_connection;
    int64_t connection_age_ms;         /* however busy */
    int64_t handshake_ms;              /* TLS handshake */
    int64_t request_ms;                /* from the first octet of a request to its last */
    int64_t idle_ms;                   /* kept-alive, between requests */
    int64_t unread_ms;                 /* an answer not taken for so long: the first to go */
    int64_t header_octets;             /* request line and fields */
    int64_t header_plain_octets;       /* the same on listen.plain, where proxies add fields */
    int64_t memory_octets;             /* what all connections may make this process hold */
    int64_t memory_per_address_octets; /* what those of one IPv4 address or IPv6 /64 may */
    int64_t concurrent_streams;        /* HTTP/2, per connection */
    int64_t drain_ms;                  /* after drain_notice, then connections are cut */
    int64_t drain_notice_ms;   /* after SIGTERM: health is red, and all is answered as before */
    int64_t debounce_ms;       /* quiet time before a change is applied */
    int64_t write_wait_ms;     /* a file that is open for writing, and quiet */
    int64_t settle_ms;         /* between two looks at a file nobody tells of */
    int64_t vanish_ms;         /* a file must be gone this long before its domains are taken away */
    int64_t removal_percent;   /* a change that removes more than this … */
    int64_t removal_domains;   /* … and at least this many domains is held */
    int64_t hook_ms;           /* one call of dns.hook */
    int64_t rescan_ms;         /* for trees that cannot be watched */
    int64_t certificate_cache; /* parsed certificates kept per worker */
    struct settings_networks uncounted; /* balancers, gateways: no limit by address or network */
};

/* The kinds of challenge, by RFC 8555 §8.3 and §8.4 and RFC 8737. */
enum settings_challenge {
    CHALLENGE_HTTP_01,
    CHALLENGE_TLS_ALPN_01,
    CHALLENGE_DNS_01,
    CHALLENGE_KINDS
};
/* "http-01", … */
const char *settings_challenge_name(enum settings_challenge kind);

/* A CA that certificates are ordered from. */
struct settings_directory {
    char *name;               /* as configured: "letsencrypt", or the URL */
    char *url;                /* https */
    char *trust;              /* absolute path of a PEM file of roots; NULL: the system's */
    char *eab_kid;            /* external account binding; NULL: none */
    char *eab_key_file;       /* absolute; holds the key in base64url */
    char *profile;            /* NULL: the CA's own choice */
    bool profile_required;    /* no certificate rather than one of another profile */
    char *preferred_chain;    /* common name of an issuer that the chain should have; NULL: any */
    struct settings_list caa; /* issuer names for CAA; empty: those of the directory */
};

struct settings_acme {
    bool agree_terms;
    struct settings_list contacts;          /* "mailto:…" */
    struct settings_directory *directories; /* tried in order; at least one */
    size_t directory_count;
    enum settings_challenge challenges[CHALLENGE_KINDS]; /* tried in order; at least one */
    size_t challenge_count;
    bool preflight_dns;
    bool preflight_caa;
    int64_t preflight_http_port;  /* 0: no fetch of our own token */
    int64_t preflight_https_port; /* 0: no look for our own tls-alpn-01 certificate */
    char *hook;                   /* a program that is told of each new certificate; NULL: none */
    bool take_over;               /* names whose certificate in `certificates` nears its end */
    int64_t orders;               /* new orders per … */
    int64_t orders_window_s;      /* … so many seconds and account */
    int64_t in_flight;            /* orders under way at once */
    int64_t failover_after;       /* failures of one host before the next CA is tried */

    struct settings_networks preflight_addresses; /* that it may ask, though they are not public */
};

/* How closely providers' policies are followed (policies/mirror/mirror.h). */
struct settings_mirror {
    int64_t look_ms;    /* between two looks at the TXT record */
    int64_t fetch_ms;   /* the policy is fetched at least so often */
    int64_t timeout_ms; /* of one fetch */

    struct settings_networks addresses; /* that may be asked, though they are not public */
};

enum settings_access_log { ACCESS_LOG_OFF, ACCESS_LOG_COMBINED, ACCESS_LOG_JSON };

struct settings {
    char *file; /* the configuration file itself; absolute */
    char *text; /* what it said */

    struct settings_list policies;         /* directories or files */
    struct settings_list policies_written; /* the same, each as the file writes it */
    struct settings_list certificates;     /* directories or files */
    struct settings_listens https;
    struct settings_listens http;
    struct settings_listens plain;
    struct settings_admin admin;
    char *webroot; /* of `listen.http`: where another ACME client puts its tokens; NULL: nowhere */
    char *health_path; /* `listen.health`: what a balancer asks for by address; NULL: nothing */
    char *state;
    char *control;       /* the control socket */
    char *control_older; /* where it was in versions before, and is where the other's directory is
                            missing; NULL: nowhere else, it is configured */
    char *control_group; /* whose members may ask; NULL: that of the process */
    char *panel_group;   /* whose members may change the panel's file as well; NULL: nobody's */
    char *panel;         /* the file that add, set and remove write; one more of `policies` where it
                            is there (settings_load) */
    bool panel_is_wanted; /* the configuration names it: a server makes it where it is missing */
    char *user;           /* NULL: stay who started us */
    int64_t workers;      /* 0: one per core */
    int64_t rescan_ms;    /* `rescan:`; 0: rely on inotify */
    bool http2;
    bool session_tickets;
    bool core_dumps; /* for debugging: they may have keys in them */
    bool snapshot;   /* certificates with their keys are remembered under `state` */
    char *root_text; /* answer to GET /; NULL: 404 */

    int64_t default_max_age_s;
    char *default_tlsrpt; /* encoded URIs joined by commas; NULL: none */
    bool ids_derived;     /* `ids: derived`: bump-id inserts none */

    char *dns_delegate; /* lower-case, no final dot; NULL: none */
    char *dns_host;     /* where tenants point mta-sts.TENANT; NULL: none */
    int64_t dns_ttl_s;
    struct settings_list dns_resolvers; /* "ADDRESS:PORT" */
    char *dns_hook;            /* absolute path of a program (lib/dns/hook.h); NULL: none */
    char *dns_update_key_file; /* absolute (lib/dns/tsig_key.h); NULL: no updates */
    char *dns_update_server;   /* "ADDRESS:PORT"; NULL: by the zone's SOA record */
    char *dns_update_zone;     /* lower-case, no final dot; NULL: by SOA */

    struct settings_mirror mirror;
    struct settings_acme *acme; /* NULL: no ACME */

    enum settings_access_log access_log;
    char *access_log_file; /* NULL: the log's own place */

    struct settings_limits limits;
};

/* `-c FILE`, else $MTASTS_HOST_CONFIG, else /etc/mtasts-host/mtasts-host.yaml. OPTION may be
 * NULL. */
const char *settings_find(const char *option);

/* What a new main configuration begins with, as packages install it. */
#define SETTINGS_EXAMPLE         "/usr/share/doc/mtasts-host/examples/mtasts-host.yaml"
#define SETTINGS_DEFAULT_STATE   "/var/lib/mtasts-host"
#define SETTINGS_DEFAULT_CONTROL "/run/mtasts-host/control.sock"
enum { SETTINGS_TEXT_MAX = 1024 * 1024 };

/* Loads FILE. False: D has at least one error. Free with settings_free. */
bool settings_load(const char *file, struct settings **ret_settings, struct diagnostics *d)
    MUST_USE;
/* The same from text, without a look at the disk. FILE names it and is what relative paths are
 * relative to. */
bool settings_parse(struct bytes text, const char *file, struct settings **ret_settings,
                    struct diagnostics *d) MUST_USE;
void settings_free(struct settings *settings);

/* The panel's file is one more of the policies; without effect where it is already. */
void settings_add_panel(struct settings *settings);
/* The same where it is there: what settings_load does, for who has settings from elsewhere. */
void settings_look_for_panel(struct settings *settings);

/* FILE, which may be relative to where we are. The caller frees it. */
char *settings_absolute_file(const char *file);
/* `state` of TEXT, that of the configuration FILE (absolute), though the rest of it be in error: an
 * absolute path; NULL: it names none that can be read. The caller frees it. */
char *settings_find_state(struct bytes text, const char *file);

/* The control socket at which a server is to be asked: of the two where one may be, the one that is
 * there. Looks at the disk. */
const char *settings_control(const struct settings *settings);

/* What the configuration calls the CA whose directory is URL: "letsencrypt"; the URL itself where
 * the configuration does not have it (any more). */
const char *settings_ca_name(const struct settings *settings, const char *url);

/* Whether one of our own listeners is bound to a loopback address by name: then a name that leads
 * to one leads to us, as in tests, or where a proxy stands before us on the same host. */
bool settings_listen_on_loopback(const struct settings *settings);

/* For `reload`: appends the names of the keys in which A and B differ and that only a restart
 * applies, comma-separated; nothing where there are none. */
struct buffer;
void settings_restart_needed(const struct settings *a, const struct settings *b,
                             struct buffer *names);

/* A limit as the file and the man page write it. */
struct settings_limit {
    const char *key;
    const char *normal; /* the default */
    const char *min;
    const char *max;
    const char *about; /* what it bounds */
};

/* Calls VISIT for each. */
void settings_limits_each(void (*visit)(const struct settings_limit *limit, void *context),
                          void *context);

#endif
