/* The record at `_mta-sts.DOMAIN` as senders read it (RFC 8461 §3.1); policies/model/txt_record.h
 * writes it.
 *
 *     sts-text-record = sts-version 1*(sts-field-delim sts-field) [sts-field-delim]
 *     sts-field-delim = *WSP ";" *WSP
 *     sts-version     = "v=STSv1"                                   case counts
 *     sts-field       = "id=" 1*32(ALPHA / DIGIT)
 *                     / (ALPHA / DIGIT) *31(ALPHA / DIGIT / "_" / "-" / ".") "=" ext-value
 *     ext-value       = 1*(%x21-3A / %x3C / %x3E-7E)                no space, "=" or ";"
 *
 *     struct sts_record record;
 *     if (!sts_record_choose(txt.items, txt.count, &record, e)) …   // record.id changes: fetch
 * again
 *
 * Pure; views into the texts. A text is a TXT record's strings joined, with nothing between. */
#ifndef POLICIES_MODEL_STS_RECORD_H
#define POLICIES_MODEL_STS_RECORD_H

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "policies/model/policy_id.h"

enum {
    STS_RECORD_ID_MAX = POLICY_ID_MAX,
    STS_RECORD_TEXT_MAX = 4096, /* octets; several times what fits into one UDP answer */
};

struct sts_record {
    struct bytes id;
    /* Each of these the RFC allows, and not every reader takes: see sts_record_doubt(). */
    bool repeated_id; /* the first counts here */
    bool has_extension;
    bool usual; /* exactly `v=STSv1; id=ID;`, the one form that every reader studied accepts */
};

/* Whether a text is one of ours: it begins with `v=STSv1;`. Senders pass over all others. */
bool sts_record_is_one(struct bytes text);

/* One text alone. E has the column (1-based, in octets) of what is wrong. */
bool sts_record_parse(struct bytes text, struct sts_record *ret_record, struct error *e) MUST_USE;

/* The one record among the TXTs of a name. Fails with ERROR_NOT_FOUND where none is an STS record,
 * ERROR_CONFLICT where several are, ERROR_SYNTAX (ERROR_LIMIT) where the one is not valid: a sender
 * then takes it that the domain has no policy, or keeps the one that it has. */
bool sts_record_choose(const struct bytes *texts, size_t count, struct sts_record *ret_record,
                       struct error *e) MUST_USE;

/* Why some reader may stumble over a valid record: "what is unusual; what to do". NULL: none does.
 */
const char *sts_record_doubt(const struct sts_record *record);

#endif
