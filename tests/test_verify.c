/* Files whose seal is good and that are not whole all the same: each array and each attribute left out in turn, each array with another shape, each number that is
 * not finite. As a bug of ours, or another program's rewriting, would leave them. */
#include "tests/folder.h"
#include "trainer/verify.h"

#include <math.h>

static const char checkpoint[] = "tests/golden/checkpoints/format-1/run/checkpoints/step-000002.h5";
static const char model[] = "tests/golden/checkpoints/format-1/base.h5";

#define MUST(call) ck_assert_msg((call), "%s", err.text)

/* What is done to one array or attribute on the way. */
typedef enum { KEEP, LEAVE_OUT, SHORTEN, ANOTHER_TYPE, NOT_A_NUMBER, NEGATIVE } edit;
typedef struct {
    const char *name; /* of the array or attribute */
    edit done;
    rz_store *from, *to;
} copy;

static bool copy_array(void *ctx, const char *name, const rz_shape *s)
{
    const copy *c = ctx;
    edit what = strcmp(c->name, name) ? KEEP : c->done;
    rz_shape shape = *s;
    size_t n = 1;
    for (int i = 0; i < s->n_dims; i++)
        n *= (size_t)s->dims[i];
    char *data = rz_calloc(n + 1, rz_type_size(s->type));
    MUST(rz_store_get(c->from, name, *s, data, &err));
    if (what == SHORTEN)
        shape.dims[0]--;
    if (what == ANOTHER_TYPE)
        shape.type = shape.type == RZ_I8 ? RZ_U8 : RZ_I8;
    if (what == NOT_A_NUMBER)
        ((float *)data)[n - 1] = NAN;
    if (what == NEGATIVE)
        ((float *)data)[n / 2] = -1;
    if (what != LEAVE_OUT)
        MUST(rz_store_put(c->to, name, shape, data, &err));
    free(data);
    return true;
}

static bool copy_attribute(void *ctx, const char *name, const char *value)
{
    const copy *c = ctx;
    rz_err not_a_number;
    int64_t whole;
    if (!strcmp(c->name, name) && c->done == LEAVE_OUT)
        return true;
    if (rz_store_get_i64(c->from, name, &whole, &not_a_number))
        MUST(rz_store_put_i64(c->to, name, whole, &err));
    else
        MUST(rz_store_put_str(c->to, name, value, &err));
    return true;
}

static const char *changed(const char *from, const char *name, edit done)
{
    copy c = {name, done, NULL, NULL};
    const char *to = in_folder("step-000002.h5");
    MUST(rz_store_open(&c.from, from, &err));
    MUST(rz_store_create(&c.to, to, &err));
    MUST(rz_store_each_attr(c.from, copy_attribute, &c, &err));
    MUST(rz_store_each(c.from, copy_array, &c, &err));
    MUST(rz_store_commit(c.to, &err));
    rz_store_close(c.to);
    rz_store_close(c.from);
    return to;
}

static void is_refused(const char *from, const char *name, edit done, const char *said)
{
    rz_file_facts f;
    const char *path = changed(from, name, done);
    ck_assert_msg(!rz_verify_file(&f, path, &err), "%s: %s, edit %d is not seen", from, name, (int)done);
    ck_assert_msg(!strncmp(err.text, path, strlen(path)), "'%s' does not begin with the path", err.text);
    expect_failure(RZ_EDATA, said);
}

typedef struct { const char *file; int n; } every;

static bool array_is_missed(void *ctx, const char *name, const rz_shape *s)
{
    every *e = ctx;
    is_refused(e->file, name, LEAVE_OUT, name);
    if (s->n_dims && strcmp(name, "parts/rules")) {
        bool text = s->type == RZ_U8 && s->n_dims == 1; /* one byte less of a text may still be a text: its type says more */
        is_refused(e->file, name, text ? ANOTHER_TYPE : SHORTEN, "");
    }
    if (s->type == RZ_F32 && (!strncmp(name, "model/", 6) || !strncmp(name, "optimizer/", 10)))
        is_refused(e->file, name, NOT_A_NUMBER, name);
    e->n++;
    return true;
}

