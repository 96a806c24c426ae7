/* libyaml's words for what is wrong, in plain ones with advice. */
#ifndef CONFIG_YAML_ERROR_H
#define CONFIG_YAML_ERROR_H

#include "base/bytes.h"
#include "base/diagnostics.h"

struct yaml_parser_s;

/* Adds the error that PARSER stopped at, reading TEXT, to D. */
void yaml_error_explain(const struct yaml_parser_s *parser, struct bytes text, const char *file,
                        struct diagnostics *d);

#endif
