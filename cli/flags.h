/* Flags of a command, declared as rows of options (base/options.h): the table is the parser, the check and the help. Keys have hyphens. */
#ifndef RZ_CLI_FLAGS_H
#define RZ_CLI_FLAGS_H
#include "base/options.h"

/* A flag that may be given several times: --name V. */
typedef struct {
    const char *name;
    const char **values; /* room for as many as there are arguments */
    int n;
} rz_flag_list;

/* Words that are no flags. */
typedef struct {
    const char **values; /* room for as many as may be given */
    int n, max;
} rz_words;

/* Sets the defaults, then every --key value, --key=value and key=value; a bare --key switches a BOOL on. What is neither goes to *word, which only
 * one may (word NULL: none). given (n of them) marks the rows that were set; given and list may be NULL. RZ_EUSAGE. The caller gives texts back with
 * rz_options_finish, whatever is returned. */
bool rz_flags_parse(const rz_option *rows, int n, void *base, bool *given, rz_flag_list *list, const char **word, int argc, char **argv,
                    rz_err *err);
/* The same with several words. */
bool rz_flags_parse_words(const rz_option *rows, int n, void *base, bool *given, rz_flag_list *list, rz_words *words, int argc, char **argv, rz_err *err);

/* Rows of an options struct with a field `prompt` of type rz_prompt_options (data/prompt.h): as the keys of a config, def is that of the template. */
#define RZ_PROMPT_TEXT(options, key, field, def, help) {key, RZ_OPT_TEXT, offsetof(options, prompt.field), def, 0, 0, NULL, RZ_OPT_FIXED, help}
#define RZ_PROMPT_FLAGS(options, def)                                                                                                                     \
    RZ_PROMPT_TEXT(options, "template", template, def, "none: a prompt as it stands; r1-zero; chat: the model's own; a text that says {prompt}; default: r1-zero, none for a vocabulary of whole words"), \
    RZ_PROMPT_TEXT(options, "system", system_prompt, "", "first message of a chat"),                                                                      \
    RZ_PROMPT_TEXT(options, "examples", examples, "", "solved problems before the prompt: a JSONL file of {\"prompt\", \"completion\"}, or such lines"),     \
    RZ_PROMPT_TEXT(options, "response-prefix", response_prefix, "", "every completion begins with it"),                                                    \
    RZ_PROMPT_TEXT(options, "prompt-date", date, "", "YYYY-MM-DD, the date a chat template is told"),                                                      \
    {"allow-special-in-data", RZ_OPT_BOOL, offsetof(options, prompt.allow_special_in_data), "false", 0, 0, NULL, RZ_OPT_FIXED,                            \
     "special tokens written in a prompt are special, not text"}

/* A row of one with an rz_text_list `rules_allow` (rz_helper_allow). */
#define RZ_RULES_ALLOW_FLAG(options)                                                                                                                      \
    {"rules-allow", RZ_OPT_TEXTS, offsetof(options, rules_allow), "", 0, 0, NULL, RZ_OPT_FIXED,                                                            \
     "kinds of rules that run with all your rights and may: plugin, program"}

/* Rows of one with the ints `dtype`, an rz_stored, `compute`, an rz_compute, and `kv_dtype`, an rz_kv_dtype (policy/policy.h). */
#define RZ_ARITHMETIC_FLAGS(options)                                                                                                                      \
    {"dtype", RZ_OPT_ENUM, offsetof(options, dtype), "f32", 0, 0, RZ_STORED_NAMES, RZ_OPT_FIXED,                                                          \
     "what is computed with: matrices as they are, or rounded to bfloat16, as a run with dtype=bf16 does"},                                              \
    {"compute", RZ_OPT_ENUM, offsetof(options, compute), "f32", 0, 0, RZ_COMPUTE_NAMES, RZ_OPT_FIXED,                                                     \
     "how matrix products multiply: floats, or both factors rounded to bfloat16, as a run with compute=bf16 does"},                                       \
    {"kv-dtype", RZ_OPT_ENUM, offsetof(options, kv_dtype), "f32", 0, 0, RZ_KV_DTYPE_NAMES, RZ_OPT_FIXED,                                                  \
     "what keys and values are attended to as: floats, or rounded to bfloat16, as a run with kv_dtype=bf16 does"}
#endif
