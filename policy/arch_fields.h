/* The fields of an architecture as a table: check, comparison, dump (policy/arch.c) and parser (policy/arch_parse.c) walk it. */
#ifndef RZ_POLICY_ARCH_FIELDS_H
#define RZ_POLICY_ARCH_FIELDS_H
#include "policy/arch.h"

typedef struct {
    const char *name;
    enum { RZ_WHOLE, RZ_REAL, RZ_FLAG, RZ_NAME } kind; /* RZ_NAME: an int, the index of a name */
    /* Where config.json has it: at the top; at the top, written only when set; or in what describes RoPE. The names are read and written apart. */
    enum { RZ_TOP, RZ_OPTION, RZ_ROPE, RZ_APART } place;
    size_t offset;
    double min, max;
    int rope_type; /* RZ_ROPE: the first rope_type that has this field */
} rz_arch_field;

extern const rz_arch_field rz_arch_fields[];
extern const int rz_arch_n_fields;
extern const rz_family rz_families[RZ_N_MODEL_TYPES];
extern const char *const rz_rope_types[RZ_N_ROPE_TYPES];

/* Does this architecture use the field? */
static inline bool rz_arch_has(const rz_arch *a, const rz_arch_field *f)
{
    return f->place != RZ_ROPE || a->rope_type >= f->rope_type;
}
#endif
