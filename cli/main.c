#include "cli/cli.h"

#include "base/pulse.h"
#include "base/text.h"
#include "base/threads.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const rz_command commands[] = {
    {"train", "CONFIG [key=value ...] [--fresh] [--dry-run]", "train a policy by GRPO with rule rewards",
     "Writes into the run directory (out=DIR, default runs/<config name>). If that holds a checkpoint the run resumes by itself;\n"
     "a finished run prints its result. SIGTERM, SIGINT or SIGUSR1, a file OUT/stop (made by touch) or time_limit save a checkpoint and end the job\n"
     "with status 85 (to mpirun itself send SIGUSR1 only: docs/cluster.md).\n\n"
     "  --fresh     refuse a run directory that is not empty (nothing is ever deleted)\n"
     "  --dry-run   check everything and print the plan (parameters, memory, tokens, time), write nothing\n"
     "  --KEY VALUE, --set key=value   the same as key=value\n",
     "mpirun -n 2 build/rulezero train configs/quick.yaml seed=2 out=runs/second", true, rz_cmd_train, .scores = true},
    {"pretrain", "CONFIG [key=value ...] [--fresh] [--dry-run]", "make a base by next-token training on text or on a task's corpus",
     "Uses the pretrain.*, arch.*, task.*, corpus.* and tokenizer keys; writes OUT/model.h5, which `model=` of a training job takes.\n",
     "mpirun -n 2 build/rulezero pretrain configs/quick-base.yaml out=runs/quick-base", true, rz_cmd_pretrain},
    {"launch", "[--max-restarts N] -- COMMAND ...", "run a job, hand it requests to stop as requests to save, start it again when that can help",
     "SIGTERM, SIGINT, SIGHUP and SIGUSR1 ask the job to save a checkpoint and end with 85, under mpirun too; a second SIGINT or SIGTERM ends it at once. A job that\n"
     "was killed, crashed, hung, or lost a machine is started again and goes on from its last checkpoint; which statuses that are, and why: docs/cluster.md.\n"
     "N restarts in a row may bring no new checkpoint (counted when COMMAND itself says train or pretrain and the config). COMMAND reads nothing from the\n"
     "standard input. All that it has started on this machine is gone when launch ends.\n",
     "build/rulezero launch -- mpirun -n 2 build/rulezero train configs/quick.yaml", false, rz_cmd_launch, rz_launch_flags, &rz_launch_n_flags},
    {"score", "--rules R [--explain] FILE.jsonl", "score completions by a rule file: one JSON object a line in, one out",
     "In: {\"completion\", \"answer\"?, \"meta\"?, \"prompt\"?, \"n_tokens\"? (or \"completion_ids\"?), \"truncated\"?, \"group\"?}. Out: {\"score\", \"correct\",\n"
     "\"format_ok\", \"parts\", \"skipped\", \"errors\"}; --explain adds for each rule the span that decided, what was found, what was expected, and the\n"
     "reason. Lines in a row with the same group are completions of one prompt: rules that compare lengths within it see them together.\n",
     "build/rulezero score --rules configs/rules/countdown.yaml --explain cases.jsonl", false, rz_cmd_score, rz_score_flags, &rz_score_n_flags, .scores = true},
    {"rules", "list|show|test|diff|bench|lint|attack|parity ...", "look at rules, test them, find what is wrong with them", "", "build/rulezero rules list", false, .parts = rz_rules_commands},
    {"data", "tasks [TASK ...] | make TASK [key=value ...] --count N [--seed S] -o FILE | show FILE [--limit N] [--model M] | convert IN OUT",
     "make, look at and convert data sets",
     "Files are JSON Lines (.jsonl, also .jsonl.gz and .jsonl.zst) or HDF5 (.h5); docs/files.md tells their fields. Nothing is ever overwritten.\n\n"
     "  tasks     what tasks there are: a problem of each, its answer, keys and levels (docs/tasks.md)\n"
     "  make      problems of a task. Keys are those of task.* that are the task's, with or without\n"
     "            task. before (train --help explains them); split=train|validation|test; distinct=true: no problem twice.\n"
     "            --corpus writes what a base reads instead: documents {\"text\": ...} (countdown has some); it takes the corpus.* keys too.\n"
     "            -o - writes to stdout\n"
     "  show      what a file holds: how many, lengths, answers, meta, duplicates, the first N problems; with --model M (a model or a\n"
     "            tokenizer.json) tokens, and words that the vocabulary lacks\n"
     "  convert   from any of the forms to any other, nothing lost but fields that HDF5 does not know. A file of GSM8K's ({\"question\", \"answer\": \"... #### 42\"})\n"
     "            becomes one of problems: the question and the number. train and eval read such a file as it is, too\n",
     "build/rulezero data make countdown numbers=3,4 split=test --count 500 --seed 1 -o test.jsonl.gz", false, rz_cmd_data},
    {"eval", "--model M --data D --rules R [flags] [key=value ...]", "measure a model on problems: accuracy, pass@K, maj@K, ... with 95 % intervals",
     "D is a file of problems or a task (data tasks shows them). Of a task the keys of its problems may be given: numbers=4 targets=uniform max_input=20 ...\n"
     "(task.* of train --help); give those the model was trained with, or problems it has seen may be among them. The intervals resample\n"
     "sets of problems with the same numbers (docs/metrics.md, eval.jsonl). --stop TEXT, as often as you like, is rollout.stop of train --help. The same on any number of ranks and threads.\n",
     "mpirun -n 2 build/rulezero eval --model runs/quick/model.h5 --data countdown --rules configs/rules/countdown.yaml --samples 8 "
     "numbers=2 max_input=30 max_value=60", true,
     rz_cmd_eval, rz_eval_flags, &rz_eval_n_flags, .scores = true},
    {"generate", "--model M [--prompt TEXT | --prompts FILE] [flags]", "sample completions of a prompt, of a file's prompts, or of what comes in",
     "Without --prompt and --prompts the prompt is read from the standard input. On a terminal a completion is shown as it comes (several as\n"
     "they are done), the thinking dimmed, then the account: tokens, time, core-seconds (seconds times threads), with --price-per-core-hour the\n"
     "cost. --json writes a line a completion, as `score` reads them. --stop TEXT, as often as you like: a completion ends with the token after\n"
     "which it holds the text; a whole word or special token of the vocabulary ends it as <eos> does, and is left out.\n",
     "build/rulezero generate --model runs/quick/model.h5 --prompt 'numbers 14 3 target 42 ?'", false, rz_cmd_generate, rz_generate_flags, &rz_generate_n_flags},
    {"tokenize", "--model M [--decode] [--special]", "from texts to ids and back, as the model's own tokenizer does it",
     "Reads the standard input, a JSON object a line, and writes one a line in the same order: {\"text\": ...} becomes {\"ids\": [...]}. Special tokens\n"
     "written in a text are recognised, and nothing is added but with --special. With --decode {\"ids\": [...]} becomes {\"text\": ...}, special tokens\n"
     "kept. Weights are not read. Which tokenizers are supported: docs/tokenizers.md.\n",
     "echo '{\"text\": \"3.9 or 3.11?\"}' | build/rulezero tokenize --model model.gguf", false, rz_cmd_tokenize, rz_tokenize_flags, &rz_tokenize_n_flags},
    {"convert", "M OUT [--dtype f32|f16|bf16|q8_0]", "a model in the form of others: Hugging Face folder, GGUF, or our own",
     "What is made goes by the name: OUT.h5 ours, OUT.gguf GGUF, anything else a Hugging Face folder. Nothing is ever overwritten. What each form\n"
     "holds: docs/models.md.\n",
     "build/rulezero convert runs/smollm2-decimals/model.h5 reasoner --dtype bf16", false, rz_cmd_convert, rz_convert_flags, &rz_convert_n_flags},
    {"bench", "decode|train|grpo|rules [flags]", "speed on a named piece of work, and where its time goes",
     "Rounds of the work and of a loop of multiply-adds on registers alone take turns; under mpirun on all ranks at the same time.\n",
     "build/rulezero bench train --model runs/countdown/model.h5 --batch 64 --seq 120 --json", true, rz_cmd_bench, rz_bench_flags, &rz_bench_n_flags, .scores = true},
    {"logprobs", "--model M [--threads T] [--dtype D] [FILE.jsonl]", "log-probabilities a model gives to ids: one JSON object a line in, one out",
     "In, from the standard input or a file: {\"ids\": [...]}. Out: {\"logprobs\": [... of every id but the first, natural logarithms], \"last_top_ids\": [10],\n"
     "\"last_top_logprobs\": [10]}: the likeliest ids after the last, ties to the lower. To compare a model with itself elsewhere: docs/interop.md.\n",
     "echo '{\"ids\": [1, 5, 9]}' | build/rulezero logprobs --model runs/quick/model.h5", false, rz_cmd_logprobs, rz_logprobs_flags, &rz_logprobs_n_flags},
    {"gradnorms", "--model M [--threads T] [--dtype D] [FILE.jsonl]", "norms of the gradient of the mean next-token loss, tensor by tensor",
     "In as for logprobs. Out: {\"loss\": x, \"grad_norms\": {NAME: x, ...}} by the names of Hugging Face's files; a tied head is part of\n"
     "model.embed_tokens.weight.\n",
     "echo '{\"ids\": [1, 5, 9]}' | build/rulezero gradnorms --model runs/quick/model.h5", false, rz_cmd_gradnorms, rz_logprobs_flags, &rz_logprobs_n_flags},
    {"report", "RUN [-o FILE.html]", "write a run directory as one HTML page: result, diagnosis, curves, samples, config",
     "The page needs nothing beside it and runs no script. Without -o it is RUN/report.html, which a finished run has already. A run that is still\n"
     "going on or was killed has a report too. What it holds, and the table behind the diagnosis: docs/report.md.\n",
     "build/rulezero report runs/quick -o quick.html", false, rz_cmd_report},
    {"inspect", "FILE|RUN [--json]", "tell what a checkpoint, model, rollout file or run directory holds", "",
     "build/rulezero inspect runs/quick/checkpoints/step-000120.h5", false, rz_cmd_inspect},
    {"ckpt", "verify|list ...", "what of a run is whole, which checkpoints it has", "", "build/rulezero ckpt list runs/quick", false, .parts = rz_ckpt_commands},
    {"doctor", "[DIR] [--json]", "whether this machine is fit for jobs, and what to do where it is not",
     "Looks at program and libraries, processor and kernels, cores, memory, clock, limits, mpirun (starts two ranks), the sandbox of code rewards, and the file\n"
     "system of DIR (default: here; makes a folder there and removes it). Each line is ok, warn or fail, with what to do. Exits 78 when a check fails.\n",
     "build/rulezero doctor runs", false, rz_cmd_doctor, rz_doctor_flags, &rz_doctor_n_flags},
    {"diff", "A B", "compare two files or two run directories, bit for bit",
     "Exits 0 only when everything that must be identical is; what may differ (times, host, paths, ranks, threads) is listed in docs/files.md.\n",
     "build/rulezero diff runs/one-rank runs/four-ranks", false, rz_cmd_diff},
};
enum { N_COMMANDS = sizeof commands / sizeof commands[0] };

