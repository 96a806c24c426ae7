/* What no server can do without, measured without a server: prints one JSON object of microseconds.
 *
 *     bench_floor SERVER_CORE CLIENT_CORE
 *
 *     sign_us, agree_us, keygen_us   of a full TLS 1.3 handshake: a P-256 signature, an X25519 key
 *                                    agreement, and the key pair that it takes
 *     sign_beside_us                 a signature while the other core signs too: what is more than
 *                                    sign_us, two workers lose to the machine
 *     connection_us                  CPU time of accept4, two reads, two writes and a close, with
 *                                    as many octets as a fetch has, and no TLS
 *     connections                    as many were measured
 *
 * Connections are made of blocking calls of one process that answers one connection at a time: what
 * an event loop adds is the server's. */
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/evp.h>

#include "lib/base/memory.h"

enum {
    CONNECTIONS = 20000,
    OPERATIONS = 5000,
    /* ClientHello; ServerHello to Finished with leaf and intermediate; Finished and request;
     * answer.
     */
    HELLO_OCTETS = 260,
    FLIGHT_OCTETS = 1500,
    REQUEST_OCTETS = 230,
    ANSWER_OCTETS = 420,
};

static double cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static bool sign(EVP_PKEY *key)
{
    static const unsigned char text[130];
    unsigned char signature[128];
    size_t n = sizeof(signature);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
                EVP_DigestSign(context, signature, &n, text, sizeof(text)) == 1;
    EVP_MD_CTX_free(context);
    return good;
}

static bool agree(EVP_PKEY *key)
{
    unsigned char secret[32];
    size_t n = sizeof(secret);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    bool good = EVP_PKEY_derive_init(context) == 1 && EVP_PKEY_derive_set_peer(context, key) == 1 &&
                EVP_PKEY_derive(context, secret, &n) == 1;
    EVP_PKEY_CTX_free(context);
    return good;
}

static bool make_key(EVP_PKEY *like)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(like, NULL);
    bool good = EVP_PKEY_keygen_init(context) == 1 && EVP_PKEY_keygen(context, &key) == 1;
    EVP_PKEY_free(key);
    EVP_PKEY_CTX_free(context);
    return good;
}

/* CPU time of one; negative where OpenSSL fails. */
static double time_of(bool (*operation)(EVP_PKEY *key), EVP_PKEY *key)
{
    bool good = operation(key); /* the first one looks for the algorithm */
    double began = cpu_us();
    for (int i = 0; good && i < OPERATIONS; i++) {
        good = operation(key);
    }
    return good ? (cpu_us() - began) / OPERATIONS : -1;
}

static bool pin(int core)
{
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(core, &cores);
    return sched_setaffinity(0, sizeof(cores), &cores) == 0;
}

/* The time of a signature on this core while CORE signs; negative where it fails. */
static double time_of_signature_beside(int core, EVP_PKEY *key)
{
    pid_t other = fork();
    if (other == 0) {
        bool good = pin(core);
        for (int i = 0; good && i < 100 * OPERATIONS; i++) { /* it is ended long before */
            good = sign(key);
        }
        _exit(1);
    }
    double took = other > 0 ? time_of(sign, key) : -1;
    int status = 0;
    bool ran = other > 0 && kill(other, SIGKILL) == 0 && waitpid(other, &status, 0) == other &&
               WIFSIGNALED(status);
    return ran ? took : -1;
}

static bool read_octets(int fd, size_t n)
{
    char octets[FLIGHT_OCTETS];
    return recv(fd, octets, n, MSG_WAITALL) == (ssize_t)n;
}

static bool write_octets(int fd, size_t n)
{
    static const char octets[FLIGHT_OCTETS];
    return send(fd, octets, n, MSG_NOSIGNAL) == (ssize_t)n;
}

static bool come_once(const struct sockaddr_in *to)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char octet = 0;
    bool good = fd >= 0 && connect(fd, (const struct sockaddr *)to, sizeof(*to)) == 0 &&
                write_octets(fd, HELLO_OCTETS) && read_octets(fd, FLIGHT_OCTETS) &&
                write_octets(fd, REQUEST_OCTETS) && read_octets(fd, ANSWER_OCTETS) &&
                recv(fd, &octet, 1, 0) == 0;
    close(fd);
    return good;
}

static bool serve_once(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    bool good = fd >= 0 && read_octets(fd, HELLO_OCTETS) && write_octets(fd, FLIGHT_OCTETS) &&
                read_octets(fd, REQUEST_OCTETS) && write_octets(fd, ANSWER_OCTETS);
    close(fd);
    return good;
}

/* CPU time of one; negative where it fails. */
static double time_of_connection(int server_core, int client_core)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, n) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &n) != 0 || listen(listener, 128) != 0) {
        return -1;
    }
    pid_t client = fork();
    if (client == 0) {
        bool good = pin(client_core);
        for (int i = 0; good && i < CONNECTIONS; i++) {
            good = come_once(&address);
        }
        _exit(good ? 0 : 1);
    }
    bool good = client > 0 && pin(server_core);
    double began = cpu_us();
    for (int i = 0; good && i < CONNECTIONS; i++) {
        good = serve_once(listener);
    }
    double took = cpu_us() - began;
    close(listener);
    int status = 0;
    good = waitpid(client, &status, 0) == client && status == 0 && good;
    return good ? took / CONNECTIONS : -1;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fputs("usage: bench_floor SERVER_CORE CLIENT_CORE\n", stderr);
        return 2;
    }
    int server_core = (int)strtol(argv[1], NULL, 10), client_core = (int)strtol(argv[2], NULL, 10);
    EVP_PKEY *p256 = EVP_EC_gen("P-256"), *x25519 = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
    bool good = pin(server_core) && p256 != NULL && x25519 != NULL;
    double signing = good ? time_of(sign, p256) : -1;
    double agreeing = good ? time_of(agree, x25519) : -1;
    double making = good ? time_of(make_key, x25519) : -1;
    double beside = good ? time_of_signature_beside(client_core, p256) : -1;
    double connection = good ? time_of_connection(server_core, client_core) : -1;
    EVP_PKEY_free(p256);
    EVP_PKEY_free(x25519);
    if (signing < 0 || agreeing < 0 || making < 0 || beside < 0 || connection < 0) {
        fputs("bench_floor: failed\n", stderr);
        return 1;
    }
    printf("{\"sign_us\": %.1f, \"agree_us\": %.1f, \"keygen_us\": %.1f, \"sign_beside_us\": %.1f, "
           "\"connection_us\": %.1f, \"connections\": %d}\n",
           signing, agreeing, making, beside, connection, CONNECTIONS);
    return 0;
}
