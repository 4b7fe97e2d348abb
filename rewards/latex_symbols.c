/* What macros of LaTeX without arguments stand for. */
#include "rewards/latex_text.h"
#include <string.h>

/* In the order of bytes. */
static const struct { const char *name, *text; } symbols[] = {
    {" ", " "}, {"!", ""}, {"#", "#"}, {"$", "$"}, {"&", "&"}, {",", " "}, {"-", "\xC2\xAD"}, {":", " "}, {";", " "}, {"AA", "Å"}, {"AE", "Æ"},
    {"Alpha", "Α"}, {"Angle", "⦜"}, {"Beta", "Β"}, {"Bumpeq", "≎"}, {"Cap", "⋒"}, {"Chi", "Χ"}, {"Colon", "∷"}, {"Cup", "⋓"}, {"DH", "Ð"}, {"DJ", "Đ"},
    {"Delta", "Δ"}, {"Digamma", "Ϝ"}, {"DownArrowUpArrow", "⇵"}, {"Downarrow", "⇓"}, {"Epsilon", "Ε"}, {"Equal", "⩵"}, {"Eta", "Η"}, {"Gamma", "Γ"},
    {"IJ", "Ĳ"}, {"Ident", "𝕀"}, {"Iota", "Ι"}, {"Kappa", "Κ"}, {"Koppa", "Ϟ"}, {"L", "Ł"}, {"Lambda", "Λ"}, {"Leftarrow", "⇐"}, {"Leftrightarrow", "⇔"},
    {"Lleftarrow", "⇚"}, {"Longleftarrow", "⟸"}, {"Longleftrightarrow", "⟺"}, {"Longrightarrow", "⟹"}, {"Lsh", "↰"}, {"Mu", "Μ"}, {"NG", "Ŋ"}, {"Nu", "Ν"},
    {"O", "Ø"}, {"OE", "Œ"}, {"Omega", "Ω"}, {"Omicron", "Ο"}, {"Phi", "Φ"}, {"Pi", "Π"}, {"Psi", "Ψ"}, {"Rho", "Ρ"}, {"Rightarrow", "⇒"},
    {"RoundImplies", "⥰"}, {"Rrightarrow", "⇛"}, {"Rsh", "↱"}, {"RuleDelayed", "⧴"}, {"Sampi", "Ϡ"}, {"Sigma", "Σ"}, {"Stigma", "Ϛ"}, {"Subset", "⋐"},
    {"Supset", "⋑"}, {"TH", "Þ"}, {"Tau", "Τ"}, {"Theta", "Θ"}, {"Uparrow", "⇑"}, {"Updownarrow", "⇕"}, {"Upsilon", "Υ"}, {"VDash", "⊫"}, {"Vdash", "⊩"},
    {"Vert", "‖"}, {"Vvdash", "⊪"}, {"Xi", "Ξ"}, {"Zeta", "Ζ"}, {"_", "_"}, {"aa", "å"}, {"ae", "æ"}, {"aleph", "ℵ"}, {"allequal", "≌"}, {"alpha", "α"},
    {"amalg", "⨿"}, {"angle", "∠"}, {"approx", "≈"}, {"approxeq", "≊"}, {"approxnotequal", "≆"}, {"arccos", "arccos"}, {"arccosh", "arccosh"},
    {"arcsin", "arcsin"}, {"arcsinh", "arcsinh"}, {"arctan", "arctan"}, {"arctanh", "arctanh"}, {"arrowwaveleft", "↜"}, {"arrowwaveright", "↝"}, {"ast", "∗"},
    {"asymp", "≍"}, {"backepsilon", "϶"}, {"backprime", "‵"}, {"backsim", "∽"}, {"backsimeq", "⋍"}, {"backslash", "\\"}, {"barwedge", "⌅"}, {"because", "∵"},
    {"beta", "β"}, {"beth", "ℶ"}, {"between", "≬"}, {"bigcap", "⋂"}, {"bigcirc", "◯"}, {"bigcup", "⋃"}, {"bigoplus", "⊕"}, {"bigotimes", "⊗"},
    {"bigtriangledown", "▽"}, {"bigtriangleup", "△"}, {"bigvee", "⋁"}, {"bigwedge", "⋀"}, {"blacklozenge", "⧫"}, {"blacksquare", "▪"}, {"blacktriangle", "▴"},
    {"blacktriangledown", "▾"}, {"blacktriangleleft", "◂"}, {"blacktriangleright", "▸"}, {"bowtie", "⋈"}, {"boxdot", "⊡"}, {"boxminus", "⊟"},
    {"boxplus", "⊞"}, {"boxtimes", "⊠"}, {"bullet", "∙"}, {"bumpeq", "≏"}, {"cap", "∩"}, {"cdot", "·"}, {"cdots", "⋯"}, {"chi", "χ"}, {"circ", "∘"},
    {"circeq", "≗"}, {"circlearrowleft", "↺"}, {"circlearrowright", "↻"}, {"circledast", "⊛"}, {"circledcirc", "⊚"}, {"circleddash", "⊝"},
    {"complement", "∁"}, {"cong", "≅"}, {"coprod", "∐"}, {"cos", "cos"}, {"cosh", "cosh"}, {"cup", "∪"}, {"curlyeqprec", "⋞"}, {"curlyeqsucc", "⋟"},
    {"curlyvee", "⋎"}, {"curlywedge", "⋏"}, {"curvearrowleft", "↶"}, {"curvearrowright", "↷"}, {"dag", "†"}, {"dagger", "†"}, {"daleth", "ℸ"}, {"dashv", "⊣"},
    {"dblarrowupdown", "⇅"}, {"ddddot", "⃜"}, {"dddot", "⃛"}, {"ddots", "⋱"}, {"delta", "δ"}, {"dh", "ð"}, {"diagup", "╱"}, {"diamond", "♢"},
    {"digamma", "ϝ"}, {"div", "÷"}, {"divideontimes", "⋇"}, {"dj", "đ"}, {"doteq", "≐"}, {"doteqdot", "≑"}, {"dotplus", "∔"}, {"dots", "…"}, {"dotsb", "…"},
    {"dotsc", "…"}, {"dotsi", "…"}, {"dotsm", "…"}, {"dotso", "…"}, {"downarrow", "↓"}, {"downdownarrows", "⇊"}, {"downharpoonleft", "⇃"},
    {"downharpoonright", "⇂"}, {"downslopeellipsis", "⋱"}, {"ell", "ℓ"}, {"emptyset", "∅"}, {"enskip", " "}, {"epsilon", "ϵ"}, {"eqcirc", "≖"},
    {"eqslantgtr", "⪖"}, {"eqslantless", "⪕"}, {"equiv", "≡"}, {"estimates", "≙"}, {"eta", "η"}, {"eth", "ƪ"}, {"exists", "∃"}, {"exp", "exp"},
    {"fallingdotseq", "≒"}, {"flat", "♭"}, {"forall", "∀"}, {"forcesextra", "⊨"}, {"frown", "⌢"}, {"gamma", "γ"}, {"ge", "≥"}, {"geq", "≥"}, {"geqq", "≧"},
    {"geqslant", "⩾"}, {"gg", "≫"}, {"gimel", "ℷ"}, {"gnapprox", "⪊"}, {"gneq", "⪈"}, {"gneqq", "≩"}, {"gnsim", "⋧"}, {"greaterequivlnt", "≳"},
    {"gtrapprox", "⪆"}, {"gtrdot", "⋗"}, {"gtreqless", "⋛"}, {"gtreqqless", "⪌"}, {"gtrless", "≷"}, {"gtrsim", "≳"}, {"guillemotleft", "«"},
    {"guillemotright", "»"}, {"guilsinglleft", "‹"}, {"guilsinglright", "›"}, {"hbar", "ħ"}, {"hermitconjmatrix", "⊹"}, {"homothetic", "∻"},
    {"hookleftarrow", "↩"}, {"hookrightarrow", "↪"}, {"hslash", "ℏ"}, {"i", "ı"}, {"id", "𝕀"}, {"iddots", "⋰"}, {"iiint", "∭"}, {"iint", "∬"}, {"ij", "ĳ"},
    {"image", "⊷"}, {"in", "∈"}, {"inf", "inf"}, {"infty", "∞"}, {"int", "∫"}, {"intercal", "⊺"}, {"iota", "ι"}, {"j", "ȷ"}, {"kappa", "κ"}, {"l", "ł"},
    {"lVert", "‖"}, {"lambda", "λ"}, {"langle", "⟨"}, {"lazysinv", "∾"}, {"lbrace", "{"}, {"lceil", "⌈"}, {"ldots", "…"}, {"le", "≤"}, {"leftarrow", "←"},
    {"leftarrowtail", "↢"}, {"leftharpoondown", "↽"}, {"leftharpoonup", "↼"}, {"leftleftarrows", "⇇"}, {"leftrightarrow", "↔"}, {"leftrightarrows", "⇆"},
    {"leftrightharpoons", "⇋"}, {"leftrightsquigarrow", "↭"}, {"leftthreetimes", "⋋"}, {"leq", "≤"}, {"leqq", "≦"}, {"leqslant", "⩽"}, {"lessapprox", "⪅"},
    {"lessdot", "⋖"}, {"lesseqgtr", "⋚"}, {"lesseqqgtr", "⪋"}, {"lessequivlnt", "≲"}, {"lessgtr", "≶"}, {"lesssim", "≲"}, {"lfloor", "⌊"}, {"lim", "lim"},
    {"liminf", "lim inf"}, {"limsup", "lim sup"}, {"ll", "≪"}, {"llcorner", "⌞"}, {"lmoustache", "⎰"}, {"ln", "ln"}, {"lnapprox", "⪉"}, {"lneq", "⪇"},
    {"lneqq", "≨"}, {"lnot", "¬"}, {"lnsim", "⋦"}, {"log", "log"}, {"longleftarrow", "⟵"}, {"longleftrightarrow", "⟷"}, {"longmapsto", "⟼"},
    {"longrightarrow", "⟶"}, {"looparrowleft", "↫"}, {"looparrowright", "↬"}, {"lozenge", "◊"}, {"lrcorner", "⌟"}, {"ltimes", "⋉"}, {"lvert", "|"},
    {"mapsto", "↦"}, {"max", "max"}, {"measuredangle", "∡"}, {"mho", "℧"}, {"mid", "|"}, {"min", "min"}, {"mp", "∓"}, {"mu", "μ"}, {"multimap", "⊸"},
    {"nLeftarrow", "⇍"}, {"nLeftrightarrow", "⇎"}, {"nRightarrow", "⇏"}, {"nVDash", "⊯"}, {"nVdash", "⊮"}, {"nabla", "∇"}, {"natural", "♮"}, {"nearrow", "↗"},
    {"neq", "≠"}, {"nexists", "∄"}, {"ng", "ŋ"}, {"ngeq", "≱"}, {"ngtr", "≯"}, {"ni", "∋"}, {"nleftarrow", "↚"}, {"nleftrightarrow", "↮"}, {"nleq", "≰"},
    {"nless", "≮"}, {"nmid", "∤"}, {"nolinebreak", "⁠"}, {"notgreaterless", "≹"}, {"notin", "∉"}, {"notlessgreater", "≸"}, {"nparallel", "∦"}, {"nprec", "⊀"},
    {"nrightarrow", "↛"}, {"nsubseteq", "⊈"}, {"nsucc", "⊁"}, {"nsupseteq", "⊉"}, {"ntriangleleft", "⋪"}, {"ntrianglelefteq", "⋬"}, {"ntriangleright", "⋫"},
    {"ntrianglerighteq", "⋭"}, {"nu", "ν"}, {"nvDash", "⊭"}, {"nvdash", "⊬"}, {"nwarrow", "↖"}, {"o", "ø"}, {"odot", "⊙"}, {"oe", "œ"}, {"oint", "∮"},
    {"omega", "ω"}, {"omicron", "ο"}, {"ominus", "⊖"}, {"oplus", "⊕"}, {"original", "⊶"}, {"oslash", "⊘"}, {"otimes", "⊗"}, {"parallel", "∥"},
    {"partial", "∂"}, {"perp", "⊥"}, {"perspcorrespond", "⩞"}, {"phi", "ϕ"}, {"pi", "π"}, {"pitchfork", "⋔"}, {"pm", "±"}, {"prec", "≺"}, {"precapprox", "⪷"},
    {"preccurlyeq", "≼"}, {"precedesnotsimilar", "⋨"}, {"preceq", "≼"}, {"precnapprox", "⪹"}, {"precneqq", "⪵"}, {"precsim", "≾"}, {"prime", "'"},
    {"prod", "∏"}, {"propto", "∝"}, {"psi", "ψ"}, {"qquad", "    "}, {"quad", "  "}, {"quotedblbase", "„"}, {"quotesinglbase", "‚"}, {"rVert", "‖"},
    {"rangle", "⟩"}, {"rbrace", "}"}, {"rceil", "⌉"}, {"rfloor", "⌋"}, {"rho", "ρ"}, {"rightangle", "∟"}, {"rightanglearc", "⊾"}, {"rightarrow", "→"},
    {"rightarrowtail", "↣"}, {"rightharpoondown", "⇁"}, {"rightharpoonup", "⇀"}, {"rightleftarrows", "⇄"}, {"rightleftharpoons", "⇌"},
    {"rightrightarrows", "⇉"}, {"rightsquigarrow", "⇝"}, {"rightthreetimes", "⋌"}, {"risingdotseq", "≓"}, {"rmoustache", "⎱"}, {"rtimes", "⋊"},
    {"rvert", "|"}, {"searrow", "↘"}, {"setminus", "∖"}, {"sharp", "♯"}, {"sigma", "σ"}, {"sim", "∼"}, {"simeq", "≃"}, {"sin", "sin"}, {"sinh", "sinh"},
    {"smallsetminus", "∖"}, {"smile", "⌣"}, {"sphericalangle", "∢"}, {"sqcap", "⊓"}, {"sqcup", "⊔"}, {"sqrint", "⨖"}, {"sqsubset", "⊏"}, {"sqsubseteq", "⊑"},
    {"sqsupset", "⊐"}, {"sqsupseteq", "⊒"}, {"square", "□"}, {"ss", "ß"}, {"star", "⋆"}, {"starequal", "≛"}, {"subset", "⊂"}, {"subseteq", "⊆"},
    {"subseteqq", "⫅"}, {"subsetneq", "⊊"}, {"subsetneqq", "⫋"}, {"succ", "≻"}, {"succapprox", "⪸"}, {"succcurlyeq", "≽"}, {"succeq", "≽"},
    {"succnapprox", "⪺"}, {"succneqq", "⪶"}, {"succnsim", "⋩"}, {"succsim", "≿"}, {"sum", "∑"}, {"sup", "sup"}, {"supset", "⊃"}, {"supseteq", "⊇"},
    {"supseteqq", "⫆"}, {"supsetneq", "⊋"}, {"supsetneqq", "⫌"}, {"surd", "√"}, {"surfintegral", "∯"}, {"swarrow", "↙"}, {"tan", "tan"}, {"tanh", "tanh"},
    {"tau", "τ"}, {"textasciicircum", "ˆ"}, {"textbackslash", "\\"}, {"textcent", "¢"}, {"textdegree", "°"}, {"textdiv", "÷"}, {"textemdash", "—"},
    {"textendash", "–"}, {"texteuro", "€"}, {"textfrac", "%s/%s"}, {"textmu", "µ"}, {"textonehalf", "½"}, {"textonequarter", "¼"}, {"textperiodcentered", "˙"}, {"textpm", "±"},
    {"textquotedblleft", "“"}, {"textquotedblright", "”"}, {"textquoteleft", "‘"}, {"textquoteright", "’"}, {"textsterling", "£"}, {"textthreequarters", "¾"},
    {"textthreesuperior", "³"}, {"texttimes", "×"}, {"texttwosuperior", "²"}, {"textyen", "¥"}, {"th", "þ"}, {"therefore", "∴"}, {"theta", "θ"},
    {"tildetrpl", "≋"}, {"times", "×"}, {"to", "→"}, {"top", "⊤"}, {"triangledown", "▿"}, {"triangleleft", "◃"}, {"trianglelefteq", "⊴"}, {"triangleq", "≜"},
    {"triangleright", "▹"}, {"trianglerighteq", "⊵"}, {"truestate", "⊧"}, {"twoheadleftarrow", "↞"}, {"twoheadrightarrow", "↠"}, {"udots", "⋰"},
    {"ulcorner", "⌜"}, {"uparrow", "↑"}, {"updownarrow", "↕"}, {"upharpoonleft", "↿"}, {"upharpoonright", "↾"}, {"uplus", "⊎"}, {"upsilon", "υ"},
    {"upslopeellipsis", "⋰"}, {"upuparrows", "⇈"}, {"urcorner", "⌝"}, {"varepsilon", "ε"}, {"varkappa", "ϰ"}, {"varnothing", "∅"},
    {"varperspcorrespond", "⌆"}, {"varphi", "φ"}, {"varpi", "ϖ"}, {"varrho", "ϱ"}, {"varsigma", "ς"}, {"vartheta", "ϑ"}, {"vartriangle", "▵"},
    {"vartriangleleft", "⊲"}, {"vartriangleright", "⊳"}, {"vdash", "⊢"}, {"vdots", "⋮"}, {"vee", "∨"}, {"veebar", "⊻"}, {"vert", "|"},
    {"verymuchgreater", "⋙"}, {"verymuchless", "⋘"}, {"volintegral", "∰"}, {"wedge", "∧"}, {"wp", "℘"}, {"wr", "≀"}, {"xi", "ξ"}, {"zeta", "ζ"}, {"{", "{"},
    {"}", "}"},
};

const char *rz_latex_symbol(rz_slice name)
{
    size_t low = 0, high = sizeof symbols / sizeof *symbols;
    while (low < high) {
        size_t middle = (low + high) / 2, n = strlen(symbols[middle].name);
        int order = memcmp(symbols[middle].name, name.s, n < name.len ? n : name.len);
        if (order == 0 && n == name.len) return symbols[middle].text;
        if (order < 0 || (order == 0 && n < name.len))
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