volatile sig_atomic_t rz_stop_asked;

static void ask_to_stop(int signal)
{
    (void)signal;
    rz_stop_asked = 1;
}

static rz_comm *the_comm; /* for the handler of a machine out of memory, which has no other way to the other ranks */

static rz_helper *the_helper;

rz_helper *rz_cli_helper(void) { return the_helper; }

static void out_of_memory(size_t bytes)
{
    struct rlimit addresses;
    bool limited = getrlimit(RLIMIT_AS, &addresses) == 0 && addresses.rlim_cur != RLIM_INFINITY;
    fprintf(stderr, "rulezero: out of memory (%zu more bytes wanted): %suse fewer ranks a machine, fewer rollout.slots or a smaller model\n", bytes,
            limited ? "addresses are limited here, so lift that first (ulimit -v unlimited), or " : "");
    rz_pulse_leave(); /* the other ranks need not say that this one has died */
    if (the_comm)
        rz_comm_abort(the_comm, RZ_EINTERNAL);
    _exit(RZ_EINTERNAL);
}

/* Under a launcher only the first rank speaks before MPI is up. The others end with 0: a status of theirs would have mpirun kill it in mid-sentence. */
static bool speaks(void)
{
    const char *rank = getenv("OMPI_COMM_WORLD_RANK");
    if (!rank)
        rank = getenv("PMIX_RANK");
    return !rank || !strcmp(rank, "0");
}