static bool attribute_is_missed(void *ctx, const char *name, const char *value)
{
    static const char *const may_lack[] = {"ranks", "kernels", "program", "curriculum_place", "curriculum_right", "curriculum_seen"};
    every *e = ctx;
    (void)value;
    for (size_t i = 0; i < sizeof may_lack / sizeof may_lack[0]; i++)
        if (!strcmp(name, may_lack[i]))
            return true;
    is_refused(e->file, name, LEAVE_OUT, name);
    e->n++;
    return true;
}

static void nothing_may_be_missing(const char *file, int arrays, int attributes)
{
    rz_store *s;
    rz_file_facts f;
    every e = {file, 0};
    MUST(rz_verify_file(&f, changed(file, "", KEEP), &err));
    MUST(rz_store_open(&s, file, &err));
    MUST(rz_store_each(s, array_is_missed, &e, &err));
    ck_assert_int_eq(e.n, arrays);
    MUST(rz_store_each_attr(s, attribute_is_missed, &e, &err));
    ck_assert_int_eq(e.n, arrays + attributes);
    rz_store_close(s);
}

START_TEST(a_checkpoint)
{
    rz_file_facts f;
    MUST(rz_verify_file(&f, checkpoint, &err));
    ck_assert_str_eq(f.kind, "train");
    ck_assert(rz_is_checkpoint(&f));
    ck_assert_int_eq(f.at.step, 2);
    ck_assert_int_eq(f.at.tokens_sampled, 267);
    ck_assert_int_gt(f.bytes, 50000);
    nothing_may_be_missing(checkpoint, 17, 10);
    is_refused(checkpoint, "optimizer/v", NEGATIVE, "optimizer/v holds -1 at element 2232");
    is_refused(checkpoint, "optimizer/v", NOT_A_NUMBER, "at element 4463");
}
END_TEST

START_TEST(a_checkpoint_of_another_step)
{
    rz_file_facts f;
    const char *path = in_folder("step-000003.h5");
    ck_assert_int_eq(rename(changed(checkpoint, "", KEEP), path), 0);
    ck_assert(!rz_verify_file(&f, path, &err));
    expect_failure(RZ_EDATA, "of step 2 under another name");
}
END_TEST

START_TEST(a_model)
{
    rz_file_facts f;
    MUST(rz_verify_file(&f, model, &err));
    ck_assert_str_eq(f.kind, "model");
    nothing_may_be_missing(model, 13, 2);
}
END_TEST

/* Two completions of one prompt, of 2 and 1 tokens, one rule. */
static const struct { const char *name; rz_type type; int n_dims; int64_t rows, width; int64_t v[3]; } columns[] = {
    {"step", RZ_I64, 1, 2}, {"slot", RZ_I32, 1, 2}, {"sample", RZ_I32, 1, 2}, {"n_tokens", RZ_I32, 1, 2}, {"truncated", RZ_U8, 1, 2},
    {"correct", RZ_U8, 1, 2}, {"format_ok", RZ_U8, 1, 2}, {"score", RZ_F64, 1, 2}, {"advantage", RZ_F64, 1, 2}, {"signal", RZ_U8, 1, 2},
    {"parts/state", RZ_I8, 2, 2, 1}, {"parts/points", RZ_F64, 2, 2, 1}, {"parts/span", RZ_I64, 2, 2, 2},
    {"tokens/offsets", RZ_I64, 1, 3, 0, {0, 2, 3}}, {"tokens/ids", RZ_I32, 1, 3}, {"tokens/logp", RZ_F32, 1, 3}, {"tokens/logp_behaviour", RZ_F32, 1, 3},
    {"tokens/entropy", RZ_F32, 1, 3}, {"text/offsets", RZ_I64, 1, 3, 0, {0, 3, 5}}, {"text/bytes", RZ_U8, 1, 5}, {"explain/offsets", RZ_I64, 1, 3, 0, {0, 1, 1}},
    {"explain/bytes", RZ_U8, 1, 1}, {"prompts/step", RZ_I64, 1, 1}, {"prompts/slot", RZ_I32, 1, 1}, {"prompts/trained", RZ_U8, 1, 1},
    {"prompts/prompt/offsets", RZ_I64, 1, 2, 0, {0, 4}}, {"prompts/prompt/bytes", RZ_U8, 1, 4}, {"prompts/answer/offsets", RZ_I64, 1, 2, 0, {0, 2}},
    {"prompts/answer/bytes", RZ_U8, 1, 2}, {"prompts/meta/offsets", RZ_I64, 1, 2, 0, {0, 2}}, {"prompts/meta/bytes", RZ_U8, 1, 2}};
