#include <time.h>

#include "acme/protocol/messages_parts.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Takes N digits off *TEXT. */
static bool take_number(const char **text, int n, int *ret_value)
{
    int value = 0;
    for (int i = 0; i < n; i++) {
        if (!is_digit((*text)[i])) {
            return false;
        }
        value = value * 10 + (*text)[i] - '0';
    }
    *text += n;
    *ret_value = value;
    return true;
}

/* Takes a letter (small, or the same as a capital) or sign off *TEXT. */
static bool take(const char **text, char c)
{
    if (**text != c && !(c >= 'a' && c <= 'z' && **text == c - 'a' + 'A')) {
        return false;
    }
    (*text)++;
    return true;
}

/* Z, or hours and minutes that the local time is ahead of UTC; the text ends there. */
static bool take_offset(const char **text, int *ret_ahead_s)
{
    int hours = 0;
    int minutes = 0;
    if (!take(text, 'z')) {
        bool behind = take(text, '-');
        if ((!behind && !take(text, '+')) || !take_number(text, 2, &hours) || !take(text, ':') ||
            !take_number(text, 2, &minutes) || hours > 23 || minutes > 59) {
            return false;
        }
        hours = behind ? -hours : hours;
        minutes = behind ? -minutes : minutes;
    }
    *ret_ahead_s = hours * 3600 + minutes * 60;
    return **text == '\0';
}

/* ".", digits; what a second's fraction says is dropped. */
static bool skip_fraction(const char **text)
{
    if (!take(text, '.')) {
        return true;
    }
    if (!is_digit(**text)) {
        return false;
    }
    while (is_digit(**text)) {
        (*text)++;
    }
    return true;
}

/* RFC 3339 §5.6, from 1970 on. */
static bool parse_time(const char *text, int64_t *ret_s)
{
    struct tm tm = {0};
    int ahead_s = 0;
    if (!take_number(&text, 4, &tm.tm_year) || !take(&text, '-') ||
        !take_number(&text, 2, &tm.tm_mon) || !take(&text, '-') ||
        !take_number(&text, 2, &tm.tm_mday) || !take(&text, 't') ||
        !take_number(&text, 2, &tm.tm_hour) || !take(&text, ':') ||
        !take_number(&text, 2, &tm.tm_min) || !take(&text, ':') ||
        !take_number(&text, 2, &tm.tm_sec) || !skip_fraction(&text) ||
        !take_offset(&text, &ahead_s)) {
        return false;
    }
    /* A leap second (60) counts as the one after it. */
    if (tm.tm_year < 1970 || tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_hour > 23 ||
        tm.tm_min > 59 || tm.tm_sec > 60) {
        return false;
    }
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    struct tm day = {.tm_year = tm.tm_year, .tm_mon = tm.tm_mon, .tm_mday = tm.tm_mday};
    /* timegm() takes 31 February for 3 March. */
    if (timegm(&day) == -1 || day.tm_mday != tm.tm_mday) {
        return false;
    }
    *ret_s = (int64_t)timegm(&tm) - ahead_s;
    return true;
}

static bool read_time(const struct acme_part *window, const char *key, int64_t *ret_s,
                      struct error *e)
{
    const char *text = json_string_value(acme_part_get(window, key));
    if (text == NULL || !parse_time(text, ret_s)) {
        return error_set(e, ERROR_SYNTAX, "%s has no %s that is a time of RFC 3339; %s",
                         window->what, key, window->advice);
    }
    return true;
}

bool acme_renewal_info_parse(struct bytes json, struct acme_renewal_info *ret_info, struct error *e)
{
    json_auto_t *root = NULL;
    struct acme_renewal_info info = {0};
    struct acme_part part = {.what = "the renewal information", .advice = "report it to the CA"};
    if (!acme_message_load(json, &part, &root, e)) {
        return false;
    }
    struct acme_part window = {.what = "the suggestedWindow",
                               .advice = part.advice,
                               .object = acme_part_get(&part, "suggestedWindow")};
    if (!json_is_object(window.object)) {
        return error_set(e, ERROR_SYNTAX, "%s has no suggestedWindow; %s", part.what, part.advice);
    }
    if (!read_time(&window, "start", &info.start_s, e) ||
        !read_time(&window, "end", &info.end_s, e)) {
        return false;
    }
    if (info.end_s <= info.start_s) { /* RFC 9773 §4.2: as if no answer had come */
        return error_set(e, ERROR_SYNTAX, "%s does not end after its start; %s", window.what,
                         window.advice);
    }
    acme_part_link(&part, "explanationURL", info.explanation, sizeof(info.explanation));
    *ret_info = info;
    return true;
}