/* A descriptor that the caller closed would go to the next file opened, and what is meant for the terminal into it. Opened the wrong way round, so that
 * writing to it fails as it would have. */
static void keep_standard_descriptors(void)
{
    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            _exit(RZ_EIO);
}

/* Whether all that was printed has arrived: a result that is cut short is no result. */
static bool flush_output(rz_err *err)
{
    errno = 0;
    return (fflush(stdout) == 0 && !ferror(stdout)) || rz_fail(err, RZ_EIO, "cannot write to stdout: %s", strerror(errno ? errno : EIO));
}

static void print_error(const rz_err *err)
{
    fputs("rulezero: ", stderr);
    rz_print_safe(stderr, err->text, strlen(err->text));
    fputc('\n', stderr);
}

static void print_help(FILE *to)
{
    fprintf(to, "rulezero: turns a base language model into a reasoning model by reinforcement learning with rules alone\n\n"
                "usage: rulezero COMMAND ...          rulezero COMMAND --help tells more\n\n");
    for (int i = 0; i < N_COMMANDS; i++)
        fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].summary);
    fprintf(to, "\nTo start: ./run configs/quick.yaml (installs what is missing, builds, trains on all cores).\n"
                "Exit status: 0 done, 64 usage, 65 bad data, 70 internal error, 73 in use or cannot create, 74 input/output,\n"
                "75 try again, 78 bad config, 85 stopped with a checkpoint saved, 86 a rank hung, 87 diverged.\n"
                "RULEZERO_CPU=portable|avx2|avx512|avx512_bf16|amx forces a kernel path; the results are the same bits.\n");
}

