/* Part of kernels_vec.c: keys and values (rz_kv), where they lie and how they come there. */

static int64_t round_up(int64_t n) { return (n + RZ_PANEL - 1) / RZ_PANEL * RZ_PANEL; }

/* Of bfloat16s a pair counts as one number: whatever is asked for, and the distances between blocks and between values, follow from that. */
static const float *key_words(const rz_kv *kv) { return kv->half_k ? (const void *)kv->half_k : kv->k; }
static const float *value_words(const rz_kv *kv) { return kv->half_v ? (const void *)kv->half_v : kv->v; }
static int64_t words(const rz_kv *kv, int64_t n) { return kv->half_k ? (n + 1) / 2 : n; }

/* j0 is a multiple of 16. The next block of g is RZ_PANEL·G·E numbers on, the next value G·E: words. */
static const float *keys_of(const rz_kv *kv, rz_heads h, int g, int j0) { return key_words(kv) + words(kv, ((int64_t)j0 * h.G + (int64_t)g * RZ_PANEL) * h.E); }
static const float *values_of(const rz_kv *kv, rz_heads h, int g, int j0) { return value_words(kv) + (words(kv, j0) * h.G + g) * h.E; }

/* The keys and values of g as floats, those of one head, in `room`: 2·E·round_up(n) of them. */
static rz_kv widen(const rz_kv *kv, rz_heads h, int g, float *room)
{
    const int E = h.E;
    const rz_kv one = {room, room + round_up(kv->n) * E, kv->n, (int)round_up(kv->n), false, NULL, NULL};
    for (int64_t j = 0; j < kv->n; j += RZ_PANEL)
        for (int e = 0; e < E; e += 2) {
            const uint16_t *from = kv->half_k + rz_half_key_at(h.G, g, j, e, E);
            vf_store(one.k + (j * E + e * RZ_PANEL), vf_load_even(from));
            vf_store(one.k + (j * E + (e + 1) * RZ_PANEL), vf_load_odd(from));
        }
    for (int64_t j = 0; j < kv->n; j++)
        for (int e = 0; e < E; e++)
            one.v[j * E + e] = rz_from_half(kv->half_v[rz_half_value_at(h.G, g, j, e, E)]);
    return one;
}

/* Of the heads of g0 ≤ g < g1 the key and the value of token j, from rows k and v of all heads. */
static void append_floats(const rz_kv *kv, int64_t j, const float *k, const float *v, int G, int E, int g0, int g1)
{
    float *keys = kv->k + j / RZ_PANEL * RZ_PANEL * G * E + j % RZ_PANEL, *vals = kv->v + j * G * E;
    const int64_t from = (int64_t)g0 * E, to = (int64_t)g1 * E;
    if (kv->rounded) {
        for (int64_t i = from; i < to; i++)
            keys[i * RZ_PANEL] = rz_from_half(rz_half(k[i])), vals[i] = rz_from_half(rz_half(v[i]));
        return;
    }
    for (int64_t i = from; i < to; i++)
        keys[i * RZ_PANEL] = k[i];
    memcpy(vals + from, v + from, (size_t)(to - from) * sizeof *v);
}

static void append_halves(const rz_kv *kv, int64_t j, const float *k, const float *v, int G, int E, int g0, int g1)
{
    uint16_t *keys = kv->half_k + rz_half_key_at(G, 0, j, 0, E), *vals = kv->half_v + rz_half_value_at(G, 0, j / 2 * 2, 0, E);
    int64_t i = (int64_t)g0 * E, to = (int64_t)g1 * E;
    for (; to - i >= 2 * RZ_PANEL; i += 2 * RZ_PANEL) {
        vf even, odd;
        float pairs[RZ_PANEL];
        vf_deinterleave(vf_load(k + i), vf_load(k + i + RZ_PANEL), &even, &odd);
        vf_store(pairs, vf_half_pairs(even, odd));
        for (int e = 0; e < RZ_PANEL; e++)
            memcpy(keys + (i / 2 + e) * 2 * RZ_PANEL, &pairs[e], sizeof pairs[e]);
        for (int64_t e = i; e < i + 2 * RZ_PANEL; e += RZ_PANEL) { /* the other token of the pair stays as it is */
            vf x = vf_load(v + e);
            vf_store((float *)(void *)(vals + 2 * e), j % 2 ? vf_half_pairs(vf_load_even(vals + 2 * e), x) : vf_half_pairs(x, vf_load_odd(vals + 2 * e)));
        }
    }
    for (; i < to; i++) {
        keys[i / 2 * 2 * RZ_PANEL + i % 2] = rz_half(k[i]);
        vals[2 * i + j % 2] = rz_half(v[i]);
    }
}

static void append_token(const rz_kv *kv, int64_t j, const float *k, const float *v, int G, int E, int g0, int g1)
{
    (kv->half_k ? append_halves : append_floats)(kv, j, k, v, G, E, g0, g1);
}

/* Sixteen keys, the rows of a matrix, to one block. */
static void append_block(float *to, const float *k, int64_t ld, int E, bool rounded)
{
    vf t[16];
    for (int e = 0; e < E; e += 16) {
        int n = E - e < 16 ? E - e : 16;
        for (int i = 0; i < 16; i++) {
            t[i] = get(k + i * ld + e, n);
            t[i] = rounded ? vf_round_half(t[i]) : t[i];
        }
        vf_transpose(t);
        for (int i = 0; i < n; i++)
            vf_store(to + (e + i) * 16, t[i]);
    }
}

/* Values j … j+15 of all heads, `width` of each. */
static void append_values(const rz_kv *kv, int64_t j, const float *v, int64_t ld, int64_t width)
{
    for (int64_t i = 0; i < RZ_PANEL; i++, j++)
        SIXTEENS(e, n, width) {
            vf x = get(v + i * ld + e, n);
            put(kv->v + j * width + e, kv->rounded ? vf_round_half(x) : x, n);
        }
}

static void kv_append(const rz_kv *kv, const float *k, const float *v, int64_t ld, int n, int G, int E)
{
    assert(n >= 0 && kv->n + n <= kv->cap && kv->cap % RZ_PANEL == 0);
    const int64_t width = (int64_t)G * E;
    for (int i = 0, step; i < n; i += step, k += step * ld, v += step * ld) {
        const int64_t j = kv->n + i;
        step = !kv->half_k && j % RZ_PANEL == 0 && n - i >= RZ_PANEL ? RZ_PANEL : 1;
        if (step == 1) {
            append_token(kv, j, k, v, G, E, 0, G);
            continue;
        }
        for (int g = 0; g < G; g++)
            append_block(kv->k + (j * G + (int64_t)g * RZ_PANEL) * E, k + (int64_t)g * E, ld, E, kv->rounded);
        append_values(kv, j, v, ld, width);
    }
}
