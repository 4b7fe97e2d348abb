/* JSON as Python's json.loads judges it, by a scan that builds nothing: whether a text is JSON, and what the members of the outermost list or object are.
 * Python also takes NaN, Infinity and −Infinity, numbers of any size, and half of a surrogate pair; it refuses whole numbers of over 4,300 digits. Linear. */
#ifndef RZ_REWARDS_JSON_SCAN_H
#define RZ_REWARDS_JSON_SCAN_H
#include "rewards/number.h"

enum { RZ_SCAN_MAX_DEPTH = 990 }; /* Python itself gives up near 1,000 */

typedef enum { RZ_SCAN_NULL, RZ_SCAN_BOOL, RZ_SCAN_INT, RZ_SCAN_REAL, RZ_SCAN_STRING, RZ_SCAN_LIST, RZ_SCAN_OBJECT } rz_scan_type;
typedef enum { RZ_SCAN_VALID, RZ_SCAN_INVALID, RZ_SCAN_TOO_DEEP } rz_scan_verdict;

typedef struct {
    rz_scan_type type;
    rz_slice key;   /* with its quotes, as written; .s NULL in a list */
    rz_slice value; /* as written */
} rz_scan_member;

typedef struct {
    bool standard;            /* in: RFC 8259, without Python's additions */
    rz_scan_member *members;  /* in: room for `room`, or NULL */
    size_t room;
    rz_scan_type type;        /* out: of the whole */
    size_t n;                 /* out: members of the outermost list or object; those beyond `room` are counted only */
    size_t at;                /* out: byte at which an invalid text stops being JSON */
} rz_scan;

rz_scan_verdict rz_json_scan(rz_slice text, rz_scan *s);
/* What a string as written (with its quotes) stands for. Half of a surrogate pair becomes U+FFFD. */
rz_slice rz_json_unquote(rz_slice written, rz_arena *scratch);
#endif
