/* What words of LaTeX and plain words mean in an answer. Tables are in the order of strcmp. */
#include "rewards/math_words.h"
#include <string.h>

/* Behind a backslash. */
static const rz_math_entry commands[] = {
    {"Big", T_SKIP, 0}, {"Bigg", T_SKIP, 0}, {"Bigl", T_SKIP, 0}, {"Bigr", T_SKIP, 0}, {"Im", T_FN, FN_IM}, {"Re", T_FN, FN_RE},
    {"Rightarrow", T_TO, 0}, {"Vert", T_NORM, 0}, {"approx", T_APPROX, 0}, {"arccos", T_FN, FN_ACOS}, {"arccosh", T_FN, FN_ACOSH},
    {"arccot", T_FN, FN_ACOT}, {"arcosh", T_FN, FN_ACOSH}, {"arcsin", T_FN, FN_ASIN}, {"arcsinh", T_FN, FN_ASINH}, {"arctan", T_FN, FN_ATAN},
    {"arctanh", T_FN, FN_ATANH}, {"arsinh", T_FN, FN_ASINH}, {"artanh", T_FN, FN_ATANH}, {"ast", '*', 0}, {"backslash", T_SETMINUS, 0},
    {"bar", T_ACCENT, 0}, {"begin", T_BEGIN, 0}, {"bf", T_SKIP, 0}, {"big", T_SKIP, 0}, {"bigg", T_SKIP, 0}, {"biggl", T_SKIP, 0},
    {"biggr", T_SKIP, 0}, {"bigl", T_SKIP, 0}, {"bigr", T_SKIP, 0}, {"binom", T_BINOM, 0}, {"bm", T_TEXT, 0}, {"bmod", T_MOD, 0},
    {"boldsymbol", T_TEXT, 0}, {"boxed", T_BOXED, 0}, {"cap", T_CAP, 0}, {"cdot", '*', 0}, {"cdots", T_DOTS, 0}, {"ceil", T_FN, FN_CEIL},
    {"cfrac", T_FRAC, 0}, {"choose", T_CHOOSE, 0}, {"circ", T_DEGREE, 0}, {"cong", T_APPROX, 0}, {"cos", T_FN, FN_COS}, {"cosh", T_FN, FN_COSH},
    {"cot", T_FN, FN_COT}, {"csc", T_FN, FN_CSC}, {"cup", T_CUP, 0}, {"dbinom", T_BINOM, 0}, {"ddot", T_ACCENT, 0}, {"degree", T_DEGREE, 0},
    {"det", T_FN, FN_DET}, {"dfrac", T_FRAC, 0}, {"displaystyle", T_SKIP, 0}, {"div", '/', 0}, {"dot", T_ACCENT, 0}, {"dots", T_DOTS, 0},
    {"dotsb", T_DOTS, 0}, {"dotsc", T_DOTS, 0}, {"emptyset", T_EMPTY, 0}, {"end", T_FINISH, 0}, {"equiv", '=', 0}, {"exp", T_FN, FN_EXP},
    {"fbox", T_BOXED, 0}, {"floor", T_FN, FN_FLOOR}, {"frac", T_FRAC, 0}, {"gcd", T_FN, FN_GCD}, {"ge", T_GE, 0}, {"geq", T_GE, 0},
    {"geqslant", T_GE, 0}, {"gt", '>', 0}, {"hat", T_ACCENT, 0}, {"hbox", T_TEXT, 0}, {"hfill", T_SKIP, 0}, {"hline", T_SKIP, 0},
    {"hspace", T_NONE, 0}, {"implies", T_TO, 0}, {"in", T_IN, 0}, {"infty", T_INFTY, 0}, {"int", T_BIG, 'i'}, {"it", T_SKIP, 0}, {"lVert", T_NORM, 0},
    {"label", T_NONE, 0}, {"langle", T_LANGLE, 0}, {"lbrace", T_LBRACE, 0}, {"lbrack", '[', 0}, {"lceil", T_LCEIL, 0}, {"lcm", T_FN, FN_LCM},
    {"ldots", T_DOTS, 0}, {"le", T_LE, 0}, {"left", T_SKIP, 0}, {"leq", T_LE, 0}, {"leqslant", T_LE, 0}, {"lfloor", T_LFLOOR, 0},
    {"lg", T_FN, FN_LOG}, {"lgroup", '(', 0}, {"lim", T_BIG, 'l'}, {"limits", T_SKIP, 0}, {"llcorner", T_LFLOOR, 0}, {"ln", T_FN, FN_LN},
    {"log", T_FN, FN_LOG}, {"longrightarrow", T_TO, 0}, {"lrcorner", T_RFLOOR, 0}, {"lt", '<', 0}, {"lvert", '|', 0}, {"mathbb", T_ALPHABET, 0},
    {"mathbf", T_TEXT, 0}, {"mathcal", T_TEXT, 0}, {"mathfrak", T_TEXT, 0}, {"mathit", T_TEXT, 0}, {"mathrm", T_TEXT, 0}, {"mathscr", T_TEXT, 0},
    {"mathsf", T_TEXT, 0}, {"mathtt", T_TEXT, 0}, {"max", T_FN, FN_MAX}, {"mbox", T_TEXT, 0}, {"medspace", T_SKIP, 0}, {"mid", '|', 0},
    {"middle", T_SKIP, 0}, {"min", T_FN, FN_MIN}, {"mleft", T_SKIP, 0}, {"mod", T_MOD, 0}, {"mp", T_PM, 2}, {"mright", T_SKIP, 0}, {"ne", T_NE, 0},
    {"negthinspace", T_SKIP, 0}, {"neq", T_NE, 0}, {"nolimits", T_SKIP, 0}, {"nonumber", T_SKIP, 0}, {"notin", T_NE, 1},
    {"operatorname", T_OPNAME, 0}, {"over", '/', 0}, {"overarc", T_ACCENT, 0}, {"overleftarrow", T_ACCENT, 0}, {"overline", T_ACCENT, 0},
    {"overrightarrow", T_ACCENT, 0}, {"overset", T_ACCENT, 0}, {"phantom", T_NONE, 0}, {"pi", T_PI, 0}, {"pm", T_PM, 1}, {"pmod", T_PMOD, 0},
    {"prime", T_PRIME, 0}, {"prod", T_BIG, 'p'}, {"qquad", T_SKIP, 0}, {"quad", T_SKIP, 0}, {"rVert", T_NORM, 0}, {"rangle", T_RANGLE, 0},
    {"rbrace", T_RBRACE, 0}, {"rbrack", ']', 0}, {"rceil", T_RCEIL, 0}, {"rfloor", T_RFLOOR, 0}, {"rgroup", ')', 0}, {"right", T_SKIP, 0},
    {"rightarrow", T_TO, 0}, {"rm", T_SKIP, 0}, {"rvert", '|', 0}, {"sec", T_FN, FN_SEC}, {"setminus", T_SETMINUS, 0}, {"sim", T_APPROX, 0},
    {"simeq", T_APPROX, 0}, {"sin", T_FN, FN_SIN}, {"sinh", T_FN, FN_SINH}, {"sqrt", T_SQRT, 0}, {"stackrel", T_ACCENT, 0}, {"subset", T_SUBSET, 0},
    {"subseteq", T_SUBSET, 0}, {"sum", T_BIG, 's'}, {"supset", T_SUBSET, 0}, {"supseteq", T_SUBSET, 0}, {"tag", T_NONE, 0}, {"tan", T_FN, FN_TAN},
    {"tanh", T_FN, FN_TANH}, {"tbinom", T_BINOM, 0}, {"text", T_TEXT, 0}, {"textbf", T_TEXT, 0}, {"textit", T_TEXT, 0}, {"textnormal", T_TEXT, 0},
    {"textrm", T_TEXT, 0}, {"textsf", T_TEXT, 0}, {"textstyle", T_SKIP, 0}, {"texttt", T_TEXT, 0}, {"tfrac", T_FRAC, 0}, {"thickspace", T_SKIP, 0},
    {"thinspace", T_SKIP, 0}, {"tilde", T_ACCENT, 0}, {"times", '*', 0}, {"to", T_TO, 0}, {"ulcorner", T_LCEIL, 0}, {"underline", T_ACCENT, 0},
    {"urcorner", T_RCEIL, 0}, {"varnothing", T_EMPTY, 0}, {"vdots", T_DOTS, 0}, {"vec", T_ACCENT, 0}, {"vert", '|', 0}, {"vspace", T_NONE, 0},
    {"widehat", T_ACCENT, 0}, {"widetilde", T_ACCENT, 0},
};

