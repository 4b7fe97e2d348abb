/* Parts of `rulezero diff`. */
#ifndef RZ_CLI_DIFF_H
#define RZ_CLI_DIFF_H
#include "base/error.h"

/* A line about a difference, on stdout; only the first few are printed. */
__attribute__((format(printf, 1, 2))) void rz_diff_tell(const char *fmt, ...);

/* Compares the completions of two run directories, in their folder "rollouts" or "eval", and sets *equal. Steps older than the first one that both have kept (rollout.keep) are passed over.
 * False when a file cannot be read. */
bool rz_diff_rollouts(const char *a, const char *b, const char *folder, bool *equal, rz_err *err);
#endif
