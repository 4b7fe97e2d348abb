#include "cli/cli.h"
#include "cli/doctor.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- a program that answers ---- */

static void become(char *const *argv, int out)
{
    int in = open("/dev/null", O_RDONLY);
    setpgid(0, 0);
    if (in >= 0 && dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 && dup2(out, STDERR_FILENO) >= 0)
        execvp(argv[0], argv);
    _exit(127);
}

/* What comes until the pipe is closed, `to` is full or the time is up. */
static void read_answer(int fd, char *to, size_t size, double until)
{
    size_t n = 0;
    for (double left; n + 1 < size && (left = until - rz_now_s()) > 0;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (poll(&p, 1, (int)(1000 * left) + 1) <= 0)
            break;
        ssize_t got = read(fd, to + n, size - 1 - n);
        if (got <= 0)
            break;
        n += (size_t)got;
    }
    to[n] = '\0';
}

/* Its exit status as a shell has it, −1 when it cannot be started or takes over 20 s; what it said on both its outputs. */
static int ask(char *const *argv, char *answer, size_t size)
{
    int fds[2], status = 0;
    double until = rz_now_s() + 20;
    answer[0] = '\0';
    if (pipe(fds))
        return -1;
    pid_t pid = fork();
    if (pid == 0)
        become(argv, fds[1]);
    close(fds[1]);
    if (pid > 0)
        read_answer(fds[0], answer, size, until);
    close(fds[0]);
    if (pid < 0)
        return -1;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (rz_now_s() > until) {
            kill(-pid, SIGKILL);
            waitpid(pid, &status, 0);
            return -1;
        }
        usleep(5000);
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* ---- mpirun ---- */

static bool is_there(rz_doctor *d)
{
    char answer[1024];
    char *const words[] = {"mpirun", "--version", NULL};
    int status = ask(words, answer, sizeof answer);
    answer[strcspn(answer, "\n")] = '\0';
    if (status) {
        rz_doctor_say(d, RZ_WARN, "mpirun", "install openmpi-bin for several ranks; one rank needs none of it: build/rulezero train CONFIG threads=N", "not found in PATH");
        return false;
    }
    const char *runs = strstr(answer, "Open MPI) "), *built = strstr(rz_comm_library(), "Open MPI v");
    bool same = runs && built && !strncmp(runs + 10, built + 10, 2);
    rz_doctor_say(d, same ? RZ_WELL : RZ_FAIL, "mpirun", same ? NULL : "put the bin folder of the MPI that the program is built with first in PATH, or build with that of mpirun", "%s%s%s", answer,
                  same ? "" : ", but the program is built with ", same ? "" : rz_comm_library());
    return same;
}

/* Two ranks that do nothing. The settings of ./run are tried where the present ones do not do. */
static bool starts_ranks(rz_doctor *d)
{
    static const struct { const char *said, *name, *value, *found, *remedy; } trouble[] = {
        {"--allow-run-as-root", "OMPI_ALLOW_RUN_AS_ROOT", "1", "mpirun refuses to run as root", "export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 (./run does)"},
        {"slots", "OMPI_MCA_rmaps_base_oversubscribe", "1", "mpirun counts fewer places than ranks asked for (it counts cores, or what a scheduler gave)",
         "export OMPI_MCA_rmaps_base_oversubscribe=1, or --oversubscribe (./run does)"},
    };
    char self[4096], answer[4096], *const words[] = {"mpirun", "-n", "2", self, "--version", NULL};
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    int status = -1;
    self[n > 0 ? n : 0] = '\0';
    for (size_t i = 0; i <= sizeof trouble / sizeof trouble[0]; i++) {
        double start = rz_now_s();
        status = ask(words, answer, sizeof answer);
        if (status == 0) {
            rz_doctor_say(d, RZ_WELL, "ranks", NULL, "two start and end in %.1f s", rz_now_s() - start);
            return true;
        }
        size_t k = 0;
        while (k < sizeof trouble / sizeof trouble[0] && (!strstr(answer, trouble[k].said) || getenv(trouble[k].name)))
            k++;
        if (k == sizeof trouble / sizeof trouble[0])
            break;
        rz_doctor_say(d, RZ_WARN, "ranks", trouble[k].remedy, "%s", trouble[k].found);
        setenv(trouble[k].name, trouble[k].value, 1);
        if (k == 0)
            setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1);
    }
    rz_doctor_say(d, RZ_FAIL, "ranks", "mpirun -n 2 hostname by hand shows more; without it: build/rulezero train CONFIG threads=N", "mpirun cannot start two ranks here (status %d): %.600s",
                  status, answer);
    return false;
}

/* "0-3,8" is 5. */
static int count_list(const char *text)
{
    int n = 0, a, b, used;
    while (sscanf(text, "%d%n", &a, &used) == 1) {
        text += used;
        b = a;
        if (*text == '-' && sscanf(text + 1, "%d%n", &b, &used) == 1)
            text += 1 + used;
        n += b - a + 1;
        text += *text == ',';
    }
    return n;
}

static void look_at_binding(rz_doctor *d)
{
    static const char key[] = "Cpus_allowed_list:";
    char answer[4096], *const words[] = {"mpirun", "-n", "2", "grep", (char *)(size_t)key, "/proc/self/status", NULL};
    int least = 0, mine = rz_doctor_cores();
    if (ask(words, answer, sizeof answer))
        return;
    for (const char *at = answer; (at = strstr(at, key)); at += sizeof key - 1) {
        int n = count_list(at + sizeof key - 1 + strspn(at + sizeof key - 1, " \t"));
        least = n > 0 && (!least || n < least) ? n : least;
    }
    if (!least)
        return;
    if (least < mine)
        rz_doctor_say(d, RZ_WARN, "binding", "mpirun --bind-to none, or export OMPI_MCA_hwloc_base_binding_policy=none (./run does): threads share that part, and so do other jobs of mpirun's",
                      "mpirun binds each rank to %d of your %d cores", least, mine);
    else
        rz_doctor_say(d, RZ_WELL, "binding", NULL, "ranks are free to use all cores");
}

void rz_doctor_mpi(rz_doctor *d)
{
    if (is_there(d) && starts_ranks(d))
        look_at_binding(d);
}
