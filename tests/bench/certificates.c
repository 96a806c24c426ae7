/* Makes certificates for benchmarks, each with a P-256 key of its own, by a throw-away CA.
 *
 *     bench_certificates --count N [--jobs J] DIRECTORY
 *
 *     --jobs J   processes that make them; as many as there are cores by default
 *
 * DIRECTORY/certs/mta-sts.tenant-0000000.example.pem … hold leaf, intermediate and private key, the
 * layout that every server of the benchmark reads; the names are those of bench_generate's domains.
 * DIRECTORY/root.pem is the CA's own certificate. All are valid for ten years. Nothing of the CA's
 * keys is kept. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "lib/base/file.h"
#include "number_argument.h"

enum {
    COUNT_MAX = 10 * 1000 * 1000,
    JOBS_MAX = 256,
    VALID_S = 10 * 365 * 86400,
    EARLIER_S = 3600,
};

struct plan {
    uint64_t count;
    uint64_t jobs;
    const char *directory;
};

struct issuer {
    X509 *certificate;
    EVP_PKEY *key;
};

static void issuer_clear(struct issuer *issuer)
{
    X509_free(issuer->certificate);
    EVP_PKEY_free(issuer->key);
}

/* OpenSSL takes the texts of extensions as they stand in a configuration file. */
static bool add_extension(X509 *certificate, X509V3_CTX *context, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, context, nid, value);
    bool added = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

static bool add_extensions(X509 *certificate, X509 *issuer, const char *host)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    bool added = add_extension(certificate, &context, NID_subject_key_identifier, "hash") &&
                 add_extension(certificate, &context, NID_authority_key_identifier, "keyid");
    if (host == NULL) {
        return added &&
               add_extension(certificate, &context, NID_basic_constraints, "critical,CA:TRUE") &&
               add_extension(certificate, &context, NID_key_usage, "critical,keyCertSign,cRLSign");
    }
    CLEANUP_FREE char *names = memory_printf("DNS:%s", host);
    return added &&
           add_extension(certificate, &context, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(certificate, &context, NID_key_usage, "critical,digitalSignature") &&
           add_extension(certificate, &context, NID_ext_key_usage, "serverAuth") &&
           add_extension(certificate, &context, NID_subject_alt_name, names);
}

/* A CA where HOST is NULL; signed by itself where ISSUER is NULL. */
static bool issue(const struct issuer *issuer, long serial, const char *subject, const char *host,
                  struct issuer *ret_issued)
{
    struct issuer made = {X509_new(), EVP_EC_gen("P-256")};
    const struct issuer *by = issuer != NULL ? issuer : &made;
    X509_NAME *name = X509_get_subject_name(made.certificate);
    bool done =
        made.key != NULL && X509_set_version(made.certificate, X509_VERSION_3) == 1 &&
        ASN1_INTEGER_set(X509_get_serialNumber(made.certificate), serial) == 1 &&
        X509_gmtime_adj(X509_getm_notBefore(made.certificate), -EARLIER_S) != NULL &&
        X509_gmtime_adj(X509_getm_notAfter(made.certificate), VALID_S) != NULL &&
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)subject, -1, -1,
                                   0) == 1 &&
        X509_set_issuer_name(made.certificate, X509_get_subject_name(by->certificate)) == 1 &&
        X509_set_pubkey(made.certificate, made.key) == 1 &&
        add_extensions(made.certificate, by->certificate, host) &&
        X509_sign(made.certificate, by->key, EVP_sha256()) > 0;
    if (!done) {
        fprintf(stderr, "bench_certificates: OpenSSL cannot make the certificate of %s\n", subject);
        issuer_clear(&made);
        return false;
    }
    *ret_issued = made;
    return true;
}

/* Without ISSUER and key: the certificate alone. */
static bool write_pem(const char *path, const struct issuer *leaf, const struct issuer *issuer)
{
    FILE *file = fopen(path, "we");
    if (file == NULL) {
        perror(path);
        return false;
    }
    bool good = PEM_write_X509(file, leaf->certificate) == 1;
    if (issuer != NULL) {
        good = good && PEM_write_X509(file, issuer->certificate) == 1 &&
               PEM_write_PrivateKey(file, leaf->key, NULL, NULL, 0, NULL, NULL) == 1;
    }
    good = fclose(file) == 0 && good;
    if (!good) {
        perror(path);
    }
    return good;
}

static bool issue_leaf(const struct issuer *by, uint64_t number, const char *directory)
{
    CLEANUP_FREE char *host = memory_printf("mta-sts.tenant-%07" PRIu64 ".example", number);
    CLEANUP_FREE char *path = memory_printf("%s/%s.pem", directory, host);
    CLEANUP(issuer_clear) struct issuer leaf = {NULL, NULL};
    return issue(by, (long)number + 3, host, host, &leaf) && write_pem(path, &leaf, by);
}

/* Processes, not threads: those would wait for each other at OpenSSL's locks. The JOBth of them
 * makes every JOBSth certificate, so that all are done at about the same time. */
static bool issue_leaves(const struct issuer *by, const struct plan *plan, const char *leaves)
{
    uint64_t started = 0, good = 0;
    for (; started < plan->jobs; started++) {
        pid_t child = fork();
        if (child < 0) {
            perror("bench_certificates: fork");
            break;
        }
        if (child == 0) {
            bool made = true;
            for (uint64_t i = started; made && i < plan->count; i += plan->jobs) {
                made = issue_leaf(by, i, leaves);
            }
            _exit(made ? 0 : 1);
        }
    }
    for (uint64_t job = 0; job < started; job++) {
        int status = 0;
        good += wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    return good == plan->jobs;
}

static bool make_all(const struct plan *plan)
{
    struct error e = {0};
    CLEANUP_FREE char *root_path = file_path_join(plan->directory, "root.pem");
    CLEANUP_FREE char *leaves = file_path_join(plan->directory, "certs");
    CLEANUP(issuer_clear) struct issuer root = {NULL, NULL};
    CLEANUP(issuer_clear) struct issuer intermediate = {NULL, NULL};
    if (!file_make_directories(leaves, 0755, &e)) {
        fprintf(stderr, "bench_certificates: %s\n", e.text);
        return false;
    }
    return issue(NULL, 1, "Throw-away root", NULL, &root) && write_pem(root_path, &root, NULL) &&
           issue(&root, 2, "Throw-away intermediate", NULL, &intermediate) &&
           issue_leaves(&intermediate, plan, leaves);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"count", required_argument, NULL, 'c'}, {"jobs", required_argument, NULL, 'j'}, {0}};
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    struct plan plan = {.jobs = cores >= 1 && cores <= JOBS_MAX ? (uint64_t)cores : 1};
    bool good = true;
    for (int option = 0; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        good = good && ((option == 'c' && read_number(optarg, 1, COUNT_MAX, &plan.count)) ||
                        (option == 'j' && read_number(optarg, 1, JOBS_MAX, &plan.jobs)));
    }
    if (!good || optind + 1 != argc || plan.count == 0) {
        fprintf(stderr,
                "usage: bench_certificates --count N [--jobs J] DIRECTORY\n"
                "(N from 1 to %d, J from 1 to %d)\n",
                (int)COUNT_MAX, (int)JOBS_MAX);
        return 2;
    }
    plan.directory = argv[optind];
    return make_all(&plan) ? 0 : 1;
}
