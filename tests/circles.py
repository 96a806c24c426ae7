#!/usr/bin/env python3
"""Which files of the product cannot be read, tested or replaced without each other: circles of calls between
.c files, as their objects say, and of includes between headers.

    tests/circles.py BUILD_DIRECTORY        such as build/asan, built

A table of functions counts for the file that names them, a call through it for nobody. Prints each circle, and then
how many there are. Exit: 0 no more than the ceiling, 1 more, or fewer (the ceiling falls with them), 2 usage.
"""

import collections
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CEILING = 3  # Only falls.
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.M)
FOREIGN = re.compile(r"_*(asan|odr_asan|ubsan|tsan|gcov|llvm)_")  # what a build adds to each object


def objects(build):
    """Each object file of the product, by its source's path under the root."""
    for folder in ("CMakeFiles", "cli/CMakeFiles"):
        for target in sorted((build / folder).glob("mtasts*.dir")):
            for path in sorted(target.rglob("*.c.o")):
                source = pathlib.Path(folder).parent / str(path.relative_to(target))[:-len(".o")]
                if (ROOT / source).exists():
                    yield str(source), path


def calls(build):
    """Of each .c file those whose symbols it names."""
    found = dict(objects(build))
    by_path = {str(path): source for source, path in found.items()}
    said = subprocess.run(["nm", "-A", "-g", *by_path], stdout=subprocess.PIPE, check=True, text=True).stdout
    wants, gives = collections.defaultdict(set), {}
    for line in said.splitlines():
        path, rest = line.split(".c.o:", 1)
        kind, symbol = rest.split()[-2:]
        source = by_path[path + ".c.o"]
        if kind == "U":
            wants[source].add(symbol)
        elif not FOREIGN.match(symbol):
            gives[symbol] = source
    return {source: {gives[symbol] for symbol in wants[source] if symbol in gives} for source in found}


def includes():
    """Of each header those that it includes."""
    paths = (path.relative_to(ROOT) for path in ROOT.rglob("*.h"))
    headers = {str(path) for path in paths if path.parts[0] != "build"}
    return {name: set(INCLUDE.findall((ROOT / name).read_text())) & headers for name in headers}


def reached(graph, start):
    seen, todo = set(), [start]
    while todo:
        new = graph[todo.pop()] - seen
        seen |= new
        todo += new
    return seen


def circles(graph):
    """The sets of two or more that all lead to each other."""
    reach = {node: reached(graph, node) for node in graph}
    return sorted({frozenset(other for other in reach[node] if node in reach[other] and node in reach[node])
                   for node in graph if node in reach[node]}, key=sorted)


def edges(graph, circle):
    for node in sorted(circle):
        others = sorted((graph[node] & circle) - {node})
        if others:
            yield f"    {node} -> {', '.join(others)}"


def main():
    if len(sys.argv) != 2 or not pathlib.Path(sys.argv[1]).is_dir():
        print("usage: tests/circles.py BUILD_DIRECTORY", file=sys.stderr)
        return 2
    count = 0
    for graph in (calls(pathlib.Path(sys.argv[1]).resolve()), includes()):
        for circle in circles(graph):
            if len(circle) > 1:
                count += 1
                print("a circle:", *edges(graph, circle), sep="\n")
    print(f"{count} circles, ceiling {CEILING}" + (f": lower it to {count}" if count < CEILING else ""))
    return 0 if count == CEILING else 1


if __name__ == "__main__":
    sys.exit(main())
