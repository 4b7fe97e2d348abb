/* Which language is a text in? By the script of most letters, then, where several languages share it, by letters that only one of them has and by its most
 * frequent words. A guess without statistics: enough to tell whole texts apart, not single words. */
#include "rewards/follow.h"
#include "base/unicode.h"
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

typedef enum { LATIN, CYRILLIC, ARABIC, DEVANAGARI, HAN, KANA, HANGUL, BENGALI, GUJARATI, GURMUKHI, HEBREW, KANNADA, MALAYALAM, TAMIL,
               TELUGU, THAI, OTHER, N_SCRIPTS } script;

/* Ranges of letters, in order. What lies between them belongs to OTHER. */
static const struct { int32_t first, last; script script; } ranges[] = {
    {0x41, 0x24F, LATIN}, {0x370, 0x3FF, OTHER}, {0x400, 0x52F, CYRILLIC}, {0x590, 0x5FF, HEBREW}, {0x600, 0x77F, ARABIC},
    {0x900, 0x97F, DEVANAGARI}, {0x980, 0x9FF, BENGALI}, {0xA00, 0xA7F, GURMUKHI}, {0xA80, 0xAFF, GUJARATI}, {0xB80, 0xBFF, TAMIL},
    {0xC00, 0xC7F, TELUGU}, {0xC80, 0xCFF, KANNADA}, {0xD00, 0xD7F, MALAYALAM}, {0xE00, 0xE7F, THAI}, {0x1100, 0x11FF, HANGUL},
    {0x1E00, 0x1EFF, LATIN}, {0x3040, 0x30FF, KANA}, {0x3400, 0x9FFF, HAN}, {0xAC00, 0xD7AF, HANGUL}, {0xF900, 0xFAFF, HAN},
    {0xFB50, 0xFDFF, ARABIC}, {0xFE70, 0xFEFF, ARABIC}, {0x20000, 0x3FFFF, HAN}};

static script script_of(int32_t c)
{
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges && c >= ranges[i].first; i++)
        if (c <= ranges[i].last) return ranges[i].script;
    return OTHER;
}

/* letters: small ones that no other language of the script here has. words: parted by blanks, in small letters; each counts three letters' worth. */
static const struct { script script; const char *code, *letters, *words; } languages[] = {
    {LATIN, "en", "", "the and of to in is that it for was with as you this are be not have on by from at or an they we his her she he but what which will "
     "would can if their there"},
    {LATIN, "es", "ñ¿¡", "el la los las de y que en un una es por con para no se del al lo como más su este esta pero son muy hay está era también sobre "
     "entre cuando"},
    {LATIN, "pt", "ãõ", "o a os as de e que em um uma é por com para não se do da dos das no na mais como seu sua mas foi são ao pelo pela também você "
     "muito isso"},
    {LATIN, "fr", "œêû", "le la les des de et que en un une est pour avec dans pas se du au ce qui sur plus il elle nous vous je mais ou sont cette être "
     "aux par ne l'on c'est"},
    {LATIN, "de", "ßäöü", "der die das und ist in zu den von mit nicht ein eine auf für im dem des sich es auch als an werden wird sie ich wir aus bei "
     "nach oder aber wie sind"},
    {LATIN, "it", "ìò", "il lo la gli le di e che in un una è per con non si del della dei delle al da come più sono ma nel anche questo questa era ha o "
     "alla dal"},
    {LATIN, "pl", "łąęśżźćń", "i w na z do się nie to że jest jak o po co ale za od przez tak dla są który która był czy już być ma jego tylko"},
    {LATIN, "vi", "ơưđạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ", "và của là có không được cho một những trong với các này người đã để khi"},
    {LATIN, "sw", "", "na ya wa kwa ni katika za la cha kuwa hii huo yake wake kama lakini watu sana pia au hiyo hivyo ili yao zaidi mtu"},
    {LATIN, "fi", "", "ja on ei se että oli hän mutta kun niin ovat joka myös kuin tai hänen ole olla sen voi jos nyt vain minä mitä tämä sitä"},
    {LATIN, "nl", "", "de het een en van in is dat op te met voor niet zijn aan er maar om ook als bij naar uit dan nog wel deze worden wordt heeft geen"},
    {LATIN, "sv", "å", "och att det i en är som på av för med den till inte har de om ett men var jag kan så från när eller ska vi"},
    {LATIN, "tr", "ğışİ", "ve bir bu da de için ile ne çok daha gibi olarak ama var mı en kadar sonra olan o ben değil her"},
    {LATIN, "id", "", "yang dan di ini itu dengan untuk tidak dari dalam akan pada ke juga adalah saya karena atau bisa ada mereka kita oleh"},
    {CYRILLIC, "ru", "ыэё", "и в не на что с он как это по но они мы из у за от так же для вы все она был бы о к"},
    {CYRILLIC, "uk", "іїєґ", "і в не на що з він як це по але вони ми із у за від так для ви все вона був та є до про"},
    {CYRILLIC, "bg", "", "и в не на че с той как това по но те ние от за да се са е ще със има или при до като която които беше най"},
    {ARABIC, "fa", "پچژگ", "و در به از که این را با است برای آن یک تا می بر خود ها هم شد"},
    {ARABIC, "ur", "ٹڈڑںےھہ", "اور کے میں ہے کی کا سے کو یہ نے پر اس ہیں کہ"},
    {ARABIC, "ar", "ةى", "في من على أن إلى عن هذا هذه التي الذي مع كان لا ما هو هي أو كل قد"},
    {DEVANAGARI, "hi", "", "के है में की और से का को पर यह हैं ने एक नहीं कि भी था इस लिए हो कर"},
    {DEVANAGARI, "mr", "ळ", "आहे आणि या च्या ला ते हे मी होते एक तो ही आहेत नाही केले करून व"},
    {DEVANAGARI, "ne", "", "छ र को मा ले हो यो छन् गर्न भएको पनि लागि थियो एक गरेको हुन्छ भने"},
    {HAN, "zh", "", ""}, {KANA, "ja", "", ""}, {HANGUL, "ko", "", ""}, {BENGALI, "bn", "", ""}, {GUJARATI, "gu", "", ""},
    {GURMUKHI, "pa", "", ""}, {HEBREW, "he", "", ""}, {KANNADA, "kn", "", ""}, {MALAYALAM, "ml", "", ""}, {TAMIL, "ta", "", ""},
    {TELUGU, "te", "", ""}, {THAI, "th", "", ""},
};
enum { N_LANGUAGES = sizeof languages / sizeof *languages, WORD_WORTH = 3, LONGEST_WORD = 24, MAX_CHARACTERS = 10000 };

