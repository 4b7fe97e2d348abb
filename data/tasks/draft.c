#include "data/tasks/draft.h"
#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rooms are for the largest options: what does not fit is an error of the program. */
static void add(char *to, size_t *n, size_t room, const char *fmt, va_list args)
{
    int written = vsnprintf(to + *n, room - *n, fmt, args);
    assert(written >= 0 && (size_t)written < room - *n);
    *n += (size_t)written;
}

void rz_draft_prompt(rz_draft *d, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    add(d->prompt, &d->n_prompt, sizeof d->prompt, fmt, args);
    va_end(args);
}

void rz_draft_answer(rz_draft *d, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    add(d->answer, &d->n_answer, sizeof d->answer, fmt, args);
    va_end(args);
}

/* ---- meta ---- */

__attribute__((format(printf, 2, 3))) static void add_meta(rz_draft *d, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    add(d->meta, &d->n_meta, sizeof d->meta, fmt, args);
    va_end(args);
}

static void add_text(rz_draft *d, const char *text)
{
    add_meta(d, "\"");
    for (; *text; text++) {
        assert((unsigned char)*text >= ' '); /* the tasks' own texts: lines are texts of a list */
        add_meta(d, *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
    }
    add_meta(d, "\"");
}

void rz_draft_meta_number(rz_draft *d, const char *key, int64_t value) { add_meta(d, ",\"%s\":%" PRId64, key, value); }

void rz_draft_meta_numbers(rz_draft *d, const char *key, const int64_t *values, int n)
{
    add_meta(d, ",\"%s\":[", key);
    for (int i = 0; i < n; i++) add_meta(d, "%s%" PRId64, i ? "," : "", values[i]);
    add_meta(d, "]");
}

void rz_draft_meta_text(rz_draft *d, const char *key, const char *text)
{
    add_meta(d, ",\"%s\":", key);
    add_text(d, text);
}

void rz_draft_meta_texts(rz_draft *d, const char *key, const char *const *texts, int n)
{
    add_meta(d, ",\"%s\":[", key);
    for (int i = 0; i < n; i++) {
        if (i) add_meta(d, ",");
        add_text(d, texts[i]);
    }
    add_meta(d, "]");
}

void rz_draft_meta_map(rz_draft *d, const char *key, const char *const *names, const char *const *values, int n)
{
    add_meta(d, ",\"%s\":{", key);
    for (int i = 0; i < n; i++) {
        add_meta(d, i ? ",\"%s\":" : "\"%s\":", names[i]);
        add_text(d, values[i]);
    }
    add_meta(d, "}");
}

void rz_draft_begin(rz_draft *d, int level)
{
    d->n_prompt = d->n_answer = d->n_meta = 0;
    d->prompt[0] = d->answer[0] = 0;
    d->content = RZ_CONTENT_BEGIN;
    add_meta(d, "{\"kind\":\"level_%d\"", level);
}

void rz_draft_end(rz_draft *d)
{
    add_meta(d, "}");
    d->content = rz_content_end(d->content);
}

/* ---- content ---- */

void rz_draft_content(rz_draft *d, int64_t value) { d->content = rz_content_add(d->content, value); }

void rz_draft_content_text(rz_draft *d, const char *text)
{
    for (; *text; text++) rz_draft_content(d, (unsigned char)*text);
    rz_draft_content(d, 0); /* "ab" "c" is not "a" "bc" */
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

void rz_draft_content_sorted(rz_draft *d, const int64_t *values, int n)
{
    int64_t sorted[64];
    assert(n >= 0 && n <= 64);
    memcpy(sorted, values, (size_t)n * sizeof *sorted);
    qsort(sorted, (size_t)n, sizeof *sorted, by_value);
    for (int i = 0; i < n; i++) rz_draft_content(d, sorted[i]);
}

/* ---- words ---- */

/* Of 3 to 9 letters a to z. Part of what a seed means: a change asks for new generators of the tasks that draw words. */
static const char *const words[] = {
    "arm", "bag", "bed", "box", "bus", "cap", "car", "cat", "cow", "cup", "day", "dog", "ear", "egg", "eye", "fan", "fig", "fox", "hat", "hen", "ice", "ink",
    "jam", "key", "leg", "map", "net", "oak", "oil", "owl", "pan", "pen", "pig", "pot", "red", "row", "sea", "sky", "sun", "tea", "toe", "toy", "van", "web",
    "baby", "ball", "bank", "bear", "bell", "bird", "blue", "boat", "book", "bowl", "cake", "city", "coat", "corn", "desk", "door", "duck", "face", "farm", "fire",
    "fish", "flag", "foot", "fork", "frog", "gate", "gold", "hand", "hill", "home", "king", "kite", "lake", "lamp", "leaf", "lion", "milk", "moon", "nail", "nest",
    "nose", "page", "pear", "rain", "ring", "road", "rock", "roof", "room", "rope", "rose", "salt", "seed", "ship", "shoe", "snow", "soap", "sock", "star", "tent",
    "tree", "wall", "wind", "wolf", "wood", "yard",
    "apple", "beach", "bread", "brick", "brush", "candy", "chair", "chalk", "clock", "cloud", "dress", "earth", "field", "floor", "fruit", "glass", "glove",
    "grape", "grass", "green", "heart", "horse", "hotel", "house", "juice", "knife", "lemon", "light", "mouse", "music", "night", "ocean", "paint", "paper",
    "party", "piano", "plant", "plate", "queen", "river", "sheep", "shirt", "skirt", "snake", "spoon", "stone", "storm", "sugar", "table", "tiger", "towel",
    "train", "truck", "uncle", "water", "whale", "wheel", "world",
    "animal", "autumn", "basket", "bottle", "branch", "bridge", "button", "camera", "candle", "carpet", "carrot", "castle", "cheese", "cherry", "circle",
    "coffee", "dinner", "doctor", "dragon", "engine", "family", "farmer", "flower", "forest", "friend", "garden", "guitar", "hammer", "island", "jacket",
    "kitten", "ladder", "letter", "market", "mirror", "monkey", "needle", "orange", "pencil", "pepper", "pillow", "planet", "pocket", "potato", "rabbit",
    "rocket", "school", "silver", "spider", "spring", "square", "street", "summer", "tomato", "tunnel", "turtle", "window", "winter", "yellow",
    "airport", "balloon", "banana", "bicycle", "blanket", "brother", "cabbage", "captain", "chicken", "company", "curtain", "diamond", "dolphin", "evening",
    "feather", "freedom", "giraffe", "hallway", "harvest", "journey", "kitchen", "lantern", "library", "machine", "morning", "mustard", "octopus", "package",
    "penguin", "picture", "pyramid", "rainbow", "sandwich", "science", "section", "shelter", "station", "teacher", "theatre", "thunder", "village", "volcano",
    "weather", "whistle",
    "airplane", "birthday", "building", "calendar", "cardinal", "children", "computer", "daughter", "distance", "dinosaur", "elephant", "envelope", "festival",
    "football", "fountain", "hospital", "keyboard", "magazine", "marathon", "medicine", "mountain", "mushroom", "notebook", "painting", "platform", "princess",
    "question", "railroad", "scissors", "sentence", "shoulder", "squirrel", "sunshine", "swimming", "telegram", "treasure", "triangle", "umbrella", "vacation",
    "adventure", "afternoon", "alligator", "ambulance", "blueberry", "breakfast", "butterfly", "carpenter", "chocolate", "classroom", "crocodile", "dandelion",
    "direction", "education", "equipment", "furniture", "geography", "hamburger", "happiness", "jellyfish", "landscape", "lightning", "newspaper", "orchestra",
    "passenger", "peppermint", "pineapple", "porcupine", "raspberry", "spaghetti", "submarine", "telephone", "telescope", "volunteer", "waterfall", "xylophone",
};
enum { N_WORDS = sizeof words / sizeof words[0] };

const char *rz_draft_word(rz_stream *s, int max_letters)
{
    for (;;) {
        const char *word = words[rz_stream_below(s, N_WORDS)];
        if (strlen(word) <= (size_t)max_letters) return word;
    }
}

const char *rz_draft_name(rz_stream *s, int i)
{
    static const char *const names[][2] = {
        {"Ada", "Anton"}, {"Ben", "Bella"}, {"Clara", "Carl"}, {"Dora", "Dan"}, {"Emil", "Eva"}, {"Fred", "Fay"}, {"Gina", "Gus"}, {"Hugo", "Hanna"},
        {"Ida", "Ivan"}, {"Jon", "Jana"}, {"Kate", "Kurt"}, {"Leo", "Lena"}, {"Mia", "Max"}, {"Nora", "Nick"}, {"Otto", "Olga"}, {"Paul", "Pia"},
    };
    assert(i >= 0 && i < 16);
    return names[i][rz_stream_below(s, 2)];
}

void rz_draft_shuffle(rz_stream *s, int *order, int n)
{
    for (int i = 0; i < n; i++) {
        int j = rz_stream_range(s, 0, i);
        order[i] = order[j];
        order[j] = i;
    }
}
