#include "error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/safe_text.h"

enum { TEXT_MAX = sizeof(((struct error *)NULL)->text) - SAFE_TEXT_ELLIPSIS_ROOM };

void error_format(struct error *e, enum error_code code, const char *format, ...)
{
    char text[sizeof(e->text)]; /* what does not fit here would not fit when it is safe, either */
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    *e = (struct error){.code = code};
    safe_text_cut(bytes_of(text), TEXT_MAX, e->text);
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
    char whole[2 * sizeof(e->text)];
    (void)snprintf(whole, sizeof(whole), "%s%s", prefix, e->text);
    safe_text_cut(bytes_of(whole), TEXT_MAX, e->text);
}
