#include "base64url.h"

#include <limits.h>

#include <openssl/evp.h>

/* The two letters in which base64url differs from base64. */
static char to_url(char c)
{
    return c == '+' ? '-' : c == '/' ? '_' : c;
}

static char from_url(char c)
{
    return c == '-' ? '+' : c == '_' ? '/' : c;
}

static bool is_letter_of_base64url(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

void base64url_add(struct bytes octets, struct buffer *out)
{
    if (octets.n > INT_MAX / 2) { /* OpenSSL counts in int */
        out->overflow = true;
        return;
    }
    char *text = buffer_reserve(out, (octets.n + 2) / 3 * 4); /* a NUL fits behind it */
    if (text == NULL) {
        return;
    }
    EVP_EncodeBlock((unsigned char *)text, (const unsigned char *)octets.p, (int)octets.n);
    size_t n = (octets.n * 4 + 2) / 3; /* without the padding */
    for (size_t i = 0; i < n; i++) {
        text[i] = to_url(text[i]);
    }
    text[n] = '\0';
    out->n += n;
}

static struct bytes without_padding(struct bytes text)
{
    if (text.n != 0 && text.n % 4 == 0) {
        for (int i = 0; i < 2 && text.p[text.n - 1] == '='; i++) {
            text.n--;
        }
    }
    return text;
}

/* One to four letters to one octet less. */
static bool decode_quartet(struct bytes letters, struct buffer *out)
{
    unsigned char quartet[4] = {'A', 'A', 'A', 'A'}; /* zeros where the text ends */
    unsigned char octets[3];
    for (size_t i = 0; i < letters.n; i++) {
        if (!is_letter_of_base64url(letters.p[i])) {
            return false;
        }
        quartet[i] = (unsigned char)from_url(letters.p[i]);
    }
    if (EVP_DecodeBlock(octets, quartet, sizeof(quartet)) != sizeof(octets)) {
        return false;
    }
    buffer_add(out, (struct bytes){(const char *)octets, letters.n - 1});
    return true;
}

bool base64url_decode(struct bytes text, struct buffer *out)
{
    text = without_padding(text);
    /* Room for all at once, so that no secret is left behind where the buffer grows. */
    if (text.n > INT_MAX || text.n % 4 == 1 || buffer_reserve(out, text.n * 3 / 4) == NULL) {
        return false;
    }
    for (; text.n != 0; text = bytes_skip(text, 4)) {
        if (!decode_quartet((struct bytes){text.p, text.n < 4 ? text.n : 4}, out)) {
            return false;
        }
    }
    return true;
}
