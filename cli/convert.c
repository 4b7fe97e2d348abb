#include "cli/cli.h"

#include "base/encoding.h"
#include "base/file.h"
#include "cli/flags.h"
#include "trainer/model.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct {
    int dtype;
} options;

static const rz_encoding encodings[] = {RZ_ENC_F32, RZ_ENC_F16, RZ_ENC_BF16, RZ_ENC_Q8_0};

const rz_option rz_convert_flags[] = {
    {"dtype", RZ_OPT_ENUM, offsetof(options, dtype), "f32", 0, 0, "f32|f16|bf16|q8_0", RZ_OPT_FIXED,
     "type of the weights; f32 keeps every bit. A Hugging Face folder has no q8_0, a *.h5 has f32 only"},
};
const int rz_convert_n_flags = sizeof rz_convert_flags / sizeof rz_convert_flags[0];

/* By the name of what is to be made. */
static const struct { const char *ending, *what; } forms[RZ_N_MODEL_FORMS] = {
    [RZ_MODEL_H5] = {".h5", "a *.h5 file"}, [RZ_MODEL_GGUF] = {".gguf", "a GGUF file"}, [RZ_MODEL_HF] = {NULL, "a Hugging Face folder"}};

static rz_model_form form_of(const char *path)
{
    size_t n = strlen(path);
    for (int i = 0; i < RZ_N_MODEL_FORMS; i++) {
        size_t m = forms[i].ending ? strlen(forms[i].ending) : n + 1;
        if (m < n && !strcmp(path + n - m, forms[i].ending))
            return (rz_model_form)i;
    }
    return RZ_MODEL_HF;
}

/* Words are M and OUT; what is left are flags. */
static bool parse(options *o, const char *words[2], int argc, char **argv, rz_err *err)
{
    char **flags = rz_calloc((size_t)argc + 1, sizeof *flags);
    int n_words = 0, n = 0;
    bool ok = true;
    for (int i = 0; ok && i < argc; i++) {
        bool dashed = !strncmp(argv[i], "--", 2), keyed = !strncmp(argv[i], "dtype=", 6);
        if (dashed || keyed) {
            flags[n++] = argv[i];
            if (dashed && !strchr(argv[i], '=') && i + 1 < argc)
                flags[n++] = argv[++i];
        } else if (n_words == 2) {
            ok = rz_fail(err, RZ_EUSAGE, "'%.100s' is one word too many: convert takes a model and what to make of it", argv[i]);
        } else {
            words[n_words++] = argv[i];
        }
    }
    ok = ok && rz_flags_parse(rz_convert_flags, rz_convert_n_flags, o, NULL, NULL, NULL, n, flags, err);
    free(flags);
    return ok && (n_words == 2 || rz_fail(err, RZ_EUSAGE, "convert needs a model and what to make of it: a name in .h5 or .gguf, or a folder"));
}

/* Nothing is ever overwritten; an empty folder is nothing. */
static bool check_free(const char *path, rz_model_form form, rz_err *err)
{
    struct stat st;
    char **names;
    int n;
    if (stat(path, &st))
        return true;
    if (form == RZ_MODEL_HF && S_ISDIR(st.st_mode)) {
        if (!rz_dir_list(path, &names, &n, err))
            return false;
        for (int i = 0; i < n; i++)
            free(names[i]);
        free(names);
        if (!n)
            return true;
    }
    return rz_fail(err, RZ_ECREATE, "%s is there already, and nothing is overwritten; remove it or give another name", path);
}

static bool convert(const char *from, const char *to, rz_model_form form, rz_encoding e, rz_err *err)
{
    const rz_kernels *kernels;
    rz_policy *p = NULL;
    rz_tokenizer *t = NULL;
    bool ok = rz_cli_kernels(&kernels, err) && rz_model_read(from, kernels, NULL, &p, &t, err) && rz_model_export(to, form, e, p, t, err);
    if (ok)
        fprintf(stderr, "%s: %s of %lld parameters in %s\n", to, rz_arch_family(&p->arch)->name, (long long)p->layout.n_params, rz_encoding_name(e));
    rz_policy_destroy(p);
    rz_tokenizer_destroy(t);
    return ok;
}

int rz_cmd_convert(rz_comm *comm, int argc, char **argv, rz_err *err)
{
    (void)comm;
    options o = {0};
    const char *words[2] = {NULL, NULL};
    bool ok = parse(&o, words, argc, argv, err);
    rz_model_form form = ok ? form_of(words[1]) : RZ_MODEL_H5;
    rz_encoding e = encodings[o.dtype];
    if (ok && !rz_model_has_encoding(form, e))
        ok = rz_fail(err, RZ_EUSAGE, "--dtype %s: %s cannot hold that", rz_encoding_name(e), forms[form].what);
    if (ok && check_free(words[1], form, err))
        convert(words[0], words[1], form, e, err);
    rz_options_finish(rz_convert_flags, rz_convert_n_flags, &o);
    return (int)err->code;
}
