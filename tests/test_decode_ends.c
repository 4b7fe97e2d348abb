/* Where a completion ends: at a stop token, at a stop text, where its room does; and which ids stop. */
#include "rollout/stop.h"
#include "tests/tiny_decode.h"

/* A completion ends with its first stop token and only then is not truncated; otherwise it ends where its room does. */
START_TEST(ends)
{
    rz_policy *p = tiny_policy(&arch, tiny_kernels(-1), NULL, 36, 0.7);
    int stopped[3] = {0}, at_limit = 0, by_limit = 0, by_room = 0;
    for (int step = 0; step < 30; step++) {
        rz_sampling s = sampling();
        rz_request *r = requests();
        s.max_new = 1 + step % 15;
        decode(p, 7, r, N_REQUESTS, &s, (rz_address){5, RZ_RNG_SAMPLE, (uint32_t)step});
        for (int i = 0; i < N_REQUESTS; i++)
            for (int k = 0; k < N; k++) {
                const rz_completion *c = &r[i].completions[k];
                int room = P - r[i].n_prompt, limit = room < s.max_new ? room : s.max_new;
                ck_assert_int_ge(c->n, 1);
                ck_assert_int_le(c->n, limit);
                for (int j = 0; j < c->n - 1; j++)
                    ck_assert(!is_stop(c->ids[j]));
                bool stop = is_stop(c->ids[c->n - 1]);
                ck_assert_int_eq(c->truncated, !stop);
                ck_assert_int_eq(c->n_text, c->n - stop);
                ck_assert(stop || c->n == limit);
                for (int j = 0; j < 3; j++)
                    stopped[j] += c->ids[c->n - 1] == stops[j];
                at_limit += stop && c->n == limit && limit > 1;
                by_limit += !stop && limit < room;
                by_room += !stop && limit == room;
            }
    }
    ck_assert(stopped[0] && stopped[1] && stopped[2] && at_limit && by_limit && by_room);
    rz_policy_destroy(p);
}
END_TEST

/* ---- stop texts ---- */

/* Tokens of one or two letters: words, or, bytes being true, pieces of a byte-level vocabulary, where an e at the end and an f at the start are the halves of é. */
static const char *letters_of(int id, bool bytes)
{
    static char all[V][3];
    all[id][0] = (bytes ? "abcde\xA9" : "abcdef")[id % 6];
    all[id][1] = id < 6 ? 0 : (bytes ? " abcd\xC3g" : " abcdef")[id / 6];
    return all[id];
}

static rz_tokenizer *letters(bool bytes)
{
    rz_tokenizer *t;
    char json[2000], *at = json;
    at += sprintf(at, "{\"version\": \"1.0\", \"pre_tokenizer\": %s \"model\": {\"type\": \"%s\", \"vocab\": {",
                  bytes ? "{\"type\": \"ByteLevel\", \"add_prefix_space\": false}, \"decoder\": {\"type\": \"ByteLevel\"}," : "{\"type\": \"WhitespaceSplit\"},",
                  bytes ? "BPE" : "WordLevel");
    for (int i = 0; i < V; i++) {
        at += sprintf(at, "\"");
        for (const char *s = letters_of(i, bytes); *s; s++) /* bytes as the vocabulary spells them */
            at += *s == '\xA9' ? sprintf(at, "©") : *s == '\xC3' ? sprintf(at, "Ã") : sprintf(at, "%c", *s);
        at += sprintf(at, "\": %d%s", i, i + 1 < V ? ", " : "}");
    }
    strcpy(at, bytes ? ", \"merges\": []}}" : "}}");
    ck_assert_msg(rz_tokenizer_parse(&t, "letters", json, strlen(json), &err), "%s", err.text);
    return t;
}

/* The first token after which the text holds one of the texts, counted from 1; the text is put together here. 0: none. */
static int first_stop(bool bytes, const rz_completion *c, const char *const *texts, int n_texts)
{
    char text[10 * P] = "";
    for (int j = 0; j < c->n_text; j++) {
        strcat(strcat(text, j && !bytes ? " " : ""), letters_of(c->ids[j], bytes));
        for (int i = 0; i < n_texts; i++)
            if (texts[i][0] && strstr(text, texts[i]))
                return j + 1;
    }
    return 0;
}

