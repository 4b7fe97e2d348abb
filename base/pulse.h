/* Where this process is in its job, and that it moves. Whoever works says so (a beat), whoever waits for other ranks says that (a poll): the watchdog
 * (base/watchdog.h) tells by it a slow rank from one that hangs. Costs an addition a call. All but beats come from the main thread. */
#ifndef RZ_BASE_PULSE_H
#define RZ_BASE_PULSE_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum { RZ_PHASE_SETUP, RZ_PHASE_SAMPLE, RZ_PHASE_SCORE, RZ_PHASE_UPDATE, RZ_PHASE_EVAL, RZ_PHASE_SAVE, RZ_N_PHASES } rz_phase;
extern const char *const rz_phase_names[RZ_N_PHASES];

/* Lies in memory that other processes may read. */
typedef struct {
    _Atomic uint64_t beats, polls;
    _Atomic int64_t step;  /* in hand; 0 before the first */
    _Atomic int phase;     /* rz_phase */
    _Atomic bool waiting;  /* for other ranks */
    _Atomic bool left;     /* the job, in good order */
    _Atomic int64_t pid;
} rz_pulse;

/* A phase begins; strikes the faults that are due there (base/fault.h). */
void rz_pulse_enter(rz_phase phase, int64_t step);
/* The same, if the process is in `from`: a part of it begins. */
void rz_pulse_within(rz_phase from, rz_phase part);
/* Those of other threads than the one that enters phases count while that one waits for them: else they are beside what they should not hide. */
void rz_pulse_beat(void);
/* Around such a wait: it begins, it is over. */
void rz_pulse_await(bool another);
/* Around and in a wait for other ranks; the end of one is a beat. */
void rz_pulse_wait(void);
void rz_pulse_poll(void);
void rz_pulse_go_on(void);

/* This process is about to end, and has said why. */
void rz_pulse_leave(void);
/* From now on the pulse is kept at `to` (NULL: in the process itself), as it is. */
void rz_pulse_move(rz_pulse *to);
const rz_pulse *rz_pulse_mine(void);
#endif
