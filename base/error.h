/* Errors as sentences. A fallible function returns bool and takes `rz_err *err` last; the first failure
 * fills it, each caller may prepend context, and only cli prints it. The code is the exit status. */
#ifndef RZ_BASE_ERROR_H
#define RZ_BASE_ERROR_H
#include <stdbool.h>
#include <stddef.h>

typedef enum {
    RZ_OK = 0,
    RZ_EUSAGE = 64,     /* wrong command line */
    RZ_EDATA = 65,      /* bad data or checkpoint */
    RZ_EINTERNAL = 70,  /* a promise of ours is broken */
    RZ_ECREATE = 73,    /* cannot create, or already in use */
    RZ_EIO = 74,        /* read, write or disk full */
    RZ_ETRANSIENT = 75, /* a relaunch may cure it */
    RZ_ECONFIG = 78,    /* bad config */
    RZ_ESTOPPED = 85,   /* stopped early on purpose, checkpoint saved */
    RZ_EWATCHDOG = 86,
    RZ_EDIVERGED = 87,
} rz_code;

typedef struct {
    rz_code code;
    char text[2048];
} rz_err;

/* Records the sentence and returns false, so that `return rz_fail(err, ...)` reads well. err may not be NULL. */
__attribute__((format(printf, 3, 4))) bool rz_fail(rz_err *err, rz_code code, const char *fmt, ...);

/* Prepends "context: " to the sentence; returns false. */
__attribute__((format(printf, 2, 3))) bool rz_err_note(rz_err *err, const char *fmt, ...);

/* Memory that is never NULL: when the system has none left the handler is called (cli installs one that says so and
 * ends the whole job; the default writes to stderr and aborts) and does not return. */
void rz_set_oom_handler(void (*handler)(size_t bytes));
__attribute__((noreturn)) void rz_out_of_memory(size_t bytes);
void *rz_malloc(size_t bytes);
void *rz_calloc(size_t n, size_t size);
/* The same for what may be large and is walked through: 64-byte aligned; from 2 MiB on in huge pages where the kernel has them, and none is taken before it is written. */
void *rz_calloc_large(size_t n, size_t size);
void rz_free_large(void *p, size_t n, size_t size); /* p may be NULL; n and size as they were */
void *rz_realloc(void *p, size_t bytes);
char *rz_strdup(const char *s);
char *rz_strndup(const char *s, size_t n);
__attribute__((format(printf, 1, 2))) char *rz_asprintf(const char *fmt, ...);
#endif
