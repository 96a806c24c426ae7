/* The intermediates that stand behind a server's certificate, held once for all certificates that
 * have the same ones: a CA's million certificates share a few hundred octets.
 *
 *     struct certificate_chain *chain = chain_pool_find(pool, der);     NULL: not seen before
 *     if (chain == NULL) { … check it … chain = chain_pool_add(pool, der); }
 *     … certificate_chain_unref(chain);
 *
 * A chain that nobody refers to any more leaves its pool. Chains keep their pool alive, so the two
 * may go in any order.
 *
 * Any thread may call any of this. The pool's lock is taken where a chain is looked up, and where
 * its last reference goes; never between. */
#ifndef LIB_CERTIFICATES_CHAIN_H
#define LIB_CERTIFICATES_CHAIN_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/bytes.h"
#include "lib/base/memory.h"

struct chain_pool;

/* Immutable; may be empty. */
struct certificate_chain;

struct chain_pool *chain_pool_new(void);
struct chain_pool *chain_pool_ref(struct chain_pool *pool);
/* NULL is fine. */
void chain_pool_unref(struct chain_pool *pool);

/* A reference to the chain with these octets, or NULL. */
struct certificate_chain *chain_pool_find(struct chain_pool *pool, struct bytes der) MUST_USE;
/* The same; makes it where there is none. DER was checked, and is copied. */
struct certificate_chain *chain_pool_add(struct chain_pool *pool, struct bytes der) MUST_USE;
/* Chains that are in use. */
size_t chain_pool_count(struct chain_pool *pool);

struct certificate_chain *certificate_chain_ref(struct certificate_chain *chain);
/* NULL is fine. */
void certificate_chain_unref(struct certificate_chain *chain);

/* DER, one certificate after the other. */
struct bytes certificate_chain_der(const struct certificate_chain *chain);
/* A number that no other chain of this process has. Never 0. */
uint64_t certificate_chain_serial(const struct certificate_chain *chain);

#endif
