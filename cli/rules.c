/* The commands of `rules`: each is a row here and a file. */
#include "cli/rules.h"

#include <stdlib.h>
#include <string.h>

const rz_command rz_rules_commands[] = {
    {"rules parity", "[--json] FILE.jsonl ...", "how often presets agree with the systems they are presets of",
     "A line of a FILE is one call of an original function and what it returned: {\"system\", \"function\", \"params\", \"completion\", \"gold\", \"expected\"}. --json: the\n"
     "counts, by function. Without it also every case that disagrees: its id, what was scored, what was expected, what we made of it, and why. Numbers agree\n"
     "to 1e-9.\n",
     "build/rulezero rules parity verl_gsm8k.jsonl", false, rz_cmd_rules_parity, rz_rules_parity_flags, &rz_rules_parity_n_flags},
    {0},
};

void rz_print_json(FILE *to, const json_t *j, size_t most)
{
    char *text = json_dumps(j, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    size_t n = text ? strlen(text) : 0, shown = n > most ? most : n;
    while (shown < n && shown && ((unsigned char)text[shown] & 0xC0) == 0x80)
        shown--;
    rz_print_safe(to, text, shown);
    if (shown < n)
        fprintf(to, "\u2026 (%zu bytes)", n);
    free(text);
}
