#include "base/pulse.h"

#include "base/fault.h"

#include <stddef.h>

const char *const rz_phase_names[RZ_N_PHASES] = {"setup", "sample", "score", "update", "eval", "save"};

static rz_pulse own;
static rz_pulse *_Atomic mine = &own;
static _Thread_local bool enters;
static _Atomic bool awaited; /* another thread, by the one that enters phases */

/* Beats come often and order nothing: no fence is needed. */
static void count(_Atomic uint64_t *n)
{
    atomic_fetch_add_explicit(n, 1, memory_order_relaxed);
}

void rz_pulse_enter(rz_phase phase, int64_t step)
{
    rz_pulse *p = mine;
    enters = true;
    p->phase = (int)phase;
    p->step = step;
    count(&p->beats);
    rz_fault_strike(phase, step);
}

void rz_pulse_within(rz_phase from, rz_phase part)
{
    rz_pulse *p = mine;
    if (p->phase == (int)from)
        rz_pulse_enter(part, p->step);
}

void rz_pulse_beat(void)
{
    if (enters || awaited)
        count(&mine->beats);
}

void rz_pulse_await(bool another)
{
    awaited = another;
    count(&mine->beats);
}

void rz_pulse_wait(void)
{
    atomic_store_explicit(&mine->waiting, true, memory_order_relaxed);
}

void rz_pulse_poll(void)
{
    count(&mine->polls);
}

void rz_pulse_go_on(void)
{
    rz_pulse *p = mine;
    atomic_store_explicit(&p->waiting, false, memory_order_relaxed);
    count(&p->beats);
}

void rz_pulse_leave(void)
{
    mine->left = true;
}

void rz_pulse_move(rz_pulse *to)
{
    const rz_pulse *from = mine;
    to = to ? to : &own;
    if (to == from)
        return;
    to->beats = from->beats;
    to->polls = from->polls;
    to->step = from->step;
    to->phase = from->phase;
    to->waiting = from->waiting;
    mine = to;
}

const rz_pulse *rz_pulse_mine(void)
{
    return mine;
}