static void print_command_help(const rz_command *c)
{
    printf("rulezero %s: %s\n\nusage: rulezero %s %s\n\n%s%sexample: %s\n", c->name, c->summary, c->name, c->arguments, c->help,
           c->help[0] ? "\n" : "", c->example);
    for (const rz_command *part = c->parts; part && part->name; part++)
        printf("%s  rulezero %-14s %s\n", part == c->parts ? "\n" : "", part->name, part->summary);
    if (c->flags) {
        char *flags = rz_options_help(c->flags, *c->n_flags);
        printf("\nFlags (--flag value, or flag=value):\n%s", flags);
        free(flags);
    } else if (c->mpi) {
        char *keys = rz_options_help(rz_config_rows, rz_config_n_rows);
        printf("\nConfig keys (YAML file, or key=value):\n%s", keys);
        free(keys);
    }
}

static const rz_command *find_command(const char *name)
{
    for (int i = 0; i < N_COMMANDS; i++)
        if (!strcmp(commands[i].name, name))
            return &commands[i];
    return NULL;
}

static int unknown_command(const char *name)
{
    const char *names[N_COMMANDS];
    for (int i = 0; i < N_COMMANDS; i++)
        names[i] = commands[i].name;
    const char *nearest = rz_nearest(name, names, N_COMMANDS);
    fprintf(stderr, "rulezero: there is no command '%s'; %s%s%s\n", name, nearest ? "did you mean '" : "rulezero --help lists what there is",
            nearest ? nearest : "", nearest ? "'?" : "");
    return RZ_EUSAGE;
}

/* What a part is called behind its command: "lint" of "rules lint". */
static const char *part_name(const rz_command *part) { return strchr(part->name, ' ') + 1; }

