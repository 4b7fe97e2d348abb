/* What is said when a rank of a job has died or hangs, and with which status the job ends (base/watchdog.h). */
#ifndef RZ_CLI_ALARM_H
#define RZ_CLI_ALARM_H
#include "base/comm.h"
#include "trainer/config.h"

typedef struct rz_alarm rz_alarm;
/* Collective. The config is borrowed. */
bool rz_alarm_start(rz_alarm **out, rz_comm *comm, const rz_config *c, rz_err *err);
void rz_alarm_stop(rz_alarm *a); /* not collective; accepts NULL */
#endif
