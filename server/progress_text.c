#include "progress_text.h"

#include <stdio.h>

enum { DIGITS_MAX = 32, GROUP = 3 };

/* With a comma between thousands, whatever the locale is. */
static void group_digits(size_t number, char ret_text[DIGITS_MAX])
{
    char digits[DIGITS_MAX];
    int n = snprintf(digits, sizeof(digits), "%zu", number);
    char *out = ret_text;
    for (int i = 0; i < n; i++) {
        if (i != 0 && (n - i) % GROUP == 0) {
            *out++ = ',';
        }
        *out++ = digits[i];
    }
    *out = '\0';
}

void progress_text(const struct loader_progress *progress, char ret_text[PROGRESS_TEXT_MAX])
{
    char done[DIGITS_MAX];
    char total[DIGITS_MAX];
    group_digits(progress->certificates, done);
    group_digits(progress->certificates_total, total);
    if (!progress->policies_known) {
        (void)snprintf(ret_text, PROGRESS_TEXT_MAX, "Loading: policies");
    } else if (progress->loaded) {
        (void)snprintf(ret_text, PROGRESS_TEXT_MAX, "Loading: certificates by ACME");
    } else {
        (void)snprintf(ret_text, PROGRESS_TEXT_MAX, "Loading: %s of %s certificates", done, total);
    }
}
