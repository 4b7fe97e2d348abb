/* The macros of LaTeX that mean something in plain text. */
#include "rewards/latex_text.h"
#include <string.h>

/* In the order of bytes. */
static const rz_latex_macro macros[] = {
    {" ", " "}, {"!", ""}, {"#", "#"}, {"$", "$"}, {"&", "&"}, {",", " "}, {"-", "\xC2\xAD"}, {":", " "}, {";", " "}, {"AA", "Å"}, {"AE", "Æ"},
    {"Alpha", "Α"}, {"Angle", "⦜"}, {"Beta", "Β"}, {"Bumpeq", "≎"}, {"Cap", "⋒"}, {"Chi", "Χ"}, {"Colon", "∷"}, {"Cup", "⋓"}, {"DH", "Ð"}, {"DJ", "Đ"},
    {"Delta", "Δ"}, {"Digamma", "Ϝ"}, {"DownArrowUpArrow", "⇵"}, {"Downarrow", "⇓"}, {"Epsilon", "Ε"}, {"Equal", "⩵"}, {"Eta", "Η"}, {"Gamma", "Γ"},
    {"IJ", "Ĳ"}, {"Ident", "𝕀"}, {"Iota", "Ι"}, {"Kappa", "Κ"}, {"Koppa", "Ϟ"}, {"L", "Ł"}, {"Lambda", "Λ"}, {"Leftarrow", "⇐"}, {"Leftrightarrow", "⇔"},
    {"Lleftarrow", "⇚"}, {"Longleftarrow", "⟸"}, {"Longleftrightarrow", "⟺"}, {"Longrightarrow", "⟹"}, {"Lsh", "↰"}, {"Mu", "Μ"}, {"NG", "Ŋ"}, {"Nu", "Ν"},
    {"O", "Ø"}, {"OE", "Œ"}, {"Omega", "Ω"}, {"Omicron", "Ο"}, {"Phi", "Φ"}, {"Pi", "Π"}, {"Psi", "Ψ"}, {"Rho", "Ρ"}, {"Rightarrow", "⇒"},
    {"RoundImplies", "⥰"}, {"Rrightarrow", "⇛"}, {"Rsh", "↱"}, {"RuleDelayed", "⧴"}, {"Sampi", "Ϡ"}, {"Sigma", "Σ"}, {"Stigma", "Ϛ"}, {"Subset", "⋐"},
    {"Supset", "⋑"}, {"TH", "Þ"}, {"Tau", "Τ"}, {"Theta", "Θ"}, {"Uparrow", "⇑"}, {"Updownarrow", "⇕"}, {"Upsilon", "Υ"}, {"VDash", "⊫"}, {"Vdash", "⊩"},
    {"Vert", "‖"}, {"Vvdash", "⊪"}, {"Xi", "Ξ"}, {"Zeta", "Ζ"}, {"\\", "\n", "*[", RZ_LATEX_NOTHING}, {"_", "_"}, {"aa", "å"}, {"ae", "æ"}, {"aleph", "ℵ"},
    {"allequal", "≌"}, {"alpha", "α"}, {"amalg", "⨿"}, {"angle", "∠"}, {"approx", "≈"}, {"approxeq", "≊"}, {"approxnotequal", "≆"}, {"arccos", "arccos"},
    {"arccosh", "arccosh"}, {"arcsin", "arcsin"}, {"arcsinh", "arcsinh"}, {"arctan", "arctan"}, {"arctanh", "arctanh"}, {"arrowwaveleft", "↜"},
    {"arrowwaveright", "↝"}, {"ast", "∗"}, {"asymp", "≍"}, {"autoref", "<ref>", "{", RZ_LATEX_NOTHING}, {"backepsilon", "϶"}, {"backprime", "‵"},
    {"backsim", "∽"}, {"backsimeq", "⋍"}, {"backslash", "\\"}, {"barwedge", "⌅"}, {"because", "∵"}, {"beta", "β"}, {"beth", "ℶ"}, {"between", "≬"},
    {"bigcap", "⋂"}, {"bigcirc", "◯"}, {"bigcup", "⋃"}, {"bigoplus", "⊕"}, {"bigotimes", "⊗"}, {"bigtriangledown", "▽"}, {"bigtriangleup", "△"},
    {"bigvee", "⋁"}, {"bigwedge", "⋀"}, {"blacklozenge", "⧫"}, {"blacksquare", "▪"}, {"blacktriangle", "▴"}, {"blacktriangledown", "▾"},
    {"blacktriangleleft", "◂"}, {"blacktriangleright", "▸"}, {"bowtie", "⋈"}, {"boxdot", "⊡"}, {"boxminus", "⊟"}, {"boxplus", "⊞"}, {"boxtimes", "⊠"},
    {"bra", "⟨%1|", "{", RZ_LATEX_FORM}, {"bullet", "∙"}, {"bumpeq", "≏"}, {"cap", "∩"}, {"cdot", "·"}, {"cdots", "⋯"}, {"chi", "χ"}, {"circ", "∘"},
    {"circeq", "≗"}, {"circlearrowleft", "↺"}, {"circlearrowright", "↻"}, {"circledast", "⊛"}, {"circledcirc", "⊚"}, {"circleddash", "⊝"},
    {"color", NULL, "[{", RZ_LATEX_NOTHING}, {"colorbox", "%3", "[{{", RZ_LATEX_RAISES}, {"complement", "∁"}, {"cong", "≅"}, {"coprod", "∐"}, {"cos", "cos"},
    {"cosh", "cosh"}, {"cref", "<ref>", "{", RZ_LATEX_NOTHING}, {"cup", "∪"}, {"curlyeqprec", "⋞"}, {"curlyeqsucc", "⋟"}, {"curlyvee", "⋎"},
    {"curlywedge", "⋏"}, {"curvearrowleft", "↶"}, {"curvearrowright", "↷"}, {"dag", "†"}, {"dagger", "†"}, {"daleth", "ℸ"}, {"dashv", "⊣"},
    {"dblarrowupdown", "⇅"}, {"ddddot", "⃜"}, {"dddot", "⃛"}, {"ddots", "⋱"}, {"delta", "δ"}, {"dh", "ð"}, {"diagup", "╱"}, {"diamond", "♢"},
    {"digamma", "ϝ"}, {"div", "÷"}, {"divideontimes", "⋇"}, {"dj", "đ"}, {"doteq", "≐"}, {"doteqdot", "≑"}, {"dotplus", "∔"}, {"dots", "…"}, {"dotsb", "…"},
    {"dotsc", "…"}, {"dotsi", "…"}, {"dotsm", "…"}, {"dotso", "…"}, {"downarrow", "↓"}, {"downdownarrows", "⇊"}, {"downharpoonleft", "⇃"},
    {"downharpoonright", "⇂"}, {"downslopeellipsis", "⋱"}, {"ell", "ℓ"}, {"emph", "%1", "{", RZ_LATEX_NOTHING}, {"emptyset", "∅"}, {"enskip", " "},
    {"ensuremath", NULL, "{", RZ_LATEX_NOTHING}, {"epsilon", "ϵ"}, {"eqcirc", "≖"}, {"eqslantgtr", "⪖"}, {"eqslantless", "⪕"}, {"equiv", "≡"},
    {"estimates", "≙"}, {"eta", "η"}, {"eth", "ƪ"}, {"exists", "∃"}, {"exp", "exp"}, {"fallingdotseq", "≒"}, {"flat", "♭"},
    {"footnote", "[%2]", "[{", RZ_LATEX_RAISES}, {"forall", "∀"}, {"forcesextra", "⊨"}, {"frac", "%1/%2", "{{", RZ_LATEX_FORM}, {"frown", "⌢"},
    {"gamma", "γ"}, {"ge", "≥"}, {"geq", "≥"}, {"geqq", "≧"}, {"geqslant", "⩾"}, {"gg", "≫"}, {"gimel", "ℷ"}, {"gnapprox", "⪊"}, {"gneq", "⪈"},
    {"gneqq", "≩"}, {"gnsim", "⋧"}, {"greaterequivlnt", "≳"}, {"gtrapprox", "⪆"}, {"gtrdot", "⋗"}, {"gtreqless", "⋛"}, {"gtreqqless", "⪌"}, {"gtrless", "≷"},
    {"gtrsim", "≳"}, {"guillemotleft", "«"}, {"guillemotright", "»"}, {"guilsinglleft", "‹"}, {"guilsinglright", "›"}, {"hbar", "ħ"},
    {"hermitconjmatrix", "⊹"}, {"homothetic", "∻"}, {"hookleftarrow", "↩"}, {"hookrightarrow", "↪"}, {"hphantom", NULL, "[{", RZ_LATEX_NOTHING},
    {"hslash", "ℏ"}, {"hspace", "", "*{", RZ_LATEX_NOTHING}, {"i", "ı"}, {"id", "𝕀"}, {"iddots", "⋰"}, {"iiint", "∭"}, {"iint", "∬"}, {"ij", "ĳ"},
    {"image", "⊷"}, {"in", "∈"}, {"include", NULL, "{", RZ_LATEX_NOTHING}, {"includegraphics", NULL, "[{", RZ_LATEX_NOTHING}, {"inf", "inf"}, {"infty", "∞"},
    {"input", NULL, "{", RZ_LATEX_NOTHING}, {"int", "∫"}, {"intercal", "⊺"}, {"iota", "ι"}, {"j", "ȷ"}, {"kappa", "κ"}, {"ket", "|%1⟩", "{", RZ_LATEX_FORM},
    {"keywords", NULL, "{", RZ_LATEX_NOTHING}, {"l", "ł"}, {"lVert", "‖"}, {"label", NULL, "{", RZ_LATEX_NOTHING}, {"lambda", "λ"}, {"langle", "⟨"},
    {"lazysinv", "∾"}, {"lbrace", "{"}, {"lceil", "⌈"}, {"ldots", "…"}, {"le", "≤"}, {"leftarrow", "←"}, {"leftarrowtail", "↢"}, {"leftharpoondown", "↽"},
    {"leftharpoonup", "↼"}, {"leftleftarrows", "⇇"}, {"leftrightarrow", "↔"}, {"leftrightarrows", "⇆"}, {"leftrightharpoons", "⇋"},
    {"leftrightsquigarrow", "↭"}, {"leftthreetimes", "⋋"}, {"leq", "≤"}, {"leqq", "≦"}, {"leqslant", "⩽"}, {"lessapprox", "⪅"}, {"lessdot", "⋖"},
    {"lesseqgtr", "⋚"}, {"lesseqqgtr", "⪋"}, {"lessequivlnt", "≲"}, {"lessgtr", "≶"}, {"lesssim", "≲"}, {"lfloor", "⌊"}, {"lim", "lim"},
    {"liminf", "lim inf"}, {"limsup", "lim sup"}, {"ll", "≪"}, {"llcorner", "⌞"}, {"lmoustache", "⎰"}, {"ln", "ln"}, {"lnapprox", "⪉"}, {"lneq", "⪇"},
    {"lneqq", "≨"}, {"lnot", "¬"}, {"lnsim", "⋦"}, {"log", "log"}, {"longleftarrow", "⟵"}, {"longleftrightarrow", "⟷"}, {"longmapsto", "⟼"},
    {"longrightarrow", "⟶"}, {"looparrowleft", "↫"}, {"looparrowright", "↬"}, {"lozenge", "◊"}, {"lrcorner", "⌟"}, {"ltimes", "⋉"}, {"lvert", "|"},
    {"mapsto", "↦"}, {"mathrm", "%1", "{", RZ_LATEX_NOTHING}, {"max", "max"}, {"mbox", NULL, "{", RZ_LATEX_NOTHING}, {"measuredangle", "∡"}, {"mho", "℧"},
    {"mid", "|"}, {"min", "min"}, {"mp", "∓"}, {"mu", "μ"}, {"multimap", "⊸"}, {"nLeftarrow", "⇍"}, {"nLeftrightarrow", "⇎"}, {"nRightarrow", "⇏"},
    {"nVDash", "⊯"}, {"nVdash", "⊮"}, {"nabla", "∇"}, {"natural", "♮"}, {"nearrow", "↗"}, {"neq", "≠"}, {"nexists", "∄"}, {"ng", "ŋ"}, {"ngeq", "≱"},
    {"ngtr", "≯"}, {"ni", "∋"}, {"nicefrac", "%1/%2", "{{", RZ_LATEX_FORM}, {"nleftarrow", "↚"}, {"nleftrightarrow", "↮"}, {"nleq", "≰"}, {"nless", "≮"},
    {"nmid", "∤"}, {"nolinebreak", "⁠"}, {"notgreaterless", "≹"}, {"notin", "∉"}, {"notlessgreater", "≸"}, {"nparallel", "∦"}, {"nprec", "⊀"},
    {"nrightarrow", "↛"}, {"nsubseteq", "⊈"}, {"nsucc", "⊁"}, {"nsupseteq", "⊉"}, {"ntriangleleft", "⋪"}, {"ntrianglelefteq", "⋬"}, {"ntriangleright", "⋫"},
    {"ntrianglerighteq", "⋭"}, {"nu", "ν"}, {"nvDash", "⊭"}, {"nvdash", "⊬"}, {"nwarrow", "↖"}, {"o", "ø"}, {"odot", "⊙"}, {"oe", "œ"}, {"oint", "∮"},
    {"omega", "ω"}, {"omicron", "ο"}, {"ominus", "⊖"}, {"oplus", "⊕"}, {"original", "⊶"}, {"oslash", "⊘"}, {"otimes", "⊗"},
    {"overbrace", "%1", "{", RZ_LATEX_FORM}, {"overbracket", "%1", "{", RZ_LATEX_FORM}, {"overgroup", "%1", "{", RZ_LATEX_FORM},
    {"overleftarrow", "%1", "{", RZ_LATEX_FORM}, {"overleftharpoon", "%1", "{", RZ_LATEX_FORM}, {"overleftrightarrow", "%1", "{", RZ_LATEX_FORM},
    {"overline", "%1", "{", RZ_LATEX_FORM}, {"overlinesegment", "%1", "{", RZ_LATEX_FORM}, {"overrightarrow", "%1", "{", RZ_LATEX_FORM},
    {"overrightharpoon", "%1", "{", RZ_LATEX_FORM}, {"pagecolor", NULL, "[{", RZ_LATEX_NOTHING}, {"parallel", "∥"}, {"partial", "∂"}, {"perp", "⊥"},
    {"perspcorrespond", "⩞"}, {"phi", "ϕ"}, {"pi", "π"}, {"pitchfork", "⋔"}, {"pm", "±"}, {"prec", "≺"}, {"precapprox", "⪷"}, {"preccurlyeq", "≼"},
    {"precedesnotsimilar", "⋨"}, {"preceq", "≼"}, {"precnapprox", "⪹"}, {"precneqq", "⪵"}, {"precsim", "≾"}, {"prime", "'"}, {"prod", "∏"}, {"propto", "∝"},
    {"psi", "ψ"}, {"qquad", "    "}, {"quad", "  "}, {"quotedblbase", "„"}, {"quotesinglbase", "‚"}, {"rVert", "‖"}, {"rangle", "⟩"}, {"rbrace", "}"},
    {"rceil", "⌉"}, {"ref", "<ref>", "{", RZ_LATEX_NOTHING}, {"rfloor", "⌋"}, {"rho", "ρ"}, {"rightangle", "∟"}, {"rightanglearc", "⊾"}, {"rightarrow", "→"},
    {"rightarrowtail", "↣"}, {"rightharpoondown", "⇁"}, {"rightharpoonup", "⇀"}, {"rightleftarrows", "⇄"}, {"rightleftharpoons", "⇌"},
    {"rightrightarrows", "⇉"}, {"rightsquigarrow", "⇝"}, {"rightthreetimes", "⋌"}, {"risingdotseq", "≓"}, {"rmoustache", "⎱"}, {"rtimes", "⋊"},
    {"rvert", "|"}, {"searrow", "↘"}, {"setminus", "∖"}, {"sharp", "♯"}, {"sigma", "σ"}, {"sim", "∼"}, {"simeq", "≃"}, {"sin", "sin"}, {"sinh", "sinh"},
    {"smallsetminus", "∖"}, {"smile", "⌣"}, {"sphericalangle", "∢"}, {"sqcap", "⊓"}, {"sqcup", "⊔"}, {"sqrint", "⨖"},
    {"sqrt", "√(%2)", "[{", RZ_LATEX_RAISES}, {"sqsubset", "⊏"}, {"sqsubseteq", "⊑"}, {"sqsupset", "⊐"}, {"sqsupseteq", "⊒"}, {"square", "□"}, {"ss", "ß"},
    {"star", "⋆"}, {"starequal", "≛"}, {"subset", "⊂"}, {"subseteq", "⊆"}, {"subseteqq", "⫅"}, {"subsetneq", "⊊"}, {"subsetneqq", "⫋"}, {"succ", "≻"},
    {"succapprox", "⪸"}, {"succcurlyeq", "≽"}, {"succeq", "≽"}, {"succnapprox", "⪺"}, {"succneqq", "⪶"}, {"succnsim", "⋩"}, {"succsim", "≿"}, {"sum", "∑"},
    {"sup", "sup"}, {"supset", "⊃"}, {"supseteq", "⊇"}, {"supseteqq", "⫆"}, {"supsetneq", "⊋"}, {"supsetneqq", "⫌"}, {"surd", "√"}, {"surfintegral", "∯"},
    {"swarrow", "↙"}, {"tan", "tan"}, {"tanh", "tanh"}, {"tau", "τ"}, {"texorpdfstring", "%2", "{{", RZ_LATEX_NOTHING}, {"text", "%1", "{", RZ_LATEX_NOTHING},
    {"textasciicircum", "ˆ"}, {"textbackslash", "\\"}, {"textbf", "%1", "{", RZ_LATEX_NOTHING}, {"textcent", "¢"},
    {"textcolor", "%3", "[{{", RZ_LATEX_RAISES}, {"textdegree", "°"}, {"textdiv", "÷"}, {"textemdash", "—"}, {"textendash", "–"}, {"texteuro", "€"},
    {"textfrac", "%s/%s"}, {"textit", "%1", "{", RZ_LATEX_NOTHING}, {"textmd", NULL, "{", RZ_LATEX_NOTHING}, {"textmu", "µ"}, {"textonehalf", "½"},
    {"textonequarter", "¼"}, {"textperiodcentered", "˙"}, {"textpm", "±"}, {"textquotedblleft", "“"}, {"textquotedblright", "”"}, {"textquoteleft", "‘"},
    {"textquoteright", "’"}, {"textrm", "%1", "{", RZ_LATEX_NOTHING}, {"textsc", "%1", "{", RZ_LATEX_NOTHING}, {"textsf", NULL, "{", RZ_LATEX_NOTHING},
    {"textsl", "%1", "{", RZ_LATEX_NOTHING}, {"textsterling", "£"}, {"textthreequarters", "¾"}, {"textthreesuperior", "³"}, {"texttimes", "×"},
    {"texttt", NULL, "{", RZ_LATEX_NOTHING}, {"texttwosuperior", "²"}, {"textup", NULL, "{", RZ_LATEX_NOTHING}, {"textyen", "¥"}, {"th", "þ"},
    {"therefore", "∴"}, {"theta", "θ"}, {"tildetrpl", "≋"}, {"times", "×"}, {"to", "→"}, {"top", "⊤"}, {"triangledown", "▿"}, {"triangleleft", "◃"},
    {"trianglelefteq", "⊴"}, {"triangleq", "≜"}, {"triangleright", "▹"}, {"trianglerighteq", "⊵"}, {"truestate", "⊧"}, {"twoheadleftarrow", "↞"},
    {"twoheadrightarrow", "↠"}, {"udots", "⋰"}, {"ulcorner", "⌜"}, {"underbrace", "%1", "{", RZ_LATEX_FORM}, {"underbracket", "%1", "{", RZ_LATEX_FORM},
    {"undergroup", "%1", "{", RZ_LATEX_FORM}, {"underleftarrow", "%1", "{", RZ_LATEX_FORM}, {"underleftrightarrow", "%1", "{", RZ_LATEX_FORM},
    {"underline", "%1", "{", RZ_LATEX_FORM}, {"underlinesegment", "%1", "{", RZ_LATEX_FORM}, {"underrightarrow", "%1", "{", RZ_LATEX_FORM}, {"uparrow", "↑"},
    {"updownarrow", "↕"}, {"upharpoonleft", "↿"}, {"upharpoonright", "↾"}, {"uplus", "⊎"}, {"upsilon", "υ"}, {"upslopeellipsis", "⋰"}, {"upuparrows", "⇈"},
    {"urcorner", "⌝"}, {"varepsilon", "ε"}, {"varkappa", "ϰ"}, {"varnothing", "∅"}, {"varperspcorrespond", "⌆"}, {"varphi", "φ"}, {"varpi", "ϖ"},
    {"varrho", "ϱ"}, {"varsigma", "ς"}, {"vartheta", "ϑ"}, {"vartriangle", "▵"}, {"vartriangleleft", "⊲"}, {"vartriangleright", "⊳"}, {"vdash", "⊢"},
    {"vdots", "⋮"}, {"vee", "∨"}, {"veebar", "⊻"}, {"vert", "|"}, {"verymuchgreater", "⋙"}, {"verymuchless", "⋘"}, {"volintegral", "∰"},
    {"vphantom", NULL, "[{", RZ_LATEX_NOTHING}, {"vspace", "\n", "*{", RZ_LATEX_NOTHING}, {"wedge", "∧"}, {"widehat", "%1", "{", RZ_LATEX_FORM},
    {"wideparen", "%1", "{", RZ_LATEX_FORM}, {"widetilde", "%1", "{", RZ_LATEX_FORM}, {"wp", "℘"}, {"wr", "≀"}, {"xi", "ξ"},
    {"xleftarrow", NULL, "[{", RZ_LATEX_NOTHING}, {"xrightarrow", NULL, "[{", RZ_LATEX_NOTHING}, {"zeta", "ζ"}, {"{", "{"}, {"}", "}"},
};

const rz_latex_macro *rz_latex_macro_find(rz_slice name)
{
    size_t low = 0, high = sizeof macros / sizeof *macros;
    while (low < high) {
        size_t middle = (low + high) / 2, n = strlen(macros[middle].name);
        int order = memcmp(macros[middle].name, name.s, n < name.len ? n : name.len);
        if (order == 0 && n == name.len) return &macros[middle];
        if (order < 0 || (order == 0 && n < name.len))
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
