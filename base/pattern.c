#include "base/pattern.h"
#define PCRE2_CODE_UNIT_WIDTH 8
#include <assert.h>
#include <pcre2.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* PCRE2's own defaults (10 million steps, 20 GB of heap) would let one completion hold a rank for seconds. */
enum {
    DEFAULT_MATCH_LIMIT = 100000,
    HEAP_LIMIT_KIB = 16 * 1024,
    JIT_STACK_MIN = 32 * 1024,
    JIT_STACK_MAX = 1024 * 1024,
    MAX_PATTERN_BYTES = 64 * 1024,
};

/* PCRE2 counts steps anew at every place a match may start, so its limit alone allows limit × length: ten seconds and more for
 * 32 kB of "aaaa…". A search is therefore cut into runs of places whose joint allowance is RUN_LIMITS limits; a run that goes over is
 * halved, and the steps so proven are added up and may not exceed TOTAL_LIMITS limits. A place alone always gets the full limit. */
enum { RUN_LIMITS = 4, TOTAL_LIMITS = 16 };

/* Prices of counted patterns: an item that is tried, a byte that it passes over, one whose meaning Unicode's tables decide. */
enum { ITEM_PRICE = 20, BYTE_PRICE = 2, TABLE_PRICE = 6 };

struct rz_pattern {
    pcre2_code *code;
    uint32_t match_limit;
    uint32_t groups;
    bool in_runs;       /* a search may be cut into runs of places */
    size_t unseen;      /* bytes that one item may read and then fail, so that its place does not tell: back references, a{1000} */
    int byte_price;
    uint8_t first[256]; /* 1: a match may start with this byte */
};

struct rz_matcher {
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
    pcre2_match_data *data;
    uint32_t pairs; /* capacity of data */
    uint32_t most;  /* steps at a place, if not 0 */
    int64_t work;   /* left to counted patterns */
    size_t at;      /* where the last item was tried */
    const rz_pattern *pattern; /* that runs */
};

static const struct {
    unsigned flag;
    uint32_t option;
} flag_options[] = {
    {RZ_PATTERN_DOTALL, PCRE2_DOTALL},   {RZ_PATTERN_CASELESS, PCRE2_CASELESS}, {RZ_PATTERN_MULTILINE, PCRE2_MULTILINE},
    {RZ_PATTERN_UNICODE, PCRE2_UCP},     {RZ_PATTERN_ANCHORED, PCRE2_ANCHORED},
};

static void reason(int code, char *out, size_t size)
{
    if (pcre2_get_error_message(code, (PCRE2_UCHAR *)out, size) < 0) snprintf(out, size, "PCRE2 error %d", code);
}

/* Newlines are fixed here so that a match does not depend on how the library was built. */
static pcre2_code *compile(const char *pattern, uint32_t options, rz_err *err)
{
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    if (!context) rz_out_of_memory(sizeof(void *));
    pcre2_set_max_pattern_length(context, MAX_PATTERN_BYTES);
    pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    pcre2_set_bsr(context, PCRE2_BSR_UNICODE);
    int code = 0;
    size_t at = 0;
    pcre2_code *made = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, options, &code, &at, context);
    pcre2_compile_context_free(context);
    if (made) return made;
    char why[256];
    reason(code, why, sizeof why);
    rz_fail(err, RZ_ECONFIG, "pattern '%.200s': at byte %zu: %s", pattern, at, why);
    return NULL;
}

/* Cutting a search changes nothing but for \G (where did it start?) and the two verbs that forbid later starting places. A pattern that
 * merely mentions them is taken to use them: it is searched in one go. */
static bool can_cut(const pcre2_code *code, const char *pattern)
{
    uint32_t options = 0;
    pcre2_pattern_info(code, PCRE2_INFO_ALLOPTIONS, &options);
    if (options & PCRE2_ANCHORED) return false;
    return !strstr(pattern, "\\G") && !strstr(pattern, "(*COMMIT") && !strstr(pattern, "(*SKIP");
}

/* Only to share out the limit; a byte too many or too few does no harm. */
static void find_first_bytes(rz_pattern *p)
{
    const uint8_t *bits = NULL;
    uint32_t known = 0, unit = 0;
    pcre2_pattern_info(p->code, PCRE2_INFO_FIRSTCODETYPE, &known);
    pcre2_pattern_info(p->code, PCRE2_INFO_FIRSTCODEUNIT, &unit);
    pcre2_pattern_info(p->code, PCRE2_INFO_FIRSTBITMAP, &bits);
    for (unsigned c = 0; c < 256; c++) {
        bool any = (c & 0xC0) != 0x80; /* no character starts with a continuation byte */
        p->first[c] = known == 1 ? (c | 0x20) == (unit | 0x20) : bits ? bits[c / 8] >> (c % 8) & 1 : any;
    }
}

/* The longest fixed repeat, or with a back reference any length. */
static size_t find_unseen(const pcre2_code *code, const char *pattern)
{
    uint32_t back = 0;
    unsigned long most = 0;
    pcre2_pattern_info(code, PCRE2_INFO_BACKREFMAX, &back);
    if (back) return SIZE_MAX;
    for (const char *p = pattern; (p = strchr(p, '{')); p++) {
        unsigned long n = strtoul(p + 1, NULL, 10);
        if (n > most) most = n;
    }
    return most;
}

