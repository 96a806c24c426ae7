/* The table of all limits, and who is not counted. */
#include <inttypes.h>

#include "settings_parts.h"

enum kind { NUMBER, PERCENT, DURATION, SIZE };

struct limit {
    const char *key;
    size_t offset;
    enum kind kind;
    int64_t normal; /* milliseconds, octets */
    int64_t min;
    int64_t max;
    const char *about;
};

#define KIB        INT64_C(1024)
#define MIB        (1024 * KIB)
#define GIB        (1024 * MIB)
#define MILLION    INT64_C(1000000)
#define SECOND     INT64_C(1000)
#define MINUTE     (60 * SECOND)
#define HOUR       (60 * MINUTE)
#define DAY        (24 * HOUR)

#define AT(member) offsetof(struct settings_limits, member)

/* Members of settings_limits that are numbers; `uncounted` is a list and read for itself.
 *
 * A sender needs one connection, one request and well under a second; the defaults are generous to
 * it, and small to everybody else. */
static const struct limit LIMITS[] = {
    {"connections", AT(connections), NUMBER, 10000, 1, MILLION,
     "Connections at a time, in all. Further ones wait until one ends."},
    {"connections_per_address", AT(connections_per_address), NUMBER, 100, 1, MILLION,
     "Connections at a time from one IPv4 address or IPv6 /64. Further ones are closed."},
    {"connections_per_ipv4_24", AT(connections_per_ipv4_24), NUMBER, 1000, 1, MILLION,
     "Connections at a time from one IPv4 /24. Further ones are closed."},
    {"connections_per_ipv6_56", AT(connections_per_ipv6_56), NUMBER, 300, 1, MILLION,
     "Connections at a time from one IPv6 /56, which is a house or an office. Further ones are "
     "closed."},
    {"connections_per_ipv6_48", AT(connections_per_ipv6_48), NUMBER, 1000, 1, MILLION,
     "Connections at a time from one IPv6 /48, which is a site. Further ones are closed."},
    {"handshakes_per_second", AT(handshakes_per_second), NUMBER, 500, 1, MILLION,
     "TLS handshakes a second from one IPv4 /24 or IPv6 /48, beyond handshake_burst. Further "
     "connections are closed at once."},
    {"handshake_burst", AT(handshake_burst), NUMBER, 5000, 1, MILLION,
     "TLS handshakes that one IPv4 /24 or IPv6 /48 may make at once; handshakes_per_second says "
     "how fast it may make them again."},
    {"requests_per_connection", AT(requests_per_connection), NUMBER, 100, 1, MILLION,
     "Requests after which a connection is closed."},
    {"connection_age", AT(connection_age_ms), DURATION, MINUTE, SECOND, HOUR,
     "Time after which a connection is closed, however busy it is."},
    {"handshake", AT(handshake_ms), DURATION, 10 * SECOND, 100, 5 * MINUTE,
     "Time for a TLS handshake."},
    {"request", AT(request_ms), DURATION, 10 * SECOND, 100, 5 * MINUTE,
     "Time from the first octet of a request to its last, and then for all of its answer to be "
     "taken."},
    {"idle", AT(idle_ms), DURATION, 15 * SECOND, 100, HOUR,
     "Time that a connection is kept between two requests."},
    {"unread", AT(unread_ms), DURATION, 2 * SECOND, 100, 5 * MINUTE,
     "Time after which whoever does not take an answer is the first to be cut, where there is no "
     "room for others."},
    {"header", AT(header_octets), SIZE, 4 * KIB, KIB, 256 * KIB,
     "Octets of a request's line and header fields together, where each field counts 32 more than "
     "it "
     "has. HTTP/2 announces it."},
    {"header_plain", AT(header_plain_octets), SIZE, 16 * KIB, KIB, 256 * KIB,
     "The same on listen.plain, where proxies add fields."},
    {"memory", AT(memory_octets), SIZE, 64 * MIB, MIB, 64 * GIB,
     "Memory that requests and answers of all connections may hold together, beside what each "
     "connection takes anyway: at most 36 KiB, in its handshake 85 KiB. Where it is used up, who "
     "holds the most is cut."},
    {"memory_per_address", AT(memory_per_address_octets), SIZE, MIB, 64 * KIB, 64 * GIB,
     "Memory that the connections from one IPv4 address or IPv6 /64 together may take."},
    {"concurrent_streams", AT(concurrent_streams), NUMBER, 16, 1, 1000,
     "HTTP/2 requests at a time in one connection."},
    {"drain", AT(drain_ms), DURATION, 10 * SECOND, 0, HOUR,
     "Time that open connections have after SIGTERM, and after drain_notice, before they are cut."},
    {"drain_notice", AT(drain_notice_ms), DURATION, 0, 0, HOUR,
     "Time after SIGTERM in which everything is answered as before, but for health (listen.admin, "
     "listen.health): a balancer sees that, and sends its clients elsewhere."},
    {"debounce", AT(debounce_ms), DURATION, 50, 0, 10 * SECOND,
     "Time without further changes before changed files are read."},
    {"write_wait", AT(write_wait_ms), DURATION, 10 * SECOND, SECOND, HOUR,
     "A file that is written to in place is read when its writer closes it. Where nothing was "
     "written "
     "to it for so long and nobody has closed it, it is read as it stands, and what it would take "
     "away is held."},
    {"settle", AT(settle_ms), DURATION, 2 * SECOND, 0, HOUR,
     "Where the kernel does not tell of changes, a file counts when it is the same in two looks so "
     "far apart."},
    {"vanish", AT(vanish_ms), DURATION, 5 * SECOND, 0, DAY,
     "Time that a file must be gone before its domains are taken away."},
    {"removal_percent", AT(removal_percent), PERCENT, 10, 0, 100,
     "A change that would take away more than this share of all domains, and at least "
     "removal_domains of them, is held until it is accepted. 100 holds none."},
    {"removal_domains", AT(removal_domains), NUMBER, 50, 1, 100 * MILLION, "See removal_percent."},
    {"hook", AT(hook_ms), DURATION, 2 * MINUTE, SECOND, HOUR,
     "Time for one call of dns.hook or acme.hook, then it is killed."},
    {"rescan", AT(rescan_ms), DURATION, 5 * MINUTE, SECOND, DAY,
     "Time between two looks at a tree that the kernel cannot watch."},
    {"certificate_cache", AT(certificate_cache), NUMBER, 20000, 2, MILLION,
     "Certificates kept parsed by each worker, about 4 KiB each."},
};

