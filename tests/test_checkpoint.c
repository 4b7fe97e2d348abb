/* What a run may not go on with: another tokenizer, or another word of the model on its texts. And what is copied to be written later. */
#include "base/file.h"
#include "tests/tiny_job.h"
#include "trainer/rollouts.h"
#include "trainer/verify.h"

#include <unistd.h>

static const char path[] = "/tmp/rulezero-checkpoint.h5";

static bool reads(rig *r, rz_progress at, const rz_tokenizer *t)
{
    err = (rz_err){0};
    return rz_checkpoint_read(path, &at, r->policy, r->update, t, &err);
}

static bool writes(rig *r, rz_progress at)
{
    rz_snapshot s = {0};
    rz_snapshot_take(&s, r->policy, r->update, r->comm);
    bool ok = rz_checkpoint_write(path, &at, r->policy, &s, r->tokenizer, &err);
    rz_snapshot_finish(&s);
    return ok;
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
    MUST(writes(&r, at));
    MUST(reads(&r, at, r.tokenizer));
    e->n_eos = 2, e->eos[0] = 1, e->eos[1] = 5;
    MUST(reads(&r, at, r.tokenizer)); /* a file that says nothing, as old ones */
    e->chat_template = rz_strdup("{{ x }}");
    e->bos_token = rz_strdup("a");
    e->add_bos = true;
    MUST(writes(&r, at));
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
        MUST(writes(&r, at));
        ck_assert(!reads(&r, at, r.tokenizer));
        ck_assert_msg(strstr(err.text, "curriculum_place"), "%s", err.text);
    }
    unlink(path);
    close_rig(&r);
}
END_TEST

START_TEST(what_is_counted_is_never_negative)
{
    rig r = open_rig("", "", NULL);
    const rz_progress good = progress(&r);
    for (int i = 0; i < 4; i++) {
        rz_progress at = good;
        *(int64_t *[]){&at.step, &at.tokens_sampled, &at.metrics_bytes, &at.curriculum.seen}[i] = i % 2 ? -1 : INT64_MIN;
        MUST(writes(&r, at));
        ck_assert(!reads(&r, at, r.tokenizer));
        ck_assert_msg(strstr(err.text, "not in 0..2^53"), "%s", err.text);
    }
    unlink(path);
    close_rig(&r);
}
END_TEST

static void add_step(rz_rollouts *to, rz_grpo *g, int64_t step)
{
    rollout(g, step);
    rz_rollouts_add(to, step, g->groups, g->n_groups, g->arena);
}

/* Rollouts that were handed over in two parts make the file of those that never were. */
START_TEST(rollouts_that_were_moved_are_the_same)
{
    static const char *const paths[] = {"/tmp/rulezero-rollouts-whole.h5", "/tmp/rulezero-rollouts-parts.h5"};
    rig r = open_rig("", "", NULL);
    rz_grpo *g = grpo(&r, N_STOP);
    rz_rollouts *whole = rz_rollouts_create(r.tokenizer, r.rules), *part = rz_rollouts_create(r.tokenizer, r.rules), *to = rz_rollouts_create(r.tokenizer, r.rules);
    char *data[2];
    size_t size[2];
    for (int64_t step = 1; step <= 3; step++) {
        add_step(whole, g, step);
        add_step(part, g, step);
        if (step != 2)
            rz_rollouts_move(to, part);
    }
    rz_rollouts_move(to, part); /* nothing */
    ck_assert(!rz_rollouts_write(to, "/nowhere/x.h5", &err)); /* keeps them */
    MUST(rz_rollouts_write(whole, paths[0], &err) && rz_rollouts_write(to, paths[1], &err));
    for (int i = 0; i < 2; i++)
        MUST(rz_file_read(paths[i], 1 << 24, &data[i], &size[i], &err));
    ck_assert(size[0] == size[1] && !memcmp(data[0], data[1], size[0]));
    unlink(paths[1]);
    MUST(rz_rollouts_write(to, paths[1], &err) && rz_rollouts_write(part, paths[1], &err)); /* both are empty now */
    ck_assert(!rz_file_exists(paths[1]));
    for (int i = 0; i < 2; i++)
        free(data[i]);
    unlink(paths[0]);
    rz_rollouts_destroy(whole);
    rz_rollouts_destroy(part);
    rz_rollouts_destroy(to);
    close_rig(&r);
}
END_TEST

