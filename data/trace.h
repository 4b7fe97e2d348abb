/* What a completion wrote on its way, counted over its words (separated by white space): equations, verdicts, self-checks, in the grammar of
 * docs/corpus.md. Of texts in other forms it counts nothing. */
#ifndef RZ_DATA_TRACE_H
#define RZ_DATA_TRACE_H
#include <stddef.h>
#include <stdint.h>

typedef struct {
    int64_t attempts;        /* verdicts `yes` and `no` before the thinking ends, that is before the first `</think>` or `<answer>` */
    int64_t self_checks;     /* `vs T off D` */
    int64_t equations;       /* `a op b = c`, op one of + - * /, that are not part of something longer: no operator before a or behind c */
    int64_t equations_right; /* of these, the ones that hold; a quotient must be exact */
} rz_trace;

/* Numbers are whole, of at most 9 digits, with at most a minus sign in front. Any bytes; linear. */
void rz_trace_count(const char *text, size_t len, rz_trace *out);
#endif
