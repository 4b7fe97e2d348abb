/* The only door to PCRE2: patterns with limits that count work, never time. JIT always (without it steps are counted differently, so
 * start-up refuses). UTF mode always; subjects must be valid UTF-8 (base/text.h repairs once), so PCRE2_NO_UTF_CHECK is passed. */
#ifndef RZ_BASE_PATTERN_H
#define RZ_BASE_PATTERN_H
#include "base/error.h"
#include <stdint.h>

typedef struct rz_pattern rz_pattern; /* immutable once made; may be shared by threads */
typedef struct rz_matcher rz_matcher; /* per thread: match data and JIT stack; serves every pattern */

enum { RZ_PATTERN_DOTALL = 1, RZ_PATTERN_CASELESS = 2, RZ_PATTERN_MULTILINE = 4, RZ_PATTERN_UNICODE = 8 /* \d \s \w by Unicode */,
       RZ_PATTERN_ANCHORED = 16, RZ_PATTERN_AT_ONCE = 32 /* a search is not cut into runs: only the limit at each place holds */,
       RZ_PATTERN_COUNTED = 64 /* its work is taken from what the matcher is allowed, too: a step may pass over all of the text */ };
typedef enum { RZ_MATCH, RZ_NO_MATCH, RZ_MATCH_LIMIT /* steps, heap or JIT stack: an error, not "no match" */ } rz_match_result;
typedef struct { size_t start, end; } rz_span; /* bytes; start == SIZE_MAX when the group took no part */

/* match_limit counts PCRE2's steps at each place where a match may start; 0 means the default of 100000. All places of a search together
 * get a bounded multiple of it (pattern.c), but for patterns with \G, (*COMMIT) or (*SKIP), and RZ_PATTERN_AT_ONCE. RZ_ECONFIG with the position and PCRE2's own
 * reason for a bad pattern. \C is refused. */
bool rz_pattern_create(rz_pattern **out, const char *pattern, unsigned flags, uint32_t match_limit, rz_err *err);
void rz_pattern_destroy(rz_pattern *p);
int rz_pattern_groups(const rz_pattern *p);                        /* capturing groups, without group 0 */
int rz_pattern_group(const rz_pattern *p, const char *name);       /* index, or −1 */
const char *rz_pattern_group_name(const rz_pattern *p, int group); /* NULL: it has none */
size_t rz_pattern_bytes(const rz_pattern *p);                      /* of compiled code: a measure of the work that compiling was */

bool rz_matcher_create(rz_matcher **out, rz_err *err);
void rz_matcher_destroy(rz_matcher *m);
/* From now on no pattern gets more steps than this at a place; 0: as its match_limit says. */
void rz_matcher_limit(rz_matcher *m, uint32_t steps);

/* What counted patterns may spend from now on, in units of about a nanosecond: each item that is tried, and each byte passed over. Beyond it they hit their limit. */
void rz_matcher_allow(rz_matcher *m, int64_t work);
int64_t rz_matcher_left(const rz_matcher *m); /* may be below 0 */

/* First match at or after `from`. spans receives groups 0 … min(n_spans, groups+1)−1. */
rz_match_result rz_pattern_match(const rz_pattern *p, rz_matcher *m, const char *text, size_t len, size_t from, rz_span *spans, int n_spans);
/* "PCRE2 10.42, JIT x86 64bit" */
const char *rz_pattern_version(void);
#endif