static const rz_command *find_part(const rz_command *c, const char *word)
{
    for (const rz_command *part = c->parts; word && part->name; part++)
        if (!strcmp(part_name(part), word))
            return part;
    return NULL;
}

static int unknown_part(const rz_command *c, const char *word)
{
    const char *names[32], *nearest;
    int n = 0;
    for (const rz_command *part = c->parts; part->name; part++)
        names[n++] = part_name(part);
    nearest = word ? rz_nearest(word, names, n) : NULL;
    if (nearest)
        fprintf(stderr, "rulezero: there is no command '%s %s'; did you mean '%s %s'?\n", c->name, word, c->name, nearest);
    else
        fprintf(stderr, "rulezero: %s needs one of its commands; %s --help lists them\n", c->name, c->name);
    return RZ_EUSAGE;
}

/* Model files are mapped; pages that are not there any more come as a signal. Only what a handler may do. */
static void file_is_cut(int signal)
{
    static const char text[] = "rulezero: a file became shorter, or its disk failed, while it was read (a model file?); put it back and start again\n";
    (void)signal;
    rz_pulse_leave();
    if (write(STDERR_FILENO, text, sizeof text - 1) < 0)
        _exit(RZ_EIO);
    _exit(RZ_EIO);
}

static int run_command(const rz_command *c, int argc, char **argv)
{
    rz_err err = {0};
    rz_comm *comm = NULL;
    struct sigaction stop = {.sa_handler = ask_to_stop}, cut = {.sa_handler = file_is_cut};
    if (c->scores && !rz_helper_start(&the_helper, environ, &err)) { /* first of all: it shall inherit nothing */
        print_error(&err);
        return (int)err.code;
    }
    if (c->mpi) { /* before MPI starts: an untrapped SIGUSR1 from mpirun would kill the job */
        sigaction(SIGTERM, &stop, NULL);
        sigaction(SIGINT, &stop, NULL);
        sigaction(SIGUSR1, &stop, NULL);
        signal(SIGPIPE, SIG_IGN);
    }
    sigaction(SIGBUS, &cut, NULL); /* behind the fork: workers have other habits */
    if (c->mpi && !rz_comm_create(&comm, &err)) {
        print_error(&err);
        return (int)err.code;
    }
    the_comm = comm;
    rz_fp_setup();
    int status = c->run(comm, argc, argv, &err);
    if (!err.code && !flush_output(&err))
        status = (int)err.code;
    if (err.code && (!comm || rz_comm_rank(comm) == 0))
        print_error(&err);
    rz_helper_stop(the_helper);
    rz_comm_destroy(comm); /* a barrier: the first rank to leave with a status other than 0 has mpirun kill the others */
    return status;
}

static bool is_help(const char *word) { return !strcmp(word, "--help") || !strcmp(word, "-h"); }

int main(int argc, char **argv)
{
    keep_standard_descriptors();
    rz_set_oom_handler(out_of_memory);
    if (argc < 2) {
        if (!speaks())
            return 0;
        print_help(stderr);
        return RZ_EUSAGE;
    }
    if (is_help(argv[1]) || !strcmp(argv[1], "help")) {
        if (speaks())
            print_help(stdout);
        return 0;
    }
    if (!strcmp(argv[1], "--version")) {
        if (speaks())
            printf("rulezero %s\n", RULEZERO_VERSION);
        return 0;
    }
    const rz_command *c = find_command(argv[1]);
    if (!c)
        return speaks() ? unknown_command(argv[1]) : 0;
    const rz_command *part = c->parts ? find_part(c, argv[2]) : NULL;
    int first = part ? 3 : 2; /* of the command's own arguments */
    if (part)
        c = part;
    for (int i = first; i < argc && strcmp(argv[i], "--"); i++)
        if (is_help(argv[i])) {
            if (speaks())
                print_command_help(c);
            return 0;
        }
    if (c->parts)
        return speaks() ? unknown_part(c, argv[2]) : 0;
    if (!c->mpi && !speaks()) /* one rank's work, done by the first */
        return 0;
    return run_command(c, argc - first, argv + first);
}
