/* What a fuzz target is to its driver, libFuzzer or tests/fuzz/replay.c, and what every target asks of the parser it feeds. */
#ifndef RZ_TESTS_FUZZ_TARGET_H
#define RZ_TESTS_FUZZ_TARGET_H
#include "base/error.h"
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Bad input is refused as bad data, in words; anything else is a bug. */
static inline void must_be_refused_well(const rz_err *err)
{
    if (err->code != RZ_EDATA || err->text[0] == '\0') abort();
}
#endif
