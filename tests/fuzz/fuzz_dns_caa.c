/* One CAA record: its parts lie inside the input, and one that is not malformed names a host, or
 * nobody, and has parameters of printable characters only. */
#include <stdint.h>
#include <stdlib.h>

#include "lib/dns/caa.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static bool lies_inside(struct bytes part, struct bytes whole)
{
    return part.n == 0 || (part.p >= whole.p && part.n <= whole.n &&
                           (size_t)(part.p - whole.p) <= whole.n - part.n);
}

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Labels of letters, digits and inner hyphens. */
static void check_issuer(struct bytes issuer)
{
    for (size_t i = 0; i < issuer.n; i++) {
        bool inner = i != 0 && i + 1 != issuer.n && is_letter_or_digit(issuer.p[i + 1]);
        require(is_letter_or_digit(issuer.p[i]) ||
                (issuer.p[i] == '.' && inner && is_letter_or_digit(issuer.p[i - 1])) ||
                (issuer.p[i] == '-' && i != 0 && issuer.p[i - 1] != '.' && i + 1 != issuer.n &&
                 issuer.p[i + 1] != '.'));
    }
}

static void check_parameter(struct bytes value)
{
    for (size_t i = 0; i < value.n; i++) {
        require(value.p[i] > ' ' && value.p[i] < 0x7f && value.p[i] != ';');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes rdata = {(const char *)data, size};
    struct dns_caa_record record;
    if (!dns_caa_parse(rdata, &record)) {
        require(size < 2 || data[1] == 0 || size - 2 < data[1]);
        return 0;
    }
    require(record.tag.n != 0 && lies_inside(record.tag, rdata));
    require(lies_inside(record.issuer, rdata));
    require(lies_inside(record.account_uri, rdata) && lies_inside(record.methods, rdata));
    require(record.critical == (data[0] >= 0x80));
    require(record.has_account_uri || record.account_uri.n == 0);
    require(record.has_methods || record.methods.n == 0);
    if (record.malformed) {
        require(record.issuer.n == 0 && !record.has_account_uri && !record.has_methods);
    }
    check_issuer(record.issuer);
    check_parameter(record.account_uri);
    check_parameter(record.methods);
    return 0;
}
