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

void settings_mirror_default(struct settings_mirror *mirror)
{
    for (size_t i = 0; i < ARRAY_LENGTH(DURATIONS); i++) {
        *(int64_t *)((char *)mirror + DURATIONS[i].offset) = DURATIONS[i].normal;
    }
}

bool settings_read_mirror(const struct yaml_pair *pair, void *target,
                          struct fields_context *context)
{
    struct settings *settings = target;
    struct field fields[ARRAY_LENGTH(DURATIONS) + 1];
    for (size_t i = 0; i < ARRAY_LENGTH(DURATIONS); i++) {
        fields[i] =
            (struct field){DURATIONS[i].key, fields_read_duration_ms, .offset = DURATIONS[i].offset,
                           .min = DURATIONS[i].min, .max = DURATIONS[i].max};
    }
    fields[ARRAY_LENGTH(DURATIONS)] = (struct field){
        "addresses", settings_read_networks, .offset = offsetof(struct settings_mirror, addresses)};
    return fields_read(pair, "mirror", fields, ARRAY_LENGTH(fields), &settings->mirror, context);
}
