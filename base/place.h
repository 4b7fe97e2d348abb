/* Places in a text file that a person wrote, and messages that show them. */
#ifndef RZ_BASE_PLACE_H
#define RZ_BASE_PLACE_H
#include "base/error.h"

typedef struct { int line, column; } rz_place; /* both from 1; columns count characters */

typedef struct { const char *name, *text; size_t len; } rz_document; /* the text as it is, valid UTF-8 or not */

rz_place rz_place_of(const rz_document *d, size_t offset);
/* The byte of a place; the document's length when it has no such place. */
size_t rz_place_offset(const rz_document *d, rz_place at);
/* "name:line:column: sentence", then the line and a caret under the place. Returns false. */
__attribute__((format(printf, 5, 6))) bool rz_fail_at(rz_err *err, rz_code code, const rz_document *d, rz_place at, const char *fmt, ...);
#endif