/* What is written is the copy, whatever becomes of weights and moments meanwhile. */
START_TEST(a_snapshot_stays_as_it_was)
{
    rig r = open_rig("", "", NULL);
    rz_grpo *g = grpo(&r, N_STOP);
    const rz_progress at = progress(&r);
    rz_snapshot s = {0};
    rz_grpo_measured m;
    size_t bytes = (size_t)r.policy->layout.n_params * sizeof(float);
    float *first = malloc(bytes), *second = malloc(bytes), *all[] = {first, second};
    for (int64_t step = 1; step <= 2; step++) {
        rollout(g, step);
        give_scores(g);
        MUST(update(g, 0.1, &m));
        if (step == 1) {
            rz_snapshot_take(&s, r.policy, r.update, r.comm);
            memcpy(first, r.policy->w, bytes);
        }
    }
    ck_assert(memcmp(first, r.policy->w, bytes) != 0);
    MUST(rz_checkpoint_write(path, &at, r.policy, &s, r.tokenizer, &err) && reads(&r, at, r.tokenizer));
    ck_assert(!memcmp(first, r.policy->w, bytes));
    ck_assert_int_eq(rz_update_count(r.update), 1);
    rz_update_moments(r.update, all[0], all[1]);
    ck_assert(!memcmp(all[0], s.m, bytes) && !memcmp(all[1], s.v, bytes));
    char *file;
    size_t size;
    MUST(rz_file_read(path, 1 << 24, &file, &size, &err));
    free(file);
    int64_t most = rz_checkpoint_bytes(&at, r.policy, r.tokenizer);
    ck_assert((int64_t)size <= most && (int64_t)size > most - (1 << 17)); /* the room that is asked for; what is not needed is given back */
    rz_snapshot_finish(&s);
    free(first);
    free(second);
    unlink(path);
    close_rig(&r);
}
END_TEST

/* The format tells programs that know nothing of parts: 2 if, and only if, there are some. */
START_TEST(in_parts)
{
    rig r = open_rig("", "", NULL);
    const rz_progress at = progress(&r);
    size_t bytes = (size_t)r.policy->layout.n_params * sizeof(float);
    float *m = malloc(bytes), *v = malloc(bytes);
    rz_store *s;
    rz_policy *p;
    rz_file_facts f;
    int64_t format;
    rz_grpo_measured measured;
    rz_grpo *g = grpo(&r, N_STOP);
    rollout(g, 1);
    give_scores(g);
    MUST(update(g, 0.1, &measured)); /* moments other than 0 */
    rz_snapshot due = {0};
    rz_snapshot_take(&due, r.policy, r.update, r.comm);
    for (int64_t part = 3 * (int64_t)bytes + 4096; part >= 4096; part = part * 2 / 3) {
        r.config.checkpoint.part_bytes = part;
        MUST(writes(&r, at));
        MUST(rz_store_open(&s, path, &err) && rz_store_get_i64(s, "format_version", &format, &err));
        int n = rz_store_n_parts(s);
        rz_store_close(s);
        ck_assert(part < 3 * (int64_t)bytes ? n >= 3 * (int64_t)bytes / part && n <= 3 * (int64_t)bytes / part + 2 : n == 0);
        ck_assert_int_eq(format, n ? 2 : 1);
        MUST(rz_verify_file(&f, path, &err));
        int64_t most = rz_checkpoint_bytes(&at, r.policy, r.tokenizer);
        ck_assert_msg(f.bytes <= most && f.bytes > most - (1 << 17) - n * (1 << 13), "%d parts of %d: %d of %d", n, (int)part, (int)f.bytes, (int)most);
        memset(r.policy->w, 0, bytes);
        MUST(reads(&r, at, r.tokenizer));
        rz_update_moments(r.update, m, v);
        ck_assert(!memcmp(due.w, r.policy->w, bytes) && !memcmp(due.m, m, bytes) && !memcmp(due.v, v, bytes));
        MUST(rz_model_read(path, tiny_kernels(-1), r.pool, &p, NULL, &err));
        ck_assert(!memcmp(due.w, p->w, bytes));
        rz_policy_destroy(p);
        if (n) {
            ck_assert(!rz_model_read("/tmp/rulezero-checkpoint.h5" RZ_STORE_PART "1", tiny_kernels(-1), r.pool, &p, NULL, &err));
            ck_assert_msg(strstr(err.text, "it is a part of a checkpoint"), "%s", err.text);
        }
        ck_assert(rz_store_remove(path));
    }
    MUST(rz_store_create(&s, path, &err) && rz_store_put_str(s, "kind", "train", &err) && rz_store_put_i64(s, "format_version", 2, &err) && rz_store_commit(s, &err));
    rz_store_close(s);
    ck_assert(!rz_file_facts_read(&f, path, &err));
    ck_assert_msg(strstr(err.text, "format_version is 2; this program reads 1, and 2 of"), "%s", err.text);
    unlink(path);
    rz_snapshot_finish(&due);
    free(m);
    free(v);
    close_rig(&r);
}
END_TEST

static void add(TCase *t)
{
    tcase_add_test(t, in_parts);
    tcase_add_test(t, rollouts_that_were_moved_are_the_same);
    tcase_add_test(t, a_snapshot_stays_as_it_was);
    tcase_add_test(t, the_place_of_a_curriculum_is_one_of_its_levels);
    tcase_add_test(t, what_is_counted_is_never_negative);
    tcase_add_test(t, tokenizer_and_extras);
}

int main(void)
{
    return tiny_main("checkpoint", add);
}
