#include "der.h"

#include <openssl/asn1.h>
#include <openssl/err.h>

bool der_take(struct bytes *der, uint8_t identifier, struct bytes *ret_content)
{
    const unsigned char *p = (const unsigned char *)der->p;
    long length = 0;
    int tag = 0;
    int class = 0;
    if (der->n == 0 || der->n > INT32_MAX || *p != identifier) {
        return false;
    }
    int flags = ASN1_get_object(&p, &length, &tag, &class, (long)der->n);
    /* 0x80: damaged or longer than what is there; 1: BER's indefinite length. */
    if ((flags & 0x81) != 0) {
        ERR_clear_error();
        return false;
    }
    *ret_content = (struct bytes){(const char *)p, (size_t)length};
    *der = bytes_skip(*der, (size_t)((const char *)p - der->p) + (size_t)length);
    return true;
}

bool der_take_this(struct bytes *der, uint8_t identifier, struct bytes content)
{
    struct bytes rest = *der;
    struct bytes found;
    if (!der_take(&rest, identifier, &found) || !bytes_equal(found, content)) {
        return false;
    }
    *der = rest;
    return true;
}