enum { N_COLUMNS = sizeof columns / sizeof columns[0] };

static void write_rollouts(const char *path, const char *other, int64_t v1)
{
    rz_store *s;
    MUST(rz_store_create(&s, path, &err));
    MUST(rz_store_put_str(s, "kind", "rollouts", &err) && rz_store_put_i64(s, "format_version", 1, &err) && rz_store_put_text(s, "parts/rules", "right\n", &err));
    for (int i = 0; i < N_COLUMNS; i++) {
        int64_t data[8] = {columns[i].v[0], strcmp(columns[i].name, other) ? columns[i].v[1] : v1, columns[i].v[2]};
        rz_shape shape = {columns[i].type, columns[i].n_dims, {columns[i].rows, columns[i].width}};
        MUST(rz_store_put(s, columns[i].name, shape, data, &err));
    }
    MUST(rz_store_commit(s, &err));
    rz_store_close(s);
}

START_TEST(rollouts)
{
    static const struct { const char *name; int64_t v1; const char *said; } wrong[] = {
        {"tokens/offsets", 4, "tokens/offsets does not rise at element 2"}, {"text/offsets", -1, "text/offsets does not rise at element 1"},
        {"prompts/meta/offsets", 3, "prompts/meta/bytes has another shape"}};
    rz_file_facts f;
    write_rollouts(in_folder("rollouts.h5"), "", 0);
    char *path = rz_strdup(in_folder("rollouts.h5"));
    MUST(rz_verify_file(&f, path, &err));
    ck_assert_str_eq(f.kind, "rollouts");
    nothing_may_be_missing(path, N_COLUMNS + 1, 2);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        write_rollouts(path, wrong[i].name, wrong[i].v1);
        ck_assert(!rz_verify_file(&f, path, &err));
        expect_failure(RZ_EDATA, wrong[i].said);
    }
    free(path);
}
END_TEST

START_TEST(what_is_none_of_a_run)
{
    rz_store *s;
    rz_file_facts f;
    const char *path = in_folder("x.h5");
    ck_assert(!rz_verify_file(&f, path, &err));
    expect_failure(RZ_EIO, "No such file");
    put(path, "hello", 5);
    ck_assert(!rz_verify_file(&f, path, &err));
    expect_failure(RZ_EDATA, "x.h5");
    MUST(rz_store_create(&s, path, &err) && rz_store_put_str(s, "kind", "other", &err) && rz_store_put_i64(s, "format_version", 1, &err) && rz_store_commit(s, &err));
    rz_store_close(s);
    ck_assert(!rz_verify_file(&f, path, &err));
    expect_failure(RZ_EDATA, "its kind is 'other'");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("verify");
    TCase *tc = tcase_create("verify");
    tcase_set_timeout(tc, 60); /* a hundred files, each synced */
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, a_checkpoint);
    tcase_add_test(tc, a_checkpoint_of_another_step);
    tcase_add_test(tc, a_model);
    tcase_add_test(tc, rollouts);
    tcase_add_test(tc, what_is_none_of_a_run);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
