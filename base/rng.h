/* Addressed random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
 * A number is a function of (seed, purpose, address): nothing to save, nothing to share between ranks. */
#ifndef RZ_BASE_RNG_H
#define RZ_BASE_RNG_H
#include <stdint.h>

/* One row a use, so that no two uses can meet at an address. Values are part of the reproducibility promise: append only. */
typedef enum {
    RZ_RNG_INIT = 1,    /* initial weights: (tensor, element) */
    RZ_RNG_SAMPLE,      /* a sampled token: (step, slot, refill<<16|sample, position) */
    RZ_RNG_PROBLEM,     /* a generated problem: stream by index */
    RZ_RNG_CORPUS,      /* a generated document: stream by index */
    RZ_RNG_SPLIT,       /* train / validation / test */
    RZ_RNG_SHUFFLE,     /* order of a data set: (epoch, index) */
    RZ_RNG_REWARD,      /* the random-reward control */
    RZ_RNG_EVAL,        /* a sampled token of an evaluation */
    RZ_RNG_BATCH,       /* order of groups in the inner epochs */
    RZ_RNG_TEST,        /* tests only */
    RZ_RNG_BOOTSTRAP,   /* clusters of a resample: (resample, index / 4) */
} rz_rng_purpose;

typedef struct { uint32_t v[4]; } rz_u32x4;

/* The raw block function: 10 rounds. */
rz_u32x4 rz_philox(rz_u32x4 counter, uint32_t key0, uint32_t key1);

/* key = (seed, purpose), counter = (a, b, c, d). */
rz_u32x4 rz_rng_at(uint32_t seed, rz_rng_purpose purpose, uint32_t a, uint32_t b, uint32_t c, uint32_t d);

/* Uniform in [0, 1) with 53 bits, from words 0 and 1 of rz_rng_at. */
double rz_rng_unit(uint32_t seed, rz_rng_purpose purpose, uint32_t a, uint32_t b, uint32_t c, uint32_t d);

/* Standard normal at an address, by a routine of our own whose bits are the same on every machine (no libm). */
double rz_rng_normal(uint32_t seed, rz_rng_purpose purpose, uint32_t a, uint32_t b, uint32_t c, uint32_t d);

/* A sequence of numbers at one address, for generators that draw an unknown count: counter = (index lo, index hi, 0, block). */
typedef struct {
    uint32_t seed, purpose, index_lo, index_hi, block;
    rz_u32x4 buffer;
    int left; /* words of buffer not yet used */
} rz_stream;

void rz_stream_init(rz_stream *s, uint32_t seed, rz_rng_purpose purpose, uint64_t index);
uint32_t rz_stream_u32(rz_stream *s);
double rz_stream_unit(rz_stream *s);                  /* [0, 1), 53 bits */
uint32_t rz_stream_below(rz_stream *s, uint32_t n);   /* unbiased, 0 … n−1; n ≥ 1 */
int rz_stream_range(rz_stream *s, int lo, int hi);    /* inclusive */

/* A keyed bijection of 0 … n−1 (Feistel network of Philox rounds with cycle walking): shuffles without a table. i < n. */
uint64_t rz_rng_permute(uint32_t seed, rz_rng_purpose purpose, uint32_t key, uint64_t n, uint64_t i);
#endif