/* Against completions that texts do not stop: they are cut where the text first holds one, be it a word, a part of one, or cut by the tokens. */
START_TEST(stop_texts)
{
    static const char *const longest = "longer than any completion is, so that the tail is all of it";
    const char *const texts[] = {_i ? "é" : "a b", "", _i ? "abc" : "fc", _i ? "ecda" : "e c d", longest};
    rz_tokenizer *t = letters(_i);
    rz_policy *p = tiny_policy(&arch, tiny_kernels(-1), NULL, 36, 0.7);
    int cut = 0, uncut = 0, by_id = 0, at_limit = 0, in_halves = 0;
    for (int step = 0; step < 24; step++) {
        rz_sampling s = sampling();
        rz_request *free_ones = requests(), *r = requests();
        rz_address at = {6, RZ_RNG_SAMPLE, (uint32_t)step};
        s.max_new = 8 + step / 2;
        decode(p, 64, free_ones, N_REQUESTS, &s, at);
        s.n_stop_texts = 5;
        s.stop_texts = texts;
        s.tokenizer = t;
        decode(p, 1 + step, r, N_REQUESTS, &s, at);
        for (int i = 0; i < N_REQUESTS; i++)
            for (int k = 0; k < N; k++) {
                const rz_completion *c = &r[i].completions[k], *w = &free_ones[i].completions[k];
                int n = first_stop(_i, w, texts, 4);
                ck_assert_int_eq(c->n, n ? n : w->n);
                ck_assert_int_eq(c->n_text, n ? n : w->n_text);
                ck_assert_int_eq(c->truncated, n ? 0 : w->truncated);
                ck_assert(!memcmp(c->ids, w->ids, (size_t)c->n * sizeof *c->ids) && !memcmp(c->logp, w->logp, (size_t)c->n * sizeof *c->logp));
                cut += n && n < w->n;
                in_halves += _i && n > 1 && strchr(letters_of(c->ids[n - 2], true), 0xC3) && letters_of(c->ids[n - 1], true)[0] == '\xA9';
                at_limit += n && n == w->n && w->truncated;
                uncut += !n && w->truncated;
                by_id += !n && !w->truncated;
            }
    }
    ck_assert(!_i || in_halves > 2);
    ck_assert_msg(cut > 20 && uncut > 20 && by_id > 20 && at_limit > 0, "cut %d, at the limit %d, uncut %d, by id %d: the cases show nothing", cut, at_limit, uncut,
                  by_id);
    rz_policy_destroy(p);
    rz_tokenizer_destroy(t);
}
END_TEST

/* The ends that a model names, and eos_token: "<eos>", the default, may be missing where there are others. */
START_TEST(stop_ids)
{
    static const struct { int n_eos; int32_t eos[2]; const char *eos_token; bool ok; int n; int32_t ids[3]; } cases[] = {
        {0, {0}, "c", true, 1, {2}}, {0, {0}, "<eos>", false, 0, {0}}, {1, {7}, "<eos>", true, 1, {7}}, {2, {7, 2}, "c", true, 2, {7, 2}},
        {2, {7, 9}, "c", true, 3, {7, 9, 2}}, {1, {7}, "</s>", false, 1, {7}},
    };
    rz_tokenizer *t = letters(false);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rz_token_extras *extras = rz_tokenizer_extras(t);
        int32_t ids[RZ_MAX_STOPS];
        int n = -1;
        extras->n_eos = cases[i].n_eos;
        memcpy(extras->eos, cases[i].eos, sizeof cases[i].eos);
        ck_assert_int_eq(rz_stop_ids(t, cases[i].eos_token, ids, &n), cases[i].ok);
        ck_assert_int_eq(n, cases[i].n);
        ck_assert(!memcmp(ids, cases[i].ids, (size_t)n * sizeof *ids));
    }
    rz_tokenizer_destroy(t);
}
END_TEST

static void add(TCase *t)
{
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, ends);
    tcase_add_loop_test(t, stop_texts, 0, 2);
    tcase_add_test(t, stop_ids);
}

int main(void)
{
    return tiny_main("decode_ends", add);
}
