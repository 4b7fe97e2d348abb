# C source without comments, strings and character constants: FILE:LINE:code, one line for each that is left. Include lines stay whole.
# For layers.sh and bans.sh, so that they judge what the compiler sees and not what a comment says.
FNR == 1 { in_comment = 0 }
{
    line = $0
    if (!in_comment && line ~ /^[ \t]*#[ \t]*include/) {
        sub(/[ \t]*\/[\/*].*$/, "", line)
        print FILENAME ":" FNR ":" line
        next
    }
    code = ""
    while (line != "") {
        if (in_comment) {
            end = index(line, "*/")
            if (!end) break
            line = substr(line, end + 2)
            in_comment = 0
            code = code " "
        } else if (match(line, /"([^"\\]|\\.)*"|'([^'\\]|\\.)*'|\/\/.*|\/\*/)) {
            found = substr(line, RSTART, RLENGTH)
            code = code substr(line, 1, RSTART - 1)
            line = substr(line, RSTART + RLENGTH)
            if (found == "/*") in_comment = 1
            else if (found !~ /^\/\//) code = code "\"\""
        } else {
            code = code line
            break
        }
    }
    if (code ~ /[^ \t]/) print FILENAME ":" FNR ":" code
}
