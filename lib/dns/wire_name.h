/* A name as ldns has it, as text. */
#ifndef LIB_DNS_WIRE_NAME_H
#define LIB_DNS_WIRE_NAME_H

#include <ldns/ldns.h>

/* NAME without its last dot, characters as they came; the caller frees it. */
char *dns_wire_name_text(const ldns_rdf *name);

#endif
