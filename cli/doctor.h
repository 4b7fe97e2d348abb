/* What of this machine a job will meet, looked at one after the other (cli/doctor.c): each finding is a line, with a remedy unless all is well. */
#ifndef RZ_CLI_DOCTOR_H
#define RZ_CLI_DOCTOR_H
#include <stdbool.h>
#include <stddef.h>

typedef enum { RZ_WELL, RZ_WARN, RZ_FAIL } rz_health;
typedef struct rz_doctor rz_doctor;

/* remedy: what to do; NULL when all is well. */
__attribute__((format(printf, 5, 6))) void rz_doctor_say(rz_doctor *d, rz_health health, const char *name, const char *remedy, const char *fmt, ...);

void rz_doctor_machine(rz_doctor *d); /* processor, cores, memory, clock, limits */
void rz_doctor_mpi(rz_doctor *d);     /* mpirun: there, willing, and where it puts ranks */
void rz_doctor_sandbox(rz_doctor *d); /* of programs that a model wrote */
void rz_doctor_folder(rz_doctor *d, const char *folder); /* the file system of run directories */

/* Cores that this process may use: affinity and control groups. */
int rz_doctor_cores(void);
#endif