void settings_limits_default(struct settings_limits *limits)
{
    for (size_t i = 0; i < ARRAY_LENGTH(LIMITS); i++) {
        *(int64_t *)((char *)limits + LIMITS[i].offset) = LIMITS[i].normal;
    }
}

bool settings_read_limits(const struct yaml_pair *pair, void *target,
                          struct fields_context *context)
{
    static bool (*const READ[])(const struct yaml_pair *number, void *place,
                                struct fields_context *its_context) = {
        [NUMBER] = fields_read_integer,
        [PERCENT] = fields_read_integer,
        [DURATION] = fields_read_duration_ms,
        [SIZE] = fields_read_size,
    };
    struct settings *settings = target;
    struct field fields[ARRAY_LENGTH(LIMITS) + 1];
    for (size_t i = 0; i < ARRAY_LENGTH(LIMITS); i++) {
        fields[i] = (struct field){LIMITS[i].key, READ[LIMITS[i].kind], .offset = LIMITS[i].offset,
                                   .min = LIMITS[i].min, .max = LIMITS[i].max};
    }
    /* Who is not counted. */
    fields[ARRAY_LENGTH(LIMITS)] = (struct field){
        "uncounted", settings_read_networks, .offset = offsetof(struct settings_limits, uncounted)};
    return fields_read(pair, "limits", fields, ARRAY_LENGTH(fields), &settings->limits, context);
}

static void format(enum kind kind, int64_t value, struct buffer *out)
{
    buffer_reset(out);
    switch (kind) {
    case DURATION:
        fields_format_duration_ms(value, out);
        break;
    case SIZE:
        fields_format_size(value, out);
        break;
    case NUMBER:
    case PERCENT:
        buffer_printf(out, "%" PRId64, value);
        break;
    }
}

void settings_limits_each(void (*visit)(const struct settings_limit *limit, void *context),
                          void *context)
{
    for (size_t i = 0; i < ARRAY_LENGTH(LIMITS); i++) {
        const struct limit *limit = &LIMITS[i];
        CLEANUP(buffer_clear) struct buffer normal = BUFFER(64);
        CLEANUP(buffer_clear) struct buffer min = BUFFER(64);
        CLEANUP(buffer_clear) struct buffer max = BUFFER(64);
        format(limit->kind, limit->normal, &normal);
        format(limit->kind, limit->min, &min);
        format(limit->kind, limit->max, &max);
        visit(&(struct settings_limit){limit->key, normal.p, min.p, max.p, limit->about}, context);
    }
}
