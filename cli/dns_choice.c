#include "dns_choice.h"

bool dns_choice_open(const struct invocation_values *given, const struct settings *settings,
                     struct dns_resolver **ret_resolver, struct error *e)
{
    if (given->count != 0) {
        return dns_resolver_new(given->items, given->count, ret_resolver, e);
    }
    const struct settings_list none = {0};
    const struct settings_list *servers = settings != NULL ? &settings->dns_resolvers : &none;
    return dns_resolver_new((const char *const *)servers->items, servers->count, ret_resolver, e);
}
