/* Frames between the processes of a rank, over a stream socket: length (u64), then the bytes. Never waits beyond a time. */
#ifndef RZ_REWARDS_WIRE_H
#define RZ_REWARDS_WIRE_H
#include "base/error.h"
#include "rewards/number.h"

typedef enum {
    RZ_WIRE_OK,
    RZ_WIRE_ENDED, /* the other end is closed */
    RZ_WIRE_LATE,
    RZ_WIRE_BROKEN, /* a frame longer than any that is expected: the other end is not itself any more */
} rz_wire_result;

enum { RZ_WIRE_PIECES = 16 };
typedef struct { char *data; size_t len, cap; } rz_wire_buffer; /* data is the receiver's, to be freed */

/* until_s as of rz_now_s(); negative: however long it takes. The pieces (at most RZ_WIRE_PIECES) make one frame. */
rz_wire_result rz_wire_send(int fd, const rz_slice *pieces, int n, double until_s);
rz_wire_result rz_wire_receive(int fd, rz_wire_buffer *b, size_t most, double until_s);
/* Whether something can be read (or written) before that time; also true when the other end is closed. */
bool rz_wire_wait(int fd, short events, double until_s);
#endif