/* PCRE2 calls it before every item of a counted pattern. */
static int count_item(pcre2_callout_block *b, void *ctx)
{
    rz_matcher *m = ctx;
    size_t here = b->current_position, left = b->subject_length - here, unseen = m->pattern->unseen < left ? m->pattern->unseen : left;
    size_t passed = here > m->at ? here - m->at : m->at - here;
    m->at = here;
    m->work -= ITEM_PRICE + (int64_t)(passed + unseen) * m->pattern->byte_price;
    return m->work < 0 ? PCRE2_ERROR_CALLOUT : 0;
}

static bool have_jit(void)
{
    uint32_t jit = 0;
    return pcre2_config(PCRE2_CONFIG_JIT, &jit) >= 0 && jit == 1;
}

bool rz_pattern_create(rz_pattern **out, const char *pattern, unsigned flags, uint32_t match_limit, rz_err *err)
{
    *out = NULL;
    if (!have_jit())
        return rz_fail(err, RZ_EINTERNAL, "this PCRE2 (%s) was built without JIT, and steps are counted as JIT counts them: install one with JIT",
                       rz_pattern_version());
    uint32_t options = PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C | PCRE2_USE_OFFSET_LIMIT;
    for (size_t i = 0; i < sizeof flag_options / sizeof *flag_options; i++)
        if (flags & flag_options[i].flag) options |= flag_options[i].option;
    if (flags & RZ_PATTERN_COUNTED) options |= PCRE2_AUTO_CALLOUT;
    pcre2_code *code = compile(pattern, options, err);
    if (!code) return false;
    size_t machine_code = 0; /* stays 0 for a pattern that begins with (*NO_JIT) */
    int rc = pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
    pcre2_pattern_info(code, PCRE2_INFO_JITSIZE, &machine_code);
    if (rc != 0 || machine_code == 0) {
        char why[256];
        reason(rc ? rc : PCRE2_ERROR_JIT_BADOPTION, why, sizeof why);
        pcre2_code_free(code);
        return rz_fail(err, RZ_ECONFIG, "pattern '%.200s' cannot be compiled to machine code (JIT), which is required: %s", pattern, why);
    }
    rz_pattern *p = rz_calloc(1, sizeof *p);
    p->code = code;
    p->match_limit = match_limit ? match_limit : DEFAULT_MATCH_LIMIT;
    p->in_runs = !(flags & RZ_PATTERN_AT_ONCE) && can_cut(code, pattern);
    pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &p->groups);
    p->unseen = find_unseen(code, pattern);
    p->byte_price = flags & (RZ_PATTERN_UNICODE | RZ_PATTERN_CASELESS) ? TABLE_PRICE : BYTE_PRICE;
    find_first_bytes(p);
    *out = p;
    return true;
}

void rz_pattern_destroy(rz_pattern *p)
{
    if (!p) return;
    pcre2_code_free(p->code);
    free(p);
}

int rz_pattern_groups(const rz_pattern *p) { return (int)p->groups; }

int rz_pattern_group(const rz_pattern *p, const char *name)
{
    int group = pcre2_substring_number_from_name(p->code, (PCRE2_SPTR)name);
    return group > 0 ? group : -1;
}

const char *rz_pattern_group_name(const rz_pattern *p, int group)
{
    uint32_t n = 0, size = 0;
    PCRE2_SPTR table = NULL;
    pcre2_pattern_info(p->code, PCRE2_INFO_NAMECOUNT, &n);
    pcre2_pattern_info(p->code, PCRE2_INFO_NAMEENTRYSIZE, &size);
    pcre2_pattern_info(p->code, PCRE2_INFO_NAMETABLE, &table);
    for (uint32_t i = 0; i < n; i++, table += size) /* an entry: the number, high byte first, and the name */
        if ((table[0] << 8 | table[1]) == group) return (const char *)table + 2;
    return NULL;
}

size_t rz_pattern_bytes(const rz_pattern *p)
{
    size_t bytes = 0;
    pcre2_pattern_info(p->code, PCRE2_INFO_SIZE, &bytes);
    return bytes;
}

bool rz_matcher_create(rz_matcher **out, rz_err *err)
{
    rz_matcher *m = rz_calloc(1, sizeof *m);
    *out = m;
    m->pairs = 16;
    m->context = pcre2_match_context_create(NULL);
    m->data = pcre2_match_data_create(m->pairs, NULL);
    if (!m->context || !m->data) rz_out_of_memory(m->pairs * sizeof(rz_span));
    m->stack = pcre2_jit_stack_create(JIT_STACK_MIN, JIT_STACK_MAX, NULL);
    if (!m->stack) {
        rz_matcher_destroy(m);
        *out = NULL;
        return rz_fail(err, RZ_EIO, "no memory for a stack of %d bytes for patterns (PCRE2 JIT)", JIT_STACK_MAX);
    }
    pcre2_set_heap_limit(m->context, HEAP_LIMIT_KIB);
    pcre2_jit_stack_assign(m->context, NULL, m->stack);
    pcre2_set_callout(m->context, count_item, m);
    m->work = INT64_MAX;
    return true;
}

