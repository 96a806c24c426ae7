#include "checks/sender_rules.h"
#include "cli/check_view.h"
#include "cli/table.h"
#include "lib/base/safe_json.h"

enum { SENDER_WIDTH = 25, VERDICT_WIDTH = 16 };

void check_senders_print(const struct observation *observation, FILE *out)
{
    struct sender_judgement matrix[SENDER_COUNT];
    sender_rules_judge(observation, matrix);
    for (size_t i = 0; i < SENDER_COUNT; i++) {
        bool says = matrix[i].reason[0] != '\0';
        const struct table_cell cells[] = {
            {matrix[i].sender, SENDER_WIDTH},
            {sender_verdict_name(matrix[i].verdict), says ? VERDICT_WIDTH : 0},
            {matrix[i].reason, 0}};
        table_print_line(out, "  ", cells);
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
