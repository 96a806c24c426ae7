/* libyaml's words for what is wrong, in plain ones with advice. */
#ifndef LIB_YAML_YAML_ERROR_H
#define LIB_YAML_YAML_ERROR_H

#include "lib/base/bytes.h"
#include "lib/base/diagnostics.h"

struct yaml_parser_s;

/* Adds the error that PARSER stopped at, reading TEXT, to D. */
void yaml_error_explain(const struct yaml_parser_s *parser, struct bytes text, const char *file,
                        struct diagnostics *d);

#endif
