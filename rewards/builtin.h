/* Rule files that come with the program, by name: strict/NAME (rewards/builtin/) and task/NAME (configs/rules/). A name is accepted wherever a rule file is. */
#ifndef RZ_REWARDS_BUILTIN_H
#define RZ_REWARDS_BUILTIN_H
#include <stddef.h>

typedef struct { const char *name, *about, *text; size_t len; } rz_builtin; /* about: the first sentence of its first comment */

extern const rz_builtin rz_builtins[]; /* made by rewards/builtin/embed.sh */
extern const int rz_n_builtins;
#endif
