#!/usr/bin/env bash
# What the compiler does not see of the program's shape (DESIGN.md, "Folders are floors").
#
#     tests/structure.sh BUILD_DIRECTORY        such as build/asan, built
#
# - h2o's and nghttp2's headers are included in server/engine/ and by its tests alone;
# - no header of ours has a name that could be taken for one of theirs;
# - h2o's own HTTP is called nowhere: neither in the sources nor by the program as it is linked;
# - what a comment or a page names as a file of ours is there;
# - no two of our libraries define the same global symbol: the linker takes the first that it meets,
#   without a word.
#
# Prints what is wrong, a line each. Exit: 0 nothing, 1 something, 2 usage.
set -u
if [ $# -ne 1 ] || [ ! -d "$1" ]; then
    echo "usage: tests/structure.sh BUILD_DIRECTORY" >&2
    exit 2
fi
build=$(cd "$1" && pwd) || exit 2
cd "$(dirname "$0")/.." || exit 1

readonly ROOM='^(server/engine|tests/unit/server/engine)/|^tests/fuzz/fuzz_http2_session\.c'
readonly H2O_HTTP='h2o_(accept|config|context|handler|http1|http2|req)[a-z0-9_]*'
found=0

# complain TEXT: each line of standard input is one fault.
complain() {
    local line
    while read -r line; do
        printf '%s: %s\n' "$1" "$line"
        found=1
    done
}

# Not by git: a release's archive has no repository.
sources() {
    find . -path ./build -prune -o \( -name '*.c' -o -name '*.h' \) -print | sed 's|^\./||' | sort
}

complain "included outside server/engine/" < <(
    sources | grep -vE "$ROOM" |
        xargs grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"](h2o|nghttp2)'
)
complain "named as a header of h2o or nghttp2" < <(
    sources | grep -E '(^|/)(h2o|nghttp2)[^/]*\.h$'
    find . -path ./build -prune -o -type d \( -name 'h2o*' -o -name 'nghttp2*' \) -print
)
complain "calls h2o's HTTP" < <(
    sources | xargs grep -nE "\\b${H2O_HTTP}[[:space:]]*\\("
)

# Where a file has moved, whoever reads of it would look in vain.
complain "names a file that is not there" < <(
    { sources && printf '%s\n' CONTRIBUTING.md DESIGN.md README.md; } |
        xargs grep -HnoP '(?<![\w/.-])(acme|checks|cli|config|lib|policies|publish|server)/[a-z0-9_/]+\.[ch]\b' |
        while IFS=: read -r file line name; do
            [ -e "$name" ] || echo "$file:$line: $name"
        done
)

program=$build/cli/mtasts-host
if [ -x "$program" ]; then
    complain "linked to h2o's HTTP" < <(
        nm -D -u "$program" | sed 's/@.*//; s/.* //' | grep -xE "$H2O_HTTP"
    )
else
    complain "not built" <<<"$program"
fi

# symbols LIBRARY: its global definitions, without those of a sanitizer; weak ones may be many.
symbols() {
    nm -g --defined-only "$1" 2>/dev/null | awk 'NF == 3 && $2 ~ /[A-UX-Z]/ { print $3 }' |
        grep -v '^__' | sort -u
}

libraries=$(find "$build" -maxdepth 1 -name 'libmtasts_*.a' | sort)
if [ -z "$libraries" ]; then
    complain "not built" <<<"$build/libmtasts_*.a"
fi
complain "defined by more than one library" < <(
    for library in $libraries; do
        symbols "$library" | sed "s|\$| $(basename "$library")|"
    done | sort | awk '
        $1 == name { all = all " " $2; many = 1; next }
        { if (many) print name ":" all; name = $1; all = " " $2; many = 0 }
        END { if (many) print name ":" all }'
)
exit "$found"
