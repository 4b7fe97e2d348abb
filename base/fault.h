/* Faults made on purpose (docs/faults.md), to try what a job does about them: a rank that is killed, stopped, slow or hangs, numbers that are not finite, system
 * calls that fail. A fault is a text, KIND:KEY=VALUE,…; a process has one list of them, armed while a run directory is open. Faults other than nan strike once a
 * run directory: that they have is in DIR/faults, durably, before they do, so that a job started again comes through. nan is a matter of the step alone, as in a
 * program whose every bit is determined: a step made again after a kill has the fault again. */
#ifndef RZ_BASE_FAULT_H
#define RZ_BASE_FAULT_H
#include "base/options.h"
#include "base/pulse.h"

/* RZ_ECONFIG: the text is no fault, and err says what is wrong with it. */
bool rz_fault_check(const char *text, rz_err *err);

/* Arms those of the texts that are of this stage ("train", "pretrain") and, but for nan, of this rank, less those that DIR/faults holds. */
bool rz_fault_arm(const rz_text_list *texts, int rank, const char *stage, const char *dir, rz_err *err);
void rz_fault_disarm(void);

/* What is due at this point of the job: kill and stop do not return, slow returns late, hang never. Called by rz_pulse_enter. */
void rz_fault_strike(rz_phase phase, int64_t step);

/* Whether the number in hand is to become NaN, at the step of the last strike. All ranks are told the same. */
typedef enum { RZ_NAN_REWARD, RZ_NAN_LOSS, RZ_NAN_GRADIENT, RZ_NAN_WEIGHTS } rz_nan;
bool rz_fault_nan(rz_nan what);
/* How often the job has gone back and on with other problems: nan strikes in the first `windows` of them. */
void rz_fault_window(int64_t window);

/* Before a system call on the file at `path` (or its temporary): 0, or the errno that it is to fail with, which errno is set to. From any thread. */
typedef enum { RZ_IO_WRITE, RZ_IO_FSYNC, RZ_IO_RENAME } rz_io;
int rz_fault_io(rz_io what, const char *path);
#endif
