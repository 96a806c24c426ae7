/* A header of the PROXY protocol is the same however it is cut and whatever follows it, has its
 * bounds, and of a connection's octets nothing else is taken; whom a field of a request names needs
 * no such care, but must not be read past its end. */
#include <stdint.h>
#include <stdlib.h>

#include "server/engine/forwarded.h"
#include "server/engine/proxy_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct proxy_header whole;
    struct proxy_header part;
    struct sockaddr_storage client;
    const struct settings_networks nobody = {0};
    struct bytes input = {(const char *)data, size};
    enum proxy_header_state state = proxy_header_read(input, &whole);
    if (state == PROXY_HEADER_IS_WHOLE) {
        bool is_2 = data[0] == '\r';
        require(whole.octets <= size);
        require(whole.octets <= (is_2 ? PROXY_HEADER_2_MAX : PROXY_HEADER_1_MAX));
        require(proxy_header_read((struct bytes){input.p, whole.octets}, &part) == state);
        require(part.octets == whole.octets &&
                memcmp(&part.client, &whole.client, sizeof(part.client)) == 0);
        for (size_t n = 0; n < whole.octets; n++) {
            require(proxy_header_read((struct bytes){input.p, n}, &part) == PROXY_HEADER_IS_CUT);
        }
    }
    require(state != PROXY_HEADER_IS_CUT || size < PROXY_HEADER_2_MAX);
    (void)forwarded_client(FORWARDED_X_FORWARDED_FOR, input, &nobody, &client);
    (void)forwarded_client(FORWARDED_FORWARDED, input, &nobody, &client);
    return 0;
}
