/* Any bytes as a rule file: refused as a bad config, in words, or fit to score completions with. */
#include "base/text.h"
#include "rewards/rules.h"
#include "tests/fuzz/target.h"
#include <math.h>
#include <string.h>

static const char *const texts[] = {
    "", "<think> 3 + 4 = 7 , 7 * 5 = 35 </think> <answer> ( 3 + 4 ) * 5 </answer>", "<think></think><answer>42</answer>\n#### 42.0\n\\boxed{\\frac{1}{2}}",
    "```python\nprint(1)\n```\nFirst, 1. 2) - a\n- b {\"a\": [1, 2]} \xff\xfe \xe2\x82 1,234 [1, 2, 3]",
};

static void use(const rz_rules *r)
{
    rz_err err = {.code = RZ_OK};
    rz_rules_worker *w;
    rz_score score[4];
    rz_sample s[4] = {{0}};
    if (!rz_rules_worker_create(&w, r, NULL, &err)) return; /* it asks for what is not here */
    for (int i = 0; i < 4; i++)
        s[i] = (rz_sample){.completion = texts[i], .completion_len = strlen(texts[i]), .answer = i % 2 ? "35" : "1/2", .n_tokens = 20 * i, .truncated = i == 3,
                           .meta = "{\"numbers\":[3,4,5],\"target\":35,\"answer\":\"a\"}"};
    rz_rules_score_group(w, s, 4, score);
    for (int i = 0; i < 4; i++) {
        if (!isfinite(score[i].score)) abort();
        for (int k = 0; k < rz_rules_count(r); k++) {
            const rz_part *p = &score[i].parts[k];
            if (!isfinite(p->points) || (p->state == RZ_PART_SKIPPED && p->points != 0) || (p->state == RZ_PART_ERROR && p->points > 0)) abort();
            if (rz_utf8_valid(p->reason, strlen(p->reason)) != strlen(p->reason) || rz_utf8_valid(p->found, strlen(p->found)) != strlen(p->found)) abort();
        }
        free(rz_score_explain(r, &score[i]));
    }
    rz_rules_worker_destroy(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rz_err err = {.code = RZ_OK};
    rz_rules *r;
    if (rz_rules_parse(&r, "fuzz", (const char *)data, size, &err)) use(r);
    else if (err.code != RZ_ECONFIG || !err.text[0]) abort();
    rz_rules_destroy(r);
    return 0;
}
