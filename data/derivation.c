#include "data/derivation.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char operators[4] = {'+', '-', '*', '/'};

int rz_derivation_value(int a, char op, int b, int max_value)
{
    int64_t r = 0;
    switch (op) {
    case '+': r = (int64_t)a + b; break;
    case '-': r = (int64_t)a - b; break;
    case '*': r = (int64_t)a * b; break;
    case '/': r = b > 0 && a % b == 0 ? a / b : 0; break;
    }
    return r >= 1 && r <= max_value ? (int)r : 0;
}

void rz_derivation_init(rz_derivation *d, const int *numbers, int n)
{
    assert(n >= 1 && n <= RZ_COUNTDOWN_MAX_NUMBERS);
    d->n_nodes = d->n_live = n;
    for (int i = 0; i < n; i++) {
        d->nodes[i] = (rz_node){.value = numbers[i]};
        d->live[i] = i;
    }
}

static rz_equation combine(rz_derivation *d, int i, int j, char op, int result)
{
    int left = d->live[i], right = d->live[j], kept = 0;
    for (int k = 0; k < d->n_live; k++) {
        if (k != i && k != j) d->live[kept++] = d->live[k];
    }
    d->nodes[d->n_nodes] = (rz_node){.value = result, .op = op, .left = left, .right = right};
    d->live[kept++] = d->n_nodes++;
    d->n_live = kept;
    return (rz_equation){d->nodes[left].value, op, d->nodes[right].value, result};
}

rz_equation rz_derivation_random(rz_derivation *d, int max_value, rz_stream *s)
{
    assert(d->n_live >= 2);
    for (;;) {
        int i = (int)rz_stream_below(s, (uint32_t)d->n_live);
        int j = (int)rz_stream_below(s, (uint32_t)d->n_live - 1);
        if (j >= i) j++;
        char op = operators[rz_stream_below(s, 4)];
        int result = rz_derivation_value(d->nodes[d->live[i]].value, op, d->nodes[d->live[j]].value, max_value);
        if (result) return combine(d, i, j, op, result);
    }
}

rz_equation rz_derivation_nearest(rz_derivation *d, int max_value, int target, rz_stream *s)
{
    assert(d->n_live >= 2);
    int best_i = 0, best_j = 1, best_result = 0, best_distance = 0;
    char best_op = '+';
    uint32_t n_ties = 0;
    for (int i = 0; i < d->n_live; i++) {
        for (int j = 0; j < d->n_live; j++) {
            for (int k = 0; i != j && k < 4; k++) {
                int result = rz_derivation_value(d->nodes[d->live[i]].value, operators[k], d->nodes[d->live[j]].value, max_value);
                int distance = abs(result - target);
                if (!result || (n_ties && distance > best_distance)) continue;
                n_ties = n_ties && distance == best_distance ? n_ties + 1 : 1;
                if (n_ties > 1 && rz_stream_below(s, n_ties) != 0) continue; /* each of n ties is kept with probability 1/n */
                best_i = i, best_j = j, best_op = operators[k], best_result = result, best_distance = distance;
            }
        }
    }
    assert(n_ties > 0);
    return combine(d, best_i, best_j, best_op, best_result);
}

int rz_derivation_result(const rz_derivation *d)
{
    assert(d->n_live == 1);
    return d->nodes[d->live[0]].value;
}

static char *put(char *at, const char *word)
{
    size_t len = strlen(word);
    memcpy(at, word, len);
    return at + len;
}

static char *write_node(const rz_derivation *d, int node, char *at);

static char *write_operand(const rz_derivation *d, int node, char *at)
{
    if (!d->nodes[node].op) return write_node(d, node, at);
    return put(write_node(d, node, put(at, "( ")), " )");
}

static char *write_node(const rz_derivation *d, int node, char *at)
{
    const rz_node *x = &d->nodes[node];
    if (!x->op) return at + snprintf(at, 12, "%d", x->value);
    const char middle[] = {' ', x->op, ' ', 0};
    return write_operand(d, x->right, put(write_operand(d, x->left, at), middle));
}

void rz_derivation_text(const rz_derivation *d, char text[RZ_EXPRESSION_SIZE])
{
    assert(d->n_live == 1);
    *write_node(d, d->live[0], text) = 0;
}
