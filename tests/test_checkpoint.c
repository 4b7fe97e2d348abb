/* What a run may not go on with: another tokenizer, or another word of the model on its texts. */
#include "tests/tiny_job.h"

#include <unistd.h>

static const char path[] = "/tmp/rulezero-checkpoint.h5";

static bool reads(rig *r, rz_progress at, const rz_tokenizer *t)
{
    err = (rz_err){0};
    return rz_checkpoint_read(path, &at, r->policy, r->update, t, &err);
}

static rz_progress progress(const rig *r)
{
    return (rz_progress){.stage = RZ_STAGE_TRAIN, .config = &r->config, .rules = "", .data_hash = "d", .base_hash = "b", .ranks = 1};
}

static void refuses(rig *r, const rz_tokenizer *t, const char *said)
{
    ck_assert(!reads(r, progress(r), t));
    ck_assert_int_eq(err.code, RZ_ECONFIG);
    ck_assert_msg(strstr(err.text, said) && strstr(err.text, "another out="), "%s\n does not say: %s", err.text, said);
}

START_TEST(tokenizer_and_extras)
{
    rig r = open_rig("", "", NULL);
    rz_token_extras *e = rz_tokenizer_extras(r.tokenizer);
    const rz_progress at = progress(&r);
    rz_tokenizer *other;
    MUST(rz_checkpoint_write(path, &at, r.policy, r.update, r.comm, r.tokenizer, &err));
    MUST(reads(&r, at, r.tokenizer));
    e->n_eos = 2, e->eos[0] = 1, e->eos[1] = 5;
    MUST(reads(&r, at, r.tokenizer)); /* a file that says nothing, as old ones */
    e->chat_template = rz_strdup("{{ x }}");
    e->bos_token = rz_strdup("a");
    e->add_bos = true;
    MUST(rz_checkpoint_write(path, &at, r.policy, r.update, r.comm, r.tokenizer, &err));
    MUST(reads(&r, at, r.tokenizer));
    e->eos[1] = 6;
    refuses(&r, r.tokenizer, "end tokens (eos_token_id)");
    e->eos[1] = 5, e->n_eos = 1;
    refuses(&r, r.tokenizer, "end tokens (eos_token_id)");
    e->n_eos = 2, e->add_bos = false;
    refuses(&r, r.tokenizer, "add_bos_token");
    e->add_bos = true, e->chat_template[0] = '}';
    refuses(&r, r.tokenizer, "chat template");
    e->chat_template[0] = '{', e->eos_token = rz_strdup("b");
    refuses(&r, r.tokenizer, "eos_token");
    free(e->bos_token);
    e->bos_token = e->eos_token, e->eos_token = NULL;
    refuses(&r, r.tokenizer, "bos_token");
    e->bos_token[0] = 'a';
    MUST(reads(&r, at, r.tokenizer));
    char *text = rz_asprintf("%s ", rz_tokenizer_json(r.tokenizer));
    MUST(rz_tokenizer_parse(&other, "t.json", text, strlen(text), &err));
    refuses(&r, other, "the tokenizer of the base (model)");
    free(text);
    rz_tokenizer_destroy(other);
    unlink(path);
    close_rig(&r);
}
END_TEST

/* A place that task.level does not have would be read from behind the list. */
START_TEST(the_place_of_a_curriculum_is_one_of_its_levels)
{
    rig r = open_rig("", "", NULL);
    rz_progress at = progress(&r);
    static const int64_t places[] = {-1, 1, INT64_MAX};
    for (int i = 0; i < 3; i++) {
        at.curriculum.place = places[i];
        MUST(rz_checkpoint_write(path, &at, r.policy, r.update, r.comm, r.tokenizer, &err));
        ck_assert(!reads(&r, at, r.tokenizer));
        ck_assert_msg(strstr(err.text, "curriculum_place"), "%s", err.text);
    }
    unlink(path);
    close_rig(&r);
}
END_TEST

static void add(TCase *t)
{
    tcase_add_test(t, the_place_of_a_curriculum_is_one_of_its_levels);
    tcase_add_test(t, tokenizer_and_extras);
}

int main(void)
{
    return tiny_main("checkpoint", add);
}
