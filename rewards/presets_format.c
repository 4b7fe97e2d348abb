/* Presets about form: open-r1's and TRL's tags, steps and blocks of code. Their patterns are literals with ".*?" between them, hence found one literal after
 * another: the earliest place of each leaves the most for the next. */
#include "rewards/presets.h"
#include <stdio.h>
#include <string.h>

/* $ with re.MULTILINE */
static bool at_line_end(rz_slice t, size_t at) { return at == t.len || t.s[at] == '\n'; }

/* Behind the next `literal` at or after `from` that a line ends with; SIZE_MAX: none. */
static size_t past_at_line_end(rz_slice t, const char *literal, size_t from)
{
    while ((from = rz_python_find(t, literal, from)) != SIZE_MAX) {
        if (at_line_end(t, from + strlen(literal))) return from + strlen(literal);
        from++;
    }
    return SIZE_MAX;
}

/* Behind "<think>\n.*?\n</think>\n<answer>\n" at the start; SIZE_MAX: it is not there. */
static size_t past_think(rz_slice t)
{
    static const char open[] = "<think>\n", middle[] = "\n</think>\n<answer>\n";
    size_t at = rz_python_starts(t, open) ? rz_python_find(t, middle, strlen(open)) : SIZE_MAX;
    return at == SIZE_MAX ? SIZE_MAX : at + strlen(middle);
}

/* ^<think>\n.*?\n</think>\n<answer>\n.*?\n</answer>$ */
static void format(const rz_case *c, outcome *o)
{
    size_t at = past_think(c->text);
    if (at != SIZE_MAX) at = past_at_line_end(c->text, "\n</answer>", at);
    if (at != SIZE_MAX) o->span = (rz_span){0, at};
    rz_preset_yes_no(o, at != SIZE_MAX, 1, "it does not begin with <think> and <answer> on lines of their own");
}

static bool check_language(const json_t *params, rz_err *err)
{
    const char *s = json_string_value(json_object_get(params, "language"));
    size_t n = s ? strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_#-") : 0;
    return (n > 0 && n <= 64 && !s[n]) || rz_fail(err, RZ_ECONFIG, "language is '%.64s', must be 1 … 64 of letters, digits, '_', '#' and '-' (it becomes part of a pattern)", s ? s : "");
}

/* ^<think>\n.*?\n</think>\n<answer>\n.*?```LANGUAGE.*?```.*?\n</answer>$ */
static void code_format(const rz_case *c, outcome *o)
{
    char fence[80];
    snprintf(fence, sizeof fence, "```%s", rz_param_text(c, "language"));
    size_t at = past_think(c->text);
    if (at != SIZE_MAX) at = rz_python_find(c->text, fence, at);
    if (at != SIZE_MAX) at = rz_python_find(c->text, "```", at + strlen(fence));
    if (at != SIZE_MAX) at = past_at_line_end(c->text, "\n</answer>", at + 3);
    if (at != SIZE_MAX) o->span = (rz_span){0, at};
    rz_preset_yes_no(o, at != SIZE_MAX, 1, "it is not <think> and <answer> with a block of code in the answer");
}

static void extract_code(const rz_case *c, outcome *o)
{
    char fence[80];
    rz_slice code = {"", 0};
    snprintf(fence, sizeof fence, "```%s\n", rz_param_text(c, "language"));
    bool any = rz_preset_last_block(c->text, fence, "```", &code);
    rz_preset_text(c, o, code);
    rz_preset_yes_no(o, any, 1, "there is no such block of code");
}

static void tag_count(const rz_case *c, outcome *o)
{
    static const char *const tags[] = {"<think>\n", "\n</think>\n", "\n<answer>\n", "\n</answer>"};
    int once = 0;
    for (int i = 0; i < 4; i++) once += rz_python_count(c->text, tags[i]) == 1;
    rz_outcome_scored(o, once == 4, 0.25 * once, "%d of 4 tags occur once", once);
}

