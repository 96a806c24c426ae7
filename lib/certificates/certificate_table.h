/* Host name to certificate, for many reading threads and one writer (lib/base/rcu_table.h). Exact
 * names before wildcards; of several certificates for a name the one that expires last; and what is
 * valid before what has expired or is not valid yet, each time one is looked for. RSA and ECDSA
 * certificates for one name stand side by side, where both are valid or none is: the client's
 * algorithms choose. */
#ifndef LIB_CERTIFICATES_CERTIFICATE_TABLE_H
#define LIB_CERTIFICATES_CERTIFICATE_TABLE_H

#include "lib/base/rcu_table.h"
#include "lib/certificates/pair.h"

struct certificate_table;

struct certificate_choice {
    struct certificate_pair *ecdsa; /* NULL where there is none */
    struct certificate_pair *rsa;
};

struct certificate_table *certificate_table_new(void);
void certificate_table_free(struct certificate_table *table);

/* In a read section: valid until its end, or take a reference. NAME is normalised. NOW_S is the
 * wall clock. False: none. */
bool certificate_table_find(const struct certificate_table *table, struct bytes name, int64_t now_s,
                            struct certificate_choice *ret_choice);

/* The writer: adds PAIR (a reference is taken) under each of its names, or takes it away. */
void certificate_table_add(struct certificate_table *table, struct certificate_pair *pair);
void certificate_table_remove(struct certificate_table *table, struct certificate_pair *pair);

/* How often a pair was taken away: where it is another number than before, whoever keeps something
 * of pairs lets that of the withdrawn ones go (certificate_pair_is_withdrawn). From any thread. */
uint64_t certificate_table_withdrawals(const struct certificate_table *table);

/* The writer: calls VISIT for each pair, in no order, with rests in between (rcu_table_walk):
 * each call looks at MOST names; false: all were visited. VISIT changes nothing in the table. */
void certificate_table_walk_begin(struct certificate_table *table);
bool certificate_table_walk(struct certificate_table *table, size_t most,
                            void (*visit)(struct certificate_pair *pair, void *context),
                            void *context);

/* Names that have a certificate. */
size_t certificate_table_count(const struct certificate_table *table);

#endif
