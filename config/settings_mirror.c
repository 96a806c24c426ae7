/* `mirror:` — how closely shared policies follow the providers' own. */
#include "settings_parts.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define DAY    (1440 * MINUTE)

struct duration {
    const char *key;
    size_t offset;
    int64_t normal; /* milliseconds */
    int64_t min;
    int64_t max;
};

#define AT(member) offsetof(struct settings_mirror, member)

/* RFC 8461 §8.2 takes a minute to be reasonable for who proxies a provider's policy; a look at a
 * TXT record is cheaper still, and mostly answered by the resolver's own cache. */
static const struct duration DURATIONS[] = {
    {"look", AT(look_ms), 5 * MINUTE, SECOND, DAY},
    {"fetch", AT(fetch_ms), DAY, SECOND, 30 * DAY},
    {"timeout", AT(timeout_ms), 20 * SECOND, SECOND, MINUTE},
};

#undef AT

static int64_t *value_of(struct settings_mirror *mirror, const struct duration *duration)
{
    return (int64_t *)((char *)mirror + duration->offset);
}

void settings_mirror_default(struct settings_mirror *mirror)
{
    for (size_t i = 0; i < ARRAY_LENGTH(DURATIONS); i++) {
        *value_of(mirror, &DURATIONS[i]) = DURATIONS[i].normal;
    }
}

static bool read_duration(const struct yaml_pair *pair, void *target,
                          struct fields_context *context)
{
    const struct duration *duration = DURATIONS;
    while (!bytes_equal(bytes_of(duration->key), pair->key->text)) {
        duration++; /* fields_read gives us known keys alone */
    }
    return fields_duration_ms(pair, duration->min, duration->max, value_of(target, duration),
                              context);
}

static bool read_addresses(const struct yaml_pair *pair, void *target,
                           struct fields_context *context)
{
    return settings_read_networks(pair, &((struct settings_mirror *)target)->addresses, context);
}

bool settings_read_mirror(const struct yaml_pair *pair, void *target,
                          struct fields_context *context)
{
    struct settings *settings = target;
    struct field fields[ARRAY_LENGTH(DURATIONS) + 1];
    for (size_t i = 0; i < ARRAY_LENGTH(DURATIONS); i++) {
        fields[i] = (struct field){DURATIONS[i].key, read_duration, 0};
    }
    fields[ARRAY_LENGTH(DURATIONS)] = (struct field){"addresses", read_addresses, 0};
    return fields_read(pair, "mirror", fields, ARRAY_LENGTH(fields), &settings->mirror, context);
}
