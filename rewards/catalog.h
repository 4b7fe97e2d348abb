/* What rules can be made of, for people and tools: every kind, preset, comparer and normaliser, and the rule files that are built in, by name. */
#ifndef RZ_REWARDS_CATALOG_H
#define RZ_REWARDS_CATALOG_H
#include "base/error.h"

typedef enum { RZ_ENTRY_KIND, RZ_ENTRY_PRESET, RZ_ENTRY_COMPARER, RZ_ENTRY_NORMALISER, RZ_ENTRY_FILE, RZ_ENTRY_SORTS } rz_entry_sort;

/* NULL where there is nothing to say. */
typedef struct {
    rz_entry_sort sort;
    const char *name, *about;
    const char *origin;      /* presets: whose reward it is */
    const char *params;      /* JSON object: parameter or option → default */
    const char *gold;        /* what of the problem it needs */
    const char *holes;       /* how it can be paid for nothing */
    const char *example;     /* of a kind: a rule; of a file: its text */
    double top, bottom;      /* most and least points with default parameters, of what a verifier judges; both 0: says its `score:` */
} rz_entry;

/* Entries 0 … in order of their sort; false behind the last. */
bool rz_catalog_at(int i, rz_entry *out);
/* A rule file with what the entry names, the caller's. */
char *rz_catalog_example(const rz_entry *e);
#endif
