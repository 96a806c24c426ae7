#include "error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void error_format(struct error *e, enum error_code code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    *e = (struct error){.code = code};
    vsnprintf(e->text, sizeof(e->text), format, arguments);
    va_end(arguments);
}

void error_format_system(struct error *e, const char *format, ...)
{
    int system_errno = errno;
    char what[sizeof(e->text) - 128];
    char why[128];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    error_format(e, ERROR_SYSTEM, "%s: %s", what, strerror_r(system_errno, why, sizeof(why)));
    e->system_errno = system_errno;
}

void error_format_prefix(struct error *e, const char *format, ...)
{
    char prefix[sizeof(e->text)];
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(prefix, sizeof(prefix), format, arguments);
    va_end(arguments);
    if (n <= 0 || (size_t)n >= sizeof(prefix)) {
        return;
    }
    size_t kept = strlen(e->text);
    if (kept > sizeof(e->text) - 1 - (size_t)n) {
        kept = sizeof(e->text) - 1 - (size_t)n;
    }
    memmove(e->text + n, e->text, kept);
    memcpy(e->text, prefix, (size_t)n);
    e->text[(size_t)n + kept] = '\0';
}
