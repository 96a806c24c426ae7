/* What bump-id tells about changes as JSON, for `--format json`: what the lines on stderr say
 * (cli/bump_view.h), and --check's findings. Pure. */
#ifndef CLI_BUMP_JSON_H
#define CLI_BUMP_JSON_H

#include <jansson.h>

#include "publish/bump_report.h"

/* {"change": "id", "domain" or "policy", "file", "line", "column", "old_id", "new_id", "derived",
 * and what STORY says}. */
json_t *bump_json_id(const struct bump_change *change, const struct change_story *story);
/* {"change": "policy", "domain", "from", "to" (null: of its own), and what STORY says}. */
json_t *bump_json_move(const char *domain, struct bytes from, struct bytes to,
                       const struct change_story *story);
/* {"change": "gone", "domain", "until"}. */
json_t *bump_json_gone(const char *domain, int64_t until_s);
/* {"file", "line", "column", "domain" or "policy", "id", "text"}: one that is out of step. SUBJECT
 * and ID may be NULL: they are left out. */
json_t *bump_json_finding(const char *path, const struct policy_file_place *place,
                          const char *subject, const char *id, const char *text);

#endif
