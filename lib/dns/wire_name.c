#include "wire_name.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/memory.h"

char *dns_wire_name_text(const ldns_rdf *name)
{
    char *text = ldns_rdf2str(name);
    if (text == NULL) {
        abort(); /* out of memory */
    }
    size_t n = strlen(text);
    char *copy = memory_string_of((struct bytes){text, n != 0 ? n - 1 : 0});
    LDNS_FREE(text);
    return copy;
}