/* Bytes of a match of (Step \d+:|^\d+\.|\n-|\n\*|First,|Second,|Next,|Finally,) at `at`, or 0. */
static size_t step_at(rz_slice t, size_t at)
{
    static const char *const words[] = {"First,", "Second,", "Next,", "Finally,"};
    char c = t.s[at], next = at + 1 < t.len ? t.s[at + 1] : 0;
    rz_slice rest = rz_python_from(t, at);
    if (c == '\n') return next == '-' || next == '*' ? 2 : 0;
    for (int i = 0; i < 4; i++)
        if (c == words[i][0] && next == words[i][1] && rz_python_starts(rest, words[i])) return strlen(words[i]);
    bool step = c == 'S' && rz_python_starts(rest, "Step ");
    if (!step && at > 0) return 0;
    size_t from = step ? 5 : 0, i = from, n;
    while (i < rest.len && rz_python_digit(rz_python_char(rest, i, &n)) >= 0) i += n;
    return i > from && i < rest.len && rest.s[i] == (step ? ':' : '.') ? i + 1 : 0;
}

static void reasoning_steps(const rz_case *c, outcome *o)
{
    int steps = 0;
    for (size_t at = 0; at < c->text.len && steps < 3;) {
        size_t n = step_at(c->text, at);
        steps += n > 0;
        at += n ? n : 1;
    }
    rz_outcome_scored(o, steps == 3, steps == 3 ? 1 : steps / 3.0, steps == 3 ? "3 steps or more" : "%d of 3 steps", steps);
}

/* ^<think>(?!.*<think>)(.*?)</think>.*$ */
static void think_format(const rz_case *c, outcome *o)
{
    size_t from = strlen("<think>");
    bool once = rz_python_starts(c->text, "<think>") && rz_python_find(c->text, "<think>", from) == SIZE_MAX;
    rz_preset_yes_no(o, once && rz_python_find(c->text, "</think>", from) != SIZE_MAX, 1, "it is not <think> at the start, once, and then </think>");
}

static const char empty_blocks[] = "empty blocks; anything behind </answer> on the next line; two whole copies";

const rz_verifier rz_verifiers_presets_format[] = {
    {.name = "open-r1/format", .origin = "open-r1 1416fa0, rewards.py, format_reward", .about = "<think> and <answer>, each tag on a line of its own", .top = 1,
     .holes = empty_blocks, .score = format},
    {.name = "open-r1/tag_count", .origin = "open-r1 1416fa0, rewards.py, tag_count_reward", .about = "a quarter for each of four tags that occurs once", .top = 1,
     .holes = "the tags alone, in any order", .score = tag_count},
    {.name = "open-r1/reasoning_steps", .origin = "open-r1 1416fa0, rewards.py, reasoning_steps_reward",
     .about = "a third for each mark of a step (\"Step 1:\", \"First,\", a line that begins with - or *; \"1.\" at the very start only)", .top = 1,
     .holes = "the marks alone: \"First,First,First,\"", .score = reasoning_steps},
    {.name = "open-r1/code_format", .origin = "open-r1 1416fa0, rewards.py, get_code_format_reward", .about = "as open-r1/format, with a block of code in the answer",
     .params = "{\"language\": \"python\"}", .top = 1, .holes = empty_blocks, .score = code_format, .check = check_language},
    {.name = "open-r1/extract_code", .origin = "open-r1 1416fa0, rewards.py, extract_code", .about = "finds the last block of code of a language; passes if there is one",
     .params = "{\"language\": \"python\"}", .top = 1, .holes = "an empty block", .score = extract_code, .check = check_language},
    {.name = "trl/think_format", .origin = "TRL f2cd577, format_rewards.py, think_format_reward", .about = "<think> at the start and nowhere else, and a </think>", .top = 1,
     .holes = "<think></think>; several </think>", .score = think_format},
};
const int rz_n_verifiers_presets_format = sizeof rz_verifiers_presets_format / sizeof *rz_verifiers_presets_format;
