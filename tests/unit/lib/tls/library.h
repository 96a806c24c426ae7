/* The library under test, one for all tests of a group. */
#ifndef TESTS_UNIT_LIB_TLS_LIBRARY_H
#define TESTS_UNIT_LIB_TLS_LIBRARY_H

#include "lib/tls/tls_library.h"

static struct tls_library *library;

static int set_up(void **state)
{
    (void)state;
    struct error e = {0};
    return tls_library_new(&library, &e) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    tls_library_free(library);
    return 0;
}

#endif
