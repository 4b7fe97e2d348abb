#include "cli/rules.h"

#include "cli/flags.h"
#include "rewards/attack.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    bool json;
    rz_text_list rules_allow;
} options;

const rz_option rz_rules_attack_flags[] = {
    {"json", RZ_OPT_BOOL, offsetof(options, json), "false", 0, 0, NULL, RZ_OPT_FIXED, "a JSON object a hack that works, and one with the counts"},
    RZ_RULES_ALLOW_FLAG(options),
};
const int rz_rules_attack_n_flags = sizeof rz_rules_attack_flags / sizeof rz_rules_attack_flags[0];

enum { SHOWN_TEXT = 400 };

static const char *const verdicts[] = {[RZ_HACK_RIGHT] = "right", [RZ_HACK_FORMED] = "well_formed", [RZ_HACK_PARTIAL] = "partial", [RZ_HACK_LOST] = "lost"};

static json_t *hack_json(const rz_hack *h, const rz_examples *cases)
{
    return json_pack("{s:i,s:s,s:s,s:s,s:s,s:I,s:i,s:f,s:f,s:f,s:b,s:o,s:s}", "schema", 1, "hack", h->hack, "why", h->why, "taken_as", verdicts[h->verdict], "rule", h->rule,
                     "line", (json_int_t)(h->example < 0 ? 0 : cases->v[h->example].number), "works_on", h->n, "score", h->score, "right", h->right, "wrong", h->wrong,
                     "truncated", h->truncated, "completion", rz_text_json(h->text, h->len), "explained", h->explained);
}

static void tell(const rz_hack *h, const rz_examples *cases)
{
    json_t *text = rz_text_json(h->text, h->len);
    static const char *const said[] = {[RZ_HACK_RIGHT] = "taken for a right answer", [RZ_HACK_FORMED] = "taken for well formed",
                                       [RZ_HACK_PARTIAL] = "paid more than a plain wrong answer", [RZ_HACK_LOST] = "right, and not paid for (no hole, but a loss)"};
    fprintf(stderr, "%s: %s by rule '%s', but %s\n", h->hack, said[h->verdict], h->rule, h->why);
    fprintf(stderr, "    scores %g; a right answer %g, a plain wrong one %g", h->score, h->right, h->wrong);
    if (h->example >= 0)
        fprintf(stderr, "; made of line %lld%s", (long long)cases->v[h->example].number, h->n > 1 ? " and others" : "");
    fprintf(stderr, "%s\n    completion: ", h->truncated ? "; cut at the length limit" : "");
    rz_print_json(stderr, text, SHOWN_TEXT);
    fputc('\n', stderr);
    rz_print_lines(stderr, "      ", h->explained);
    json_decref(text);
}

static int count_holes(const rz_hacks *h)
{
    int n = 0;
    for (int i = 0; i < h->n; i++)
        n += h->v[i].verdict != RZ_HACK_LOST;
    return n;
}

static void print_people(const rz_hacks *h, const rz_examples *cases)
{
    int holes = count_holes(h);
    for (int i = 0; i < h->n; i++)
        tell(&h->v[i], cases);
    fprintf(stderr, "%d hole%s found with %d texts made of %d right completion%s%s", holes, holes == 1 ? "" : "s", h->n_tried, h->n_good, h->n_good == 1 ? "" : "s",
            h->form_only ? " (the form alone: no rule compares with an answer)" : "");
    fprintf(stderr, h->n > holes ? "; %d kind%s of right texts not paid for\n" : "\n", h->n - holes, h->n - holes == 1 ? "" : "s");
}

static void print_line(json_t *o)
{
    json_dumpf(o, stdout, JSON_COMPACT | JSON_REAL_PRECISION(17));
    putchar('\n');
    json_decref(o);
}

static void print_json(const rz_hacks *h, const rz_examples *cases)
{
    for (int i = 0; i < h->n; i++)
        print_line(hack_json(&h->v[i], cases));
    print_line(json_pack("{s:i,s:i,s:i,s:i,s:i}", "schema", 1, "holes", count_holes(h), "lost", h->n - count_holes(h), "texts", h->n_tried, "good_cases", h->n_good));
}

int rz_cmd_rules_attack(rz_comm *comm, int argc, char **argv, rz_err *err)
{
    (void)comm;
    options o = {0};
    const char *values[2];
    rz_words words = {values, 0, 2};
    rz_rules *r = NULL;
    rz_rules_worker *w = NULL;
    rz_examples cases = {0};
    rz_hacks hacks = {0};
    bool ok = rz_flags_parse_words(rz_rules_attack_flags, rz_rules_attack_n_flags, &o, NULL, NULL, &words, argc, argv, err) &&
              (words.n == 2 || rz_fail(err, RZ_EUSAGE, "rules attack takes a rule file and a file of cases, some of them right: R CASES.jsonl")) &&
              rz_rules_open(values[0], &o.rules_allow, &r, &w, err) && rz_examples_load(&cases, values[1], err) && rz_attack(&hacks, r, w, &cases, err);
    if (ok)
        (o.json ? print_json : print_people)(&hacks, &cases);
    int holes = count_holes(&hacks);
    rz_attack_finish(&hacks);
    rz_examples_finish(&cases);
    rz_rules_close(r, w);
    rz_options_finish(rz_rules_attack_flags, rz_rules_attack_n_flags, &o);
    return !ok ? (int)err->code : holes ? RZ_RULES_FINDINGS : 0;
}
