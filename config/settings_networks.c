/* Lists of networks, wherever the main configuration has one. */
#include "settings_parts.h"

static bool add_network(const struct yaml_node *item, void *target, struct fields_context *context)
{
    struct settings_networks *networks = target;
    if (networks->count == SETTINGS_NETWORKS_MAX) {
        return fields_error(context, &item->start, "more than %d networks; remove some",
                            SETTINGS_NETWORKS_MAX);
    }
    struct error e;
    if (!network_parse(item->text, &networks->items[networks->count], &e)) {
        return fields_error(context, &item->start, "%s", e.text);
    }
    networks->count++;
    return true;
}

bool settings_read_networks(const struct yaml_pair *pair, void *target,
                            struct fields_context *context)
{
    return fields_strings(pair, add_network, target, context);
}
