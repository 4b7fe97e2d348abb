#include "base/file.h"
#include "cli/cli.h"
#include "cli/doctor.h"
#include "policy/peak.h"
#include "trainer/plan.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- processor ---- */

/* What compute: bf16 would be worth, where it is worth something: of its products alone, on registers. */
static void well(rz_doctor *d, const char *model, const char *kernels)
{
    double floats = rz_peak_gflops(kernels, 20), halves = rz_peak_half_gflops(kernels, 20);
    if (halves > 1.5 * floats && floats > 0)
        rz_doctor_say(d, RZ_WELL, "processor", NULL, "%s; kernels %s, which multiply bfloat16s at %.0f times the rate of floats: compute=bf16 pays here", model, kernels, halves / floats);
    else
        rz_doctor_say(d, RZ_WELL, "processor", NULL, "%s; kernels %s", model, kernels);
}

static void look_at_processor(rz_doctor *d)
{
    char line[512], model[256] = "a processor without a name";
    const rz_kernels *k;
    rz_err err = {0};
    FILE *f = fopen("/proc/cpuinfo", "re");
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, "model name", 10) && strchr(line, ':')) {
            snprintf(model, sizeof model, "%.200s", strchr(line, ':') + 2);
            model[strcspn(model, "\n")] = '\0';
            break;
        }
    if (f)
        fclose(f);
    const char *forced = getenv("RULEZERO_CPU");
    if (!rz_cli_kernels(&k, &err))
        rz_doctor_say(d, RZ_FAIL, "processor", "unset RULEZERO_CPU, or rebuild: ninja -C build", "%s; %s", model, err.text);
    else if (forced && forced[0])
        rz_doctor_say(d, RZ_WARN, "processor", "unset RULEZERO_CPU for the fastest path (the bits are the same)", "%s; RULEZERO_CPU forces the kernels %s", model, k->name);
    else if (!strcmp(k->name, "portable") || !strcmp(k->name, "reference"))
        rz_doctor_say(d, RZ_WARN, "processor", "the bits are the same; a processor with AVX2 or AVX-512 is several times faster", "%s; kernels %s", model, k->name);
    else
        well(d, model, k->name);
}

/* ---- cores ---- */

static int affinity(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) ? (int)sysconf(_SC_NPROCESSORS_ONLN) : CPU_COUNT(&set);
}

static double quota_in(const char *most, const char *period)
{
    char text[128];
    double x, y;
    rz_file_line(most, text, sizeof text);
    if (!period)
        return sscanf(text, "%lf %lf", &x, &y) == 2 && y > 0 ? x / y : 0;
    if (sscanf(text, "%lf", &x) != 1 || x <= 0)
        return 0;
    rz_file_line(period, text, sizeof text);
    return sscanf(text, "%lf", &y) == 1 && y > 0 ? x / y : 0;
}

/* Cores that control groups (version 2, then 1) grant, the least of this group's and those above it; 0: no limit. */
static double quota(void)
{
    char folder[1024] = "", path[1200], line[1024];
    double least = quota_in("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "/sys/fs/cgroup/cpu/cpu.cfs_period_us");
    FILE *f = fopen("/proc/self/cgroup", "re");
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, "0::", 3)) {
            snprintf(folder, sizeof folder, "%.1000s", line + 3);
            folder[strcspn(folder, "\n")] = '\0';
        }
    if (f)
        fclose(f);
    for (char *end = folder + strlen(folder); end; end = strrchr(folder, '/')) {
        *end = '\0';
        snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", folder);
        double q = quota_in(path, NULL);
        least = q > 0 && (least <= 0 || q < least) ? q : least;
    }
    return least;
}

int rz_doctor_cores(void)
{
    int n = affinity();
    double q = quota();
    if (q > 0 && q < n)
        n = q < 1 ? 1 : (int)q;
    return n;
}

static void look_at_cores(rz_doctor *d)
{
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    int may = affinity(), n = rz_doctor_cores();
    double q = quota();
    if (q > 0 && q < may)
        rz_doctor_say(d, RZ_WARN, "cores", "as many ranks times threads as this quota, as ./run does, not as nproc says: more only wait for each other",
                      "%d of use: a control group grants %.1f, though %d of %ld may be run on", n, q, may, online);
    else
        rz_doctor_say(d, RZ_WELL, "cores", NULL, "%d of %ld may be used%s", n, online, n < online ? " (affinity)" : "");
}

/* ---- memory and the rest ---- */

static void look_at_memory(rz_doctor *d)
{
    const double gib = 1 << 30, least = 1;
    double available = rz_plan_available("") / gib, all = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE) / gib;
    if (available >= 0 && available < least)
        rz_doctor_say(d, RZ_WARN, "memory", "end what else runs, or take a larger machine; train --dry-run tells what a job needs", "%.1f of %.1f GiB are free", available, all);
    else
        rz_doctor_say(d, RZ_WELL, "memory", NULL, "%.1f of %.1f GiB are free (train --dry-run tells what a job needs)", available, all);
}

static void look_at_clock(rz_doctor *d)
{
    static const char *const slow[] = {"hpet", "acpi_pm", "jiffies", "refined-jiffies"};
    char source[64], pages[64];
    bool is_slow = false;
    rz_file_line("/sys/devices/system/clocksource/clocksource0/current_clocksource", source, sizeof source);
    for (size_t i = 0; i < sizeof slow / sizeof slow[0]; i++)
        is_slow |= !strcmp(source, slow[i]);
    rz_doctor_say(d, is_slow ? RZ_WARN : RZ_WELL, "clock", is_slow ? "reading it is a slow system call; clocksource=tsc on the kernel's command line, if the machine has a steady one" : NULL,
                  "%s", source[0] ? source : "not told");
    rz_file_line("/sys/kernel/mm/transparent_hugepage/enabled", pages, sizeof pages);
    rz_doctor_say(d, RZ_WELL, "huge pages", NULL, "%s", pages[0] ? pages : "not told");
}

/* Limits of a process that a job may meet long after its start. */
static void look_at_limits(rz_doctor *d)
{
    static const struct { int which; const char *name, *remedy; rlim_t least; } limits[] = {
        {RLIMIT_NOFILE, "open files", "ulimit -n 1024", 256},
        {RLIMIT_FSIZE, "size of a file", "ulimit -f unlimited: a checkpoint that grows beyond it ends the job", RLIM_INFINITY},
        {RLIMIT_CPU, "processor time", "ulimit -t unlimited: the job is killed when it is used up", RLIM_INFINITY},
        {RLIMIT_AS, "address space", "ulimit -v unlimited: large models are mapped, and arenas reserve more than they use", RLIM_INFINITY},
        {RLIMIT_NPROC, "processes", "ulimit -u 1024: ranks, their threads and the helpers of rules count", 64},
    };
    bool well = true;
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        struct rlimit l;
        if (getrlimit((__rlimit_resource_t)limits[i].which, &l) || l.rlim_cur == RLIM_INFINITY || l.rlim_cur >= limits[i].least)
            continue;
        rz_doctor_say(d, RZ_WARN, "limits", limits[i].remedy, "%s is limited to %llu", limits[i].name, (unsigned long long)l.rlim_cur);
        well = false;
    }
    if (well)
        rz_doctor_say(d, RZ_WELL, "limits", NULL, "none that a job would meet");
}

void rz_doctor_machine(rz_doctor *d)
{
    look_at_processor(d);
    look_at_cores(d);
    look_at_memory(d);
    look_at_clock(d);
    look_at_limits(d);
}
