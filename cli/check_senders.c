#include "check_senders.h"

#include "checks/sender_rules.h"
#include "lib/base/safe_json.h"
#include "lib/base/safe_text.h"

enum { SENDER_WIDTH = 26, VERDICT_WIDTH = 15 };

void check_senders_print(const struct observation *observation, FILE *out)
{
    struct sender_judgement matrix[SENDER_COUNT];
    sender_rules_judge(observation, matrix);
    for (size_t i = 0; i < SENDER_COUNT; i++) {
        bool says = matrix[i].reason[0] != '\0';
        fprintf(out, "  %-*s%-*s%s%s\n", SENDER_WIDTH, matrix[i].sender, says ? VERDICT_WIDTH : 0,
                sender_verdict_name(matrix[i].verdict), says ? "  " : "",
                SAFE_TEXT(matrix[i].reason));
    }
}

json_t *check_senders_json(const struct observation *observation)
{
    struct sender_judgement matrix[SENDER_COUNT];
    sender_rules_judge(observation, matrix);
    json_t *list = json_array();
    for (size_t i = 0; i < SENDER_COUNT; i++) {
        json_array_append_new(list, json_pack("{s:s, s:s, s:o}", "sender", matrix[i].sender,
                                              "verdict", sender_verdict_name(matrix[i].verdict),
                                              "reason", safe_json_text(matrix[i].reason)));
    }
    return list;
}