/* Plain letters that are no product. */
static const rz_math_entry plain[] = {
    {"abs", T_FN, FN_ABS}, {"and", ',', 1}, {"ceil", T_FN, FN_CEIL}, {"cos", T_FN, FN_COS}, {"exp", T_FN, FN_EXP}, {"floor", T_FN, FN_FLOOR}, {"gcd", T_FN, FN_GCD},
    {"inf", T_INFTY, 0}, {"infinity", T_INFTY, 0}, {"infty", T_INFTY, 0}, {"lcm", T_FN, FN_LCM}, {"ln", T_FN, FN_LN}, {"log", T_FN, FN_LOG},
    {"oo", T_INFTY, 0}, {"or", ',', 1}, {"pct", '%', 0}, {"percent", '%', 0}, {"percentage", '%', 0}, {"pi", T_PI, 0}, {"sin", T_FN, FN_SIN}, {"sqrt", T_SQRT, 0},
    {"tan", T_FN, FN_TAN},
};

/* Commands that are names to Math-Verify. */
static const char symbols[] =
    " alpha beta gamma Gamma delta Delta epsilon varepsilon zeta eta theta Theta vartheta iota kappa lambda Lambda mu nu xi Xi omicron Pi varpi rho varrho sigma "
    "Sigma varsigma tau upsilon Upsilon phi Phi varphi chi psi Psi omega Omega Bbbk wp nabla bigstar angle measuredangle sphericalangle eth clubsuit "
    "diamondsuit heartsuit spadesuit Diamond complement imath jmath Game triangle vartriangle blacktriangle ell hbar hslash lozenge square mho sharp flat natural surd partial ";

