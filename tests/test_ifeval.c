/* IFEval's checks: what they return is what their originals returned (golden/rules/parity_ifeval.jsonl); what rests on rules of our own (languages,
 * sentences); the kinds that count; and no text makes any of them take long. */
#include "rewards/follow.h"
#include "tests/presets.h"
#include <math.h>

START_TEST(as_the_originals) { ck_assert_int_gt(agree_with_originals("tests/golden/rules/parity_ifeval.jsonl"), 500); }
END_TEST

START_TEST(languages)
{
    static const struct { const char *code, *text; } cases[] = {
        {"en", "This is a short story about a boy who lived in the mountains and liked to read books with his friends."},
        {"es", "Este es un cuento corto sobre un niño que vivía en las montañas y le gustaba leer libros con sus amigos."},
        {"pt", "Esta é uma história curta sobre um menino que vivia nas montanhas e gostava de ler livros com os seus amigos."},
        {"fr", "Ceci est une courte histoire sur un garçon qui vivait dans les montagnes et aimait lire des livres avec ses amis."},
        {"de", "Dies ist eine kurze Geschichte über einen Jungen, der in den Bergen lebte und gern mit seinen Freunden Bücher las."},
        {"it", "Questa è una breve storia di un ragazzo che viveva tra le montagne e amava leggere libri con i suoi amici."},
        {"pl", "To jest krótka historia o chłopcu, który mieszkał w górach i lubił czytać książki z przyjaciółmi."},
        {"vi", "Đây là một câu chuyện ngắn về một cậu bé sống trên núi và thích đọc sách với bạn bè."},
        {"sw", "Hii ni hadithi fupi kuhusu mvulana aliyeishi katika milima na alipenda kusoma vitabu pamoja na marafiki zake."},
        {"fi", "Tämä on lyhyt tarina pojasta, joka asui vuorilla ja tykkäsi lukea kirjoja ystäviensä kanssa."},
        {"ru", "Это короткая история о мальчике, который жил в горах и любил читать книги с друзьями."},
        {"uk", "Це коротка історія про хлопчика, який жив у горах і любив читати книги з друзями."},
        {"bg", "Това е кратка история за едно момче, което живееше в планината и обичаше да чете книги с приятелите си."},
        {"ar", "هذه قصة قصيرة عن ولد عاش في الجبال وكان يحب قراءة الكتب مع أصدقائه."},
        {"fa", "این داستان کوتاهی درباره پسری است که در کوه زندگی می‌کرد و دوست داشت با دوستانش کتاب بخواند."},
        {"ur", "یہ ایک لڑکے کی مختصر کہانی ہے جو پہاڑوں میں رہتا تھا اور اپنے دوستوں کے ساتھ کتابیں پڑھنا پسند کرتا تھا۔"},
        {"hi", "यह एक लड़के की छोटी कहानी है जो पहाड़ों में रहता था और अपने दोस्तों के साथ किताबें पढ़ना पसंद करता था।"},
        {"mr", "ही एका मुलाची छोटी गोष्ट आहे जो डोंगरात राहत होता आणि त्याला मित्रांसोबत पुस्तके वाचायला आवडत होते."},
        {"ne", "यो पहाडमा बस्ने र साथीहरूसँग किताब पढ्न मन पराउने केटाको छोटो कथा हो।"},
        {"bn", "এটি একটি ছোট গল্প।"}, {"ja", "これは山に住んでいて、友達と本を読むのが好きだった少年の短い物語です。"}, {"ko", "이것은 산에 살던 소년의 짧은 이야기입니다."},
        {"th", "นี่คือเรื่องสั้น"}, {"ta", "இது ஒரு சிறுகதை"}, {"te", "ఇది ఒక చిన్న కథ"}, {"kn", "ಇದು ಒಂದು ಸಣ್ಣ ಕಥೆ"}, {"gu", "આ એક ટૂંકી વાર્તા છે"},
        {"pa", "ਇਹ ਇੱਕ ਛੋਟੀ ਕਹਾਣੀ ਹੈ"}, {"ml", "ഇതൊരു ചെറുകഥയാണ്"}, {"he", "זה סיפור קצר על ילד"}, {"zh", "这是一个短篇故事。"}, {NULL, "123 !?"},
        {NULL, "xyzzy plugh"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t letters;
        const char *code = rz_follow_language(&arena, RZ_SLICE(cases[i].text), &letters);
        ck_assert_msg(code && cases[i].code ? strcmp(code, cases[i].code) == 0 : code == cases[i].code, "%s: %s", cases[i].text, code ? code : "none");
    }
}
END_TEST

START_TEST(sentences_and_words)
{
    static const struct { const char *text; size_t sentences, words, runs; } cases[] = {
        {"", 0, 0, 0}, {"  \n ", 0, 0, 0}, {"Hello", 1, 1, 1}, {"Hello. World.", 2, 2, 2}, {"Is it? Yes! No", 3, 4, 4},
        {"Mr. Smith met Dr. Jones. They talked.", 2, 7, 7},
        {"He lives in the U.S. now.", 1, 6, 7}, {"It costs 3.50 dollars. Cheap!", 2, 5, 6}, {"Wait... what?", 1, 2, 2}, {"Wait... What?", 2, 2, 2},
        {"\"Stop!\" he said.", 2, 3, 3},
        {"1. Buy milk\n2. eat", 2, 5, 5}, {"J. K. Rowling wrote it.", 1, 5, 5}, {"e.g. this, etc. and so on.", 1, 6, 7}, {"- don't --", 1, 1, 2},
        {"(See Fig. 3.) Then go.", 2, 5, 5},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rz_slice t = RZ_SLICE(cases[i].text);
        size_t s = rz_follow_sentences(t), w = rz_follow_words(t), r = rz_follow_word_runs(t);
        ck_assert_msg(s == cases[i].sentences && w == cases[i].words && r == cases[i].runs, "'%s': %zu sentences, %zu words, %zu runs", cases[i].text, s,
            w, r);
    }
}
END_TEST

START_TEST(what_nltk_and_langdetect_would_say)
{
    static const struct { const char *name, *params, *text; double points; } cases[] = {
        {"ifeval/change_case:english_capital", NULL, "THIS IS A TEST OF THE SYSTEM", 1}, {"ifeval/change_case:english_capital", NULL, "This is a test", 0},
        {"ifeval/change_case:english_capital", NULL, "123", 0}, {"ifeval/change_case:english_lowercase", NULL, "this is a test of the system", 1},
        {"ifeval/change_case:english_lowercase", NULL, "ceci est une courte histoire sur les livres", 0},
        {"ifeval/change_case:english_capital", NULL, "DIES IST EINE KURZE GESCHICHTE", 0},
        {"ifeval/language:response_language", "{\"language\": \"de\"}", "Dies ist eine kurze Geschichte.", 1},
        {"ifeval/language:response_language", "{\"language\": \"de\"}", "This is a story.", 0},
        {"ifeval/language:response_language", "{\"language\": \"de\"}", "12 + 3", 1},
        {"ifeval/length_constraints:number_sentences", "{\"num_sentences\": 2, \"relation\": \"at least\"}", "A book. C door.", 1},
        {"ifeval/length_constraints:number_sentences", "{\"num_sentences\": 2, \"relation\": \"less than\"}", "A book. C door.", 0},
        {"ifeval/change_case:capital_word_frequency", "{\"capital_frequency\": 3, \"capital_relation\": \"at least\"}", "I CAN'T", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        outcome o = judge_json(cases[i].name, cases[i].params, cases[i].text, strlen(cases[i].text), NULL, NULL);
        ck_assert_msg(o.state == RZ_PART_SCORED && o.points == cases[i].points, "%s '%s': %g %s", cases[i].name, cases[i].text, o.points, o.reason);
    }
}
END_TEST

START_TEST(problems_that_are_unusable)
{
    static const char *const metas[] = {
        NULL, "{}", "{\"instruction_id_list\": [], \"kwargs\": []}", "{\"instruction_id_list\": [\"punctuation:no_comma\"], \"kwargs\": []}",
        "{\"instruction_id_list\": [\"punctuation:no_commas\"], \"kwargs\": [{}]}", "{\"instruction_id_list\": [\"all\"], \"kwargs\": [{}]}",
            "{\"instruction_id_list\": [5], \"kwargs\": [{}]}",
        "{\"instruction_id_list\": [\"keywords:existence\"], \"kwargs\": [{\"keywords\": null}]}",
            "{\"instruction_id_list\": [\"keywords:existence\"], \"kwargs\": [{\"keyword\": \"a\"}]}",
        "{\"instruction_id_list\": [\"length_constraints:number_words\"], \"kwargs\": [{\"num_words\": 5, \"relation\": \"at most\"}]}",
    };
    for (size_t i = 0; i < sizeof metas / sizeof *metas; i++) {
        outcome o = judge_json("ifeval/all", NULL, "text", 4, NULL, metas[i]);
        ck_assert_msg(o.state == RZ_PART_ERROR && o.gold_problem, "%s: %s", metas[i], o.reason);
    }
    static const char fine[] = "{\"instruction_id_list\": [\"punctuation:no_comma\", \"length_constraints:number_words\"],"
                               " \"kwargs\": [{\"num_words\": null, \"relation\": null}, {\"num_words\": 3.0, \"relation\": \"at least\", \"keywords\": "
                                "null}]}";
    outcome o = judge_json("ifeval/all", "{\"points\": \"mean\"}", "a, b c", 6, NULL, fine);
    ck_assert_msg(o.state == RZ_PART_SCORED && o.points == 0.5 && !o.passed && strstr(o.reason, "no_comma"), "%g %s", o.points, o.reason);
    ck_assert_str_eq(o.found, "1 of 2 instructions");
}
END_TEST

START_TEST(kinds)
{
    static const struct { const char *name, *params, *text; double points; const char *reason; } cases[] = {
        {"words", "{\"min\": 2, \"max\": 3}", "one two -- three", 1, "passed"}, {"words", "{\"min\": 4}", "one two -- three", 0, "too few"},
        {"words", "{\"max\": 2}", "one two three", 0, "too many"},
        {"sentences", "{\"min\": 2, \"max\": 2}", "One. Two.", 1, "passed"},
        {"paragraphs", "{\"min\": 2, \"max\": 2}", "\na\nb\n\n \n\nc\n\n---\n", 1, "passed"},
        {"paragraphs", "{\"min\": 2, \"max\": 2, \"separator\": \"***\"}", "*** a *** \n\n ***b", 1, "passed"},
        {"bullets", "{\"min\": 2, \"max\": 2}", "- a\n* b\n-c\n- \n  + d\n---", 1, "passed"},
        {"bullets", "{\"min\": 1, \"max\": 1, \"marks\": [\"+\", \"\\u2022\"]}", "- a\n  \xE2\x80\xA2 d", 1, "passed"},
        {"letters", "{\"letter\": \"e\", \"max\": 2}", "Eel e", 0, "too many"},
        {"letters", "{\"letter\": \"e\", \"max\": 2, \"case\": true}", "Eel e", 1, "passed"},
        {"keywords", "{\"words\": [\"Cat\", \"dog\"]}", "dog and CAT", 1, "passed"},
        {"keywords", "{\"words\": [\"cat\"]}", "concatenate", 0, "'cat' is missing"},
        {"keywords", "{\"words\": [\"cat\"], \"whole\": false}", "concatenate", 1, "passed"},
        {"keywords", "{\"words\": [\"cat\"], \"times\": 2}", "cat cat", 1, "passed"},
        {"keywords", "{\"words\": [\"cat\"], \"times\": 3}", "cat cat", 0, "fewer than 3"},
        {"keywords", "{\"forbidden\": [\"c++\"]}", "I like C++ more", 0, "forbidden"},
        {"keywords", "{\"words\": [\"cat\"], \"case\": true}", "Cat", 0, "missing"},
        {"json", NULL, " {\"a\": 1} ", 1, "passed"}, {"json", NULL, "[1]", 0, "no map"}, {"json", "{\"type\": \"list\"}", "[1]", 1, "passed"},
        {"json", NULL, "{\"a\": NaN}", 0, "not JSON"},
        {"json", NULL, "```json\n{}\n```", 0, "not JSON"}, {"json", "{\"fence\": true}", "```json\n{}\n```", 1, "passed"},
        {"json", "{\"required\": {\"a\": \"integer\"}}", "{\"a\": 1.0}", 0, "another type"},
        {"json", "{\"required\": {\"a\": \"number\"}}", "{\"\\u0061\": 1.0}", 1, "passed"},
        {"json", "{\"required\": {\"a\": \"any\"}}", "{\"b\": {\"a\": 1}}", 0, "missing"},
        {"json", "{\"required\": {\"a\": \"any\"}}", "{\"a\": 1, \"a\": 2}", 0, "twice"},
        {"json", "{\"required\": {\"a\": \"text\"}, \"only\": true}", "{\"a\": \"\", \"b\": 1}", 0, "besides"},
        {"language_share", "{\"script\": \"Latin\"}", "all Latin é", 1, "passed"},
        {"language_share", "{\"script\": \"Latin\"}", "half \xD1\x8F", 0, "too small"},
        {"language_share", "{\"script\": \"Latin\", \"graded\": true}", "half \xD1\x8F 12 !", 0.5, "too small"},
        {"language_share", "{\"script\": \"Latin\"}", "12 ! 3", 0, "no letters"},
        {"language_share", "{\"script\": \"Latin\", \"of\": \"letters\", \"graded\": true}", "abc\xD1\x8F", 0.75, "too small"},
        {"language_share", "{\"script\": \"Han+Hiragana\"}", "これは山", 1, "passed"},
        {"language_share", "{\"script\": \"Latin\", \"graded\": true}", "a\xD1\x8F b", 0.5, "too small"},
        {"repetition", "{\"n\": 2}", "a b c d", 1, "passed"},
        {"repetition", "{\"n\": 2}", "a b A b a b", 0, "repeated"}, {"repetition", "{\"n\": 2, \"graded\": true}", "a b a b", 2.0 / 3, "repeated"},
        {"repetition", "{\"n\": 5}", "a a a", 1, "passed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        outcome o = judge_json(cases[i].name, cases[i].params, cases[i].text, strlen(cases[i].text), NULL, NULL);
        ck_assert_msg(o.state == RZ_PART_SCORED && fabs(o.points - cases[i].points) < 1e-12 && strstr(o.reason, cases[i].reason), "%s %s '%s': %g %s",
            cases[i].name, cases[i].params,
                      cases[i].text, o.points, o.reason);
    }
}
END_TEST

START_TEST(parameters_that_are_refused)
{
    static const struct { const char *name, *params, *what; } cases[] = {
        {"words", "{}", "every text passes"}, {"words", "{\"min\": 5, \"max\": 3}", "min is 5"},
        {"paragraphs", "{\"min\": 1, \"separator\": \"\"}", "separator is empty"},
        {"bullets", "{\"min\": 1, \"marks\": []}", "marks has 0"}, {"letters", "{\"min\": 1, \"letter\": \"ab\"}", "one character"},
        {"keywords", "{}", "every text passes"},
        {"keywords", "{\"words\": [\"\"]}", "empty text"}, {"json", "{\"required\": {\"a\": \"string\"}}", "required: a must be"},
        {"json", "{\"type\": \"list\", \"only\": true}", "about a map"},
        {"language_share", "{\"script\": \"Latn!\"}", "script is"}, {"language_share", "{\"script\": \"Klingon\"}", "script is 'Klingon'"},
        {"language_share", "{\"script\": \"Latin\", \"min\": 2}", "min is 2"},
        {"repetition", "{\"n\": 0}", "n is 0"}, {"repetition", "{\"of\": \"lines\"}", "words or tokens"},
        {"ifeval/keywords:frequency", "{\"keyword\": \"a\", \"relation\": \"at least\"}", "frequency is missing"},
        {"ifeval/length_constraints:number_words", "{\"num_words\": 3, \"relation\": \"at most\"}", "must be 'less than'"},
        {"ifeval/all", "{\"mode\": \"hard\"}", "strict or loose"},
        {"ifeval/length_constraints:nth_paragraph_first_word", "{\"num_paragraphs\": 2, \"nth_paragraph\": 3, \"first_word\": \"a\"}",
         "nth_paragraph is 3"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rz_err err = {0};
        json_t *given = json_loads(cases[i].params, 0, NULL), *all = rz_verifier_params(rz_verifier_find(cases[i].name), given, &err);
        ck_assert_msg(!all && strstr(err.text, cases[i].what), "%s %s: %s", cases[i].name, cases[i].params, all ? "taken" : err.text);
        json_decref(given);
    }
}
END_TEST

/* Texts made to be slow. The test's time limit is the judge. */
START_TEST(bounded)
{
    static const struct { const char *name, *params; } checks[] = {
        {"words", "{\"max\": 5}"}, {"sentences", "{\"max\": 5}"}, {"paragraphs", "{\"max\": 5}"}, {"paragraphs", "{\"max\": 5, \"separator\": \"**\"}"},
        {"bullets", "{\"max\": 5}"},
        {"letters", "{\"letter\": \"a\", \"max\": 5}"}, {"keywords", "{\"words\": [\"aaaaaaaaaaaaaaaaaaaab\"]}"},
        {"keywords", "{\"forbidden\": [\"a\", \"*\"]}"}, {"json", NULL},
        {"language_share", "{\"script\": \"Latin\"}"}, {"language_share", "{\"script\": \"Greek\", \"of\": \"letters\"}"}, {"repetition", NULL},
        {"ifeval/keywords:existence", "{\"keywords\": [\"aaaaaaaaaaaaaab\", \"(a*)*b\"]}"},
        {"ifeval/keywords:frequency", "{\"keyword\": \"aa\", \"frequency\": 9, \"relation\": \"less than\"}"},
        {"ifeval/keywords:forbidden_words", "{\"forbidden_words\": [\"a\", \"(a|aa)+$\"]}"},
        {"ifeval/detectable_format:multiple_sections", "{\"section_spliter\": \"a\", \"num_sections\": 2}"},
        {"ifeval/detectable_format:multiple_sections", "{\"section_spliter\": \"a.\", \"num_sections\": 2}"},
        {"ifeval/length_constraints:number_paragraphs", "{\"num_paragraphs\": 2}"},
        {"ifeval/length_constraints:number_sentences", "{\"num_sentences\": 5, \"relation\": \"less than\"}"},
        {"ifeval/change_case:english_lowercase", NULL},
        {"ifeval/length_constraints:nth_paragraph_first_word", "{\"num_paragraphs\": 2, \"nth_paragraph\": 1, \"first_word\": \"a\"}"},
        {"ifeval/detectable_content:postscript", "{\"postscript_marker\": \"P.P.S\"}"},
        {"ifeval/detectable_content:number_placeholders", "{\"num_placeholders\": 1}"},
        {"ifeval/detectable_format:number_bullet_lists", "{\"num_bullets\": 1}"},
        {"ifeval/detectable_format:number_highlighted_sections", "{\"num_highlights\": 1}"}, {"ifeval/detectable_format:title", NULL},
        {"ifeval/combination:two_responses", NULL},
        {"ifeval/change_case:capital_word_frequency", "{\"capital_frequency\": 1, \"capital_relation\": \"less than\"}"},
        {"ifeval/detectable_format:json_format", NULL},
        {"ifeval/startend:end_checker", "{\"end_phrase\": \"x\"}"},
    };
    static const char *const pieces[] = {"a", "a ", "[", "<<", ">", "*", "***\n", "\n", "\n ", "* ", "{\"a\":", "\"", "p. ", "A'", ". ", "A.", "\xD1\x8F",
        ")", "\xC2\xA0", "a1", "-"};
    for (size_t p = 0; p < sizeof pieces / sizeof *pieces; p++)
        for (size_t size = 60000; size <= 1000000; size *= 8) {
            size_t len = strlen(pieces[p]), n = size / len;
            char *text = many(pieces[p], n);
            for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
                outcome o = judge_json(checks[i].name, checks[i].params, text, len * n, NULL, NULL);
                bool limit = o.state == RZ_PART_ERROR && strstr(o.reason, "limit");
                ck_assert_msg(o.state == RZ_PART_SCORED || limit, "%s: %s for %zu times '%s'", checks[i].name, o.reason, n, pieces[p]);
            }
            free(text);
        }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ifeval");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, as_the_originals);
    tcase_add_test(t, languages);
    tcase_add_test(t, sentences_and_words);
    tcase_add_test(t, what_nltk_and_langdetect_would_say);
    tcase_add_test(t, problems_that_are_unusable);
    tcase_add_test(t, kinds);
    tcase_add_test(t, parameters_that_are_refused);
    tcase_add_test(t, bounded);
    suite_add_tcase(suite, t);
    return run_suite(suite);
}
