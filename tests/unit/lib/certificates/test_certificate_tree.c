#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/base/memory.h"
#include "lib/certificates/certificate_tree.h"

static const struct row {
    const char *name;
    const char *path;
    const char *chain; /* NULL: not ours */
    const char *key;
} ROWS[] = {
    {"certbot's chain", "/l/live/a.example/fullchain.pem", "/l/live/a.example/fullchain.pem",
     "/l/live/a.example/privkey.pem"},
    {"certbot's key", "/l/live/a.example/privkey.pem", "/l/live/a.example/fullchain.pem",
     "/l/live/a.example/privkey.pem"},
    {"certbot's leaf", "/l/live/a.example/cert.pem", NULL, NULL},
    {"certbot's intermediates", "/l/live/a.example/chain.pem", NULL, NULL},
    {"certbot's README", "/l/live/README", NULL, NULL},
    {"certbot's archive", "/l/archive/a.example/fullchain12.pem", NULL, NULL},
    {"certbot's archived key", "/l/archive/a.example/privkey1.pem", NULL, NULL},
    {"certbot's requests", "/l/csr/0000_csr-certbot.pem", NULL, NULL},
    {"certbot's keys", "/l/keys/0000_key-certbot.pem", NULL, NULL},
    {"certbot's parameters", "/l/ssl-dhparams.pem", NULL, NULL},
    {"lego's chain", "/lego/certificates/a.example.crt", "/lego/certificates/a.example.crt",
     "/lego/certificates/a.example.key"},
    {"lego's key", "/lego/certificates/a.example.key", "/lego/certificates/a.example.crt",
     "/lego/certificates/a.example.key"},
    {"lego's wildcard", "/lego/certificates/_.a.example.key", "/lego/certificates/_.a.example.crt",
     "/lego/certificates/_.a.example.key"},
    {"lego's issuer", "/lego/certificates/a.example.issuer.crt", NULL, NULL},
    {"lego's note", "/lego/certificates/a.example.json", NULL, NULL},
    {"lego's account", "/lego/accounts/ca/me@a.example/keys/me@a.example.key", NULL, NULL},
    {"Caddy's chain", "/c/certificates/ca/a.example/a.example.crt",
     "/c/certificates/ca/a.example/a.example.crt", "/c/certificates/ca/a.example/a.example.key"},
    {"Caddy's CA", "/c/pki/authorities/local/root.crt", NULL, NULL},
    {"Caddy's account", "/c/acme/ca/users/me@a.example/me.key", NULL, NULL},
    {"Caddy's nameless account", "/c/acme/ca/users/default/default.key", NULL, NULL},
    {"one file", "/flat/a.example.pem", "/flat/a.example.pem", "/flat/a.example.pem"},
    {"acme.sh's chain", "/a/a.example_ecc/fullchain.cer", "/a/a.example_ecc/fullchain.cer",
     "/a/a.example_ecc/a.example.key"},
    {"acme.sh's key", "/a/a.example_ecc/a.example.key", "/a/a.example_ecc/fullchain.cer",
     "/a/a.example_ecc/a.example.key"},
    {"acme.sh's RSA chain", "/a/a.example/fullchain.cer", "/a/a.example/fullchain.cer",
     "/a/a.example/a.example.key"},
    {"acme.sh's RSA key, which may be Caddy's", "/a/a.example/a.example.key",
     "/a/a.example/a.example.crt", "/a/a.example/a.example.key"},
    {"acme.sh's wildcard", "/a/*.a.example_ecc/fullchain.cer", "/a/*.a.example_ecc/fullchain.cer",
     "/a/*.a.example_ecc/*.a.example.key"},
    {"acme.sh's pair, relative", "a.example_ecc/fullchain.cer", "a.example_ecc/fullchain.cer",
     "a.example_ecc/a.example.key"},
    {"acme.sh's chain at the top", "/fullchain.cer", NULL, NULL},
    {"acme.sh's chain without a directory", "fullchain.cer", NULL, NULL},
    {"acme.sh's leaf", "/a/a.example_ecc/a.example.cer", NULL, NULL},
    {"acme.sh's intermediates", "/a/a.example_ecc/ca.cer", NULL, NULL},
    {"acme.sh's request", "/a/a.example_ecc/a.example.csr", NULL, NULL},
    {"acme.sh's notes", "/a/a.example_ecc/a.example.conf", NULL, NULL},
    {"acme.sh's account", "/a/ca/ca.example/directory/account.key", NULL, NULL},
    {"another's key in acme.sh's directory", "/a/a.example_ecc/b.example.key",
     "/a/a.example_ecc/b.example.crt", "/a/a.example_ecc/b.example.key"},
    {"one file, relative", "a.example.pem", "a.example.pem", "a.example.pem"},
    {"chain, relative", "fullchain.pem", "fullchain.pem", "privkey.pem"},
    {"hidden", "/flat/.a.example.pem.Xy12", NULL, NULL},
    {"hidden with our ending", "/flat/.a.pem", NULL, NULL},
    {"an ending alone", "/flat/.pem", NULL, NULL},
    {"a backup", "/flat/a.example.pem~", NULL, NULL},
    {"a directory", "/flat/", NULL, NULL},
    {"an at sign further up", "/srv/x@y/certs/live/a.pem", "/srv/x@y/certs/live/a.pem",
     "/srv/x@y/certs/live/a.pem"},
    {"a name that begins like certbot's", "/flat/cert1.example.pem", "/flat/cert1.example.pem",
     "/flat/cert1.example.pem"},
};

static void test_layouts(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        const struct row *row = &ROWS[i];
        CLEANUP_FREE char *chain = NULL;
        CLEANUP_FREE char *key = NULL;
        bool found = certificate_tree_pair_of(row->path, &chain, &key);
        if (found != (row->chain != NULL) ||
            (found && (strcmp(chain, row->chain) != 0 || strcmp(key, row->key) != 0))) {
            fail_msg("%s: %s and %s", row->name, found ? chain : "none", found ? key : "none");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_layouts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