/* What a number may be counted in. Own reading: a word of at least two letters after a value. */
static const char units[] =
    " cm mm km dm nm ft yd yard yards foot feet inch inches mile miles meter meters metre metres centimeter centimeters millimeter millimeters kilometer "
    "kilometers kg mg gram grams kilogram kilograms pound pounds lb lbs ounce ounces oz ton tons liter liters litre litres ml gallon gallons second seconds "
    "sec minute minutes min hour hours hr hrs day days week weeks month months year years degree degrees deg dollar dollars cent cents euro euros yuan rupee "
    "rupees unit units mph kmh people students apples times square sq cubic ";

/* Math-Verify strikes one such word (or two) from the end of an answer, after a digit, a brace or a blank. */
static const char struck[] =
    " feet sue digit pound meal edge student multiple east degree mph kmph ft deg mile monkey prime ratio rd o gm lb tile per dm lt gain ab way west t h men "
    "soldier pie bc excess st inches noon cent by gal kmh c acre rise th sq mark l toy coin gallon profit minw yr women am pm hr square are rupee rounds cubic "
    "cc mtr s ohm number day hour minute min second man woman sec cube mt mp hectare more unit rs kg g month km m cm mm apple liter loss yard pure year "
    "increase decrease d less litre metre meter inch ";

static const rz_math_entry *find(const rz_math_entry *table, size_t n, const char *s, size_t len)
{
    size_t low = 0;
    while (low < n) {
        size_t middle = low + (n - low) / 2;
        const char *name = table[middle].name;
        size_t size = strlen(name);
        int c = memcmp(name, s, size < len ? size : len); /* s may hold NUL bytes */
        if (c == 0) c = (size > len) - (size < len);
        if (c == 0) return &table[middle];
        if (c < 0) low = middle + 1;
        else n = middle;
    }
    return NULL;
}

const rz_math_entry *rz_math_command(const char *s, size_t len) { return find(commands, sizeof commands / sizeof *commands, s, len); }
const rz_math_entry *rz_math_plain_word(const char *s, size_t len) { return find(plain, sizeof plain / sizeof *plain, s, len); }

/* names has a blank on both sides of each */
bool rz_math_listed(const char *names, const char *s, size_t len)
{
    char key[40];
    if (len == 0 || len > sizeof key - 3 || memchr(s, 0, len)) return false;
    key[0] = ' ';
    memcpy(key + 1, s, len);
    key[len + 1] = ' ';
    key[len + 2] = 0;
    return strstr(names, key) != NULL;
}

bool rz_math_is_symbol(const char *s, size_t len) { return rz_math_listed(symbols, s, len); }
bool rz_math_is_unit(const char *s, size_t len) { return rz_math_listed(units, s, len); }
bool rz_math_is_struck(const char *s, size_t len) { return rz_math_listed(struck, s, len); }