void rz_matcher_destroy(rz_matcher *m)
{
    if (!m) return;
    pcre2_match_data_free(m->data);
    pcre2_match_context_free(m->context);
    pcre2_jit_stack_free(m->stack);
    free(m);
}

void rz_matcher_limit(rz_matcher *m, uint32_t steps) { m->most = steps; }
void rz_matcher_allow(rz_matcher *m, int64_t work) { m->work = work; }
int64_t rz_matcher_left(const rz_matcher *m) { return m->work; }

static void reserve(rz_matcher *m, uint32_t pairs)
{
    if (pairs <= m->pairs) return;
    pcre2_match_data *larger = pcre2_match_data_create(pairs, NULL);
    if (!larger) rz_out_of_memory(pairs * sizeof(rz_span));
    pcre2_match_data_free(m->data);
    m->data = larger;
    m->pairs = pairs;
}

/* A match that starts in first … last; at most `limit` steps a starting place. PCRE2's return code. */
static int match_run(const rz_pattern *p, rz_matcher *m, const char *text, size_t len, size_t first, size_t last, uint32_t limit)
{
    pcre2_set_match_limit(m->context, limit);
    pcre2_set_offset_limit(m->context, last);
    return pcre2_jit_match(p->code, (PCRE2_SPTR)text, len, first, PCRE2_NO_UTF_CHECK, m->data, m->context);
}

static size_t count_places(const rz_pattern *p, const char *text, size_t len, size_t from, size_t width)
{
    size_t n = 0, end = from + width;
    if (end > len) n = 1, end = len; /* an empty match at the end */
    for (size_t i = from; i < end; i++) n += p->first[(unsigned char)text[i]];
    return n;
}

static int search(const rz_pattern *p, rz_matcher *m, const char *text, size_t len, size_t from)
{
    const uint64_t limit = m->most && m->most < p->match_limit ? m->most : p->match_limit;
    if (!p->in_runs) return match_run(p, m, text, len, from, PCRE2_UNSET, (uint32_t)limit);
    uint64_t proven = 0;
    size_t width = len - from + 1, places = width; /* every byte, until counting is worth its time */
    bool counted = false;
    while (from <= len) {
        uint64_t share = places <= RUN_LIMITS ? limit : RUN_LIMITS * limit / places;
        if (share == 0) share = 1;
        int rc = match_run(p, m, text, len, from, from + width - 1, (uint32_t)share);
        if (rc == PCRE2_ERROR_MATCHLIMIT && share < limit) {
            proven += share;
            if (proven > TOTAL_LIMITS * limit) return rc;
            if (counted) width = (width + 1) / 2;
            counted = true;
        } else if (rc == PCRE2_ERROR_NOMATCH) {
            from += width;
            while (from < len && ((unsigned char)text[from] & 0xC0) == 0x80) from++; /* to the next character */
            width *= 2;
        } else
            return rc;
        if (from <= len && width > len - from + 1) width = len - from + 1;
        places = from <= len ? count_places(p, text, len, from, width) : 0;
    }
    return PCRE2_ERROR_NOMATCH;
}

rz_match_result rz_pattern_match(const rz_pattern *p, rz_matcher *m, const char *text, size_t len, size_t from, rz_span *spans, int n_spans)
{
    assert(from <= len);
    reserve(m, p->groups + 1);
    m->pattern = p;
    m->at = from;
    int rc = search(p, m, len ? text : "", len, from);
    if (rc == PCRE2_ERROR_NOMATCH) return RZ_NO_MATCH;
    if (rc <= 0) return RZ_MATCH_LIMIT; /* steps, JIT stack, heap: whatever else can go wrong is lack of a resource too */
    const size_t *pairs = pcre2_get_ovector_pointer(m->data);
    /* \K inside a called group that looks around can move the start behind the end or before `from`; a caller that walks through
     * all matches would go round for ever. */
    if (pairs[0] > pairs[1] || pairs[0] < from) return RZ_MATCH_LIMIT;
    for (int i = 0; i < n_spans && i <= (int)p->groups; i++) {
        bool took_part = i < rc && pairs[2 * i] != PCRE2_UNSET;
        spans[i] = took_part ? (rz_span){pairs[2 * i], pairs[2 * i + 1]} : (rz_span){SIZE_MAX, SIZE_MAX};
    }
    return RZ_MATCH;
}

static char version[128];

static void find_version(void)
{
    char number[64] = "", target[64] = "";
    pcre2_config(PCRE2_CONFIG_VERSION, number);
    char *date = strchr(number, ' ');
    if (date) *date = 0;
    if (have_jit()) pcre2_config(PCRE2_CONFIG_JITTARGET, target);
    char *detail = strstr(target, " (");
    if (detail) *detail = 0;
    snprintf(version, sizeof version, "PCRE2 %s, %s%s", number, *target ? "JIT " : "no JIT", target);
}

const char *rz_pattern_version(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, find_version);
    return version;
}
