/* The commands of `rules`: each is a row here and a file. */
#include "cli/rules.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

const rz_command rz_rules_commands[] = {
    {"rules list", "[--json]", "what there is: kinds of rules, presets, comparisons", "", "build/rulezero rules list", false, rz_cmd_rules_list,
     rz_rules_list_flags, &rz_rules_list_n_flags},
    {"rules show", "NAME", "what a kind, preset or comparison does, its parameters, and a rule file with it",
     "The rule file alone goes to the standard output, so that > my.yaml makes one.\n", "build/rulezero rules show soft_overlong", false, rz_cmd_rules_show},
    {"rules test", "R [CASES.jsonl] [--tap] [--junit FILE]", "try a rule file on cases that say what must come out",
     "R is a rule file, CASES lines as `score` reads them with \"expect\": {\"score\", \"correct\", \"format_ok\", \"errors\", \"parts\": {RULE: points, or {\"state\",\n"
     "\"points\", \"reason\", \"found\", \"expected\", \"span\"}}, \"tolerance\"}. Without CASES they are looked for beside R: my.cases.jsonl for my.yaml. A case that\n"
     "fails is told with the score and its reasons. Exits 0 when all pass, 65 when one does not.\n",
     "build/rulezero rules test my.yaml --junit results.xml", false, rz_cmd_rules_test, rz_rules_test_flags, &rz_rules_test_n_flags, .scores = true},
    {"rules diff", "A B CASES.jsonl [--json]", "which cases two rule files judge differently, and how",
     "CASES are lines as `score` reads them. Exits 0 when no case changes, 1 when one does.\n", "build/rulezero rules diff old.yaml new.yaml cases.jsonl", false,
     rz_cmd_rules_diff, rz_rules_diff_flags, &rz_rules_diff_n_flags, .scores = true},
    {"rules bench", "R [R2 ...] [CASES.jsonl] [--json]", "completions a second on one core, and the time of each rule",
     "Without CASES on completions that are made up, of --bytes each. Several rule files are timed in turns, in one run, so that their ratios mean something.\n",
     "build/rulezero rules bench configs/rules/countdown.yaml", false, rz_cmd_rules_bench, rz_rules_bench_flags, &rz_rules_bench_n_flags, .scores = true},
    {"rules lint", "R [--strict] [--json]", "hazards in a rule file, each with an input that shows it",
     "Looks at patterns (made to hit their step limit, matching nothing or anything, unanchored, Python's spelling), at gates, views and groups of no use, at what\n"
     "can be earned without being right, and tries the hacks of rules attack on a right completion that it makes up. Each finding has its place, the input\n"
     "(which was run), what came of it, and the remedy; docs/rules/tools.md has the table. Exits 0 when there is no error (with --strict: nothing at all), else 65.\n",
     "build/rulezero rules lint configs/rules/countdown.yaml", false, rz_cmd_rules_lint, rz_rules_lint_flags, &rz_rules_lint_n_flags, .scores = true},
    {"rules attack", "R CASES.jsonl [--json]", "try to be paid by rules without being right",
     "CASES are lines as `score` reads them, some of them right. Out of each right completion texts are made that are wrong or malformed, and a corpus of texts\n"
     "that have fooled rewards elsewhere is added. Told is every text that is taken for right or for well formed, or earns more than a plain wrong answer,\n"
     "and why it got its score. Exits 0 when nothing is found, 65 when there is a hole.\n",
     "build/rulezero rules attack configs/rules/countdown.yaml cases.jsonl", false, rz_cmd_rules_attack, rz_rules_attack_flags, &rz_rules_attack_n_flags, .scores = true},
    {"rules parity", "[--json] FILE.jsonl ...", "how often presets agree with the systems they are presets of",
     "A line of a FILE is one call of an original function and what it returned: {\"system\", \"function\", \"params\", \"completion\", \"gold\", \"expected\"}. --json: the\n"
     "counts, by function. Without it also every case that disagrees: its id, what was scored, what was expected, what we made of it, and why. Numbers agree\n"
     "to 1e-9.\n",
     "build/rulezero rules parity verl_gsm8k.jsonl", false, rz_cmd_rules_parity, rz_rules_parity_flags, &rz_rules_parity_n_flags},
    {0},
};

bool rz_rules_open(const char *path, const rz_text_list *allow, rz_rules **r, rz_rules_worker **w, rz_err *err)
{
    return rz_helper_allow(rz_cli_helper(), allow, err) && rz_rules_load(r, path, err) && rz_rules_worker_create(w, *r, rz_cli_helper(), err);
}

void rz_rules_close(rz_rules *r, rz_rules_worker *w)
{
    rz_rules_worker_destroy(w);
    rz_rules_destroy(r);
}

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

json_t *rz_text_json(const char *text, size_t len)
{
    json_t *j = json_stringn(text, len);
    if (j)
        return j;
    char *repaired = rz_utf8_repair(text, len, &len);
    j = json_stringn(repaired, len);
    free(repaired);
    return j;
}

void rz_print_lines(FILE *to, const char *prefix, const char *text)
{
    while (*text) {
        size_t n = strcspn(text, "\n");
        fputs(prefix, to);
        rz_print_safe(to, text, n);
        fputc('\n', to);
        text += n + (text[n] == '\n');
    }
}