/* The letters and words of all languages, sorted: looking each one of a text up in every list would be most of the work. */
typedef struct { rz_slice word; int language; } entry;
typedef struct { entry of[1024]; size_t n; } dictionary;
static dictionary letters_of, words_of;

static int by_word(const void *x, const void *y)
{
    const rz_slice *a = x, *b = y;
    int order = memcmp(a->s, b->s, a->len < b->len ? a->len : b->len);
    return order ? order : (a->len > b->len) - (a->len < b->len);
}

static void add(dictionary *d, const char *s, size_t n, int language)
{
    assert(d->n < sizeof d->of / sizeof *d->of);
    d->of[d->n++] = (entry){{s, n}, language};
}

static void make_dictionaries(void)
{
    for (int i = 0; i < N_LANGUAGES; i++) {
        size_t n;
        for (const char *p = languages[i].words; *p; p += n + (p[n] == ' ')) add(&words_of, p, n = strcspn(p, " "), i);
        for (const char *p = languages[i].letters; *p; p += n) {
            rz_unicode_read(p, &n);
            add(&letters_of, p, n, i);
        }
    }
    qsort(words_of.of, words_of.n, sizeof *words_of.of, by_word);
    qsort(letters_of.of, letters_of.n, sizeof *letters_of.of, by_word);
}

static size_t first_of(const dictionary *d, const rz_slice *w)
{
    size_t low = 0, high = d->n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (by_word(&d->of[mid], w) < 0) low = mid + 1;
        else high = mid;
    }
    return low;
}

/* Each language that has it, of script s (or of any: N_SCRIPTS), gains; one that lists it twice gains once. */
static void weigh(const dictionary *d, rz_slice w, script s, size_t worth, size_t *weight)
{
    uint64_t met = 0;
    for (size_t i = first_of(d, &w); i < d->n && by_word(&d->of[i], &w) == 0; i++) {
        int l = d->of[i].language;
        if ((s == N_SCRIPTS || languages[l].script == s) && !(met >> l & 1)) weight[l] += worth;
        met |= UINT64_C(1) << l;
    }
}

static void weigh_word(rz_slice w, size_t *weight)
{
    size_t n;
    if (w.len && w.len <= LONGEST_WORD) weigh(&words_of, w, script_of(rz_python_char(w, 0, &n)), WORD_WORTH, weight);
}

/* Kana decides for Japanese, which is written in Han for the most part. */
static script main_script(const size_t *count)
{
    script best = OTHER;
    for (int s = 0; s < N_SCRIPTS; s++)
        if (count[s] > count[best]) best = (script)s;
    return best == HAN && count[KANA] * 10 >= count[HAN] ? KANA : best;
}

const char *rz_follow_language(rz_arena *a, rz_slice t, size_t *letters)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    size_t count[N_SCRIPTS] = {0}, weight[N_LANGUAGES] = {0}, word = 0, n;
    pthread_once(&once, make_dictionaries);
    t = rz_python_lower(a, rz_python_head(t, MAX_CHARACTERS));
    *letters = 0;
    for (size_t i = 0; i < t.len; i += n) {
        int32_t c = rz_python_char(t, i, &n);
        char category = rz_unicode_category(c)[0];
        bool letter = category == 'L' || category == 'M';
        if (!letter && c != '\'') {
            weigh_word((rz_slice){t.s + word, i - word}, weight);
            word = i + n;
        }
        if (category != 'L') continue;
        ++*letters;
        count[script_of(c)]++;
        if (c >= 128) weigh(&letters_of, (rz_slice){t.s + i, n}, N_SCRIPTS, 1, weight);
    }
    weigh_word(rz_python_from(t, word < t.len ? word : t.len), weight);
    script s = main_script(count);
    int best = -1, of_script = 0;
    for (int l = 0; l < N_LANGUAGES; l++) {
        if (languages[l].script != s) continue;
        of_script++;
        if (best < 0 || weight[l] > weight[best]) best = l;
    }
    return best >= 0 && (weight[best] || of_script == 1) ? languages[best].code : NULL;
}
