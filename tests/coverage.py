#!/usr/bin/env python3
"""Which share of the lines of each folder ran, from what a build with MTASTS_COVERAGE counted.

    tests/coverage.py [--files | --floor unit|suite | --raise unit|suite] BUILD_DIRECTORY

A line counts once, also where a header's is compiled into many files. --files lists each file, the least covered
first. What a process that was killed had counted is lost, so the truth is a little better.

--floor fails where a folder is below its floor in tests/coverage_floors.txt, or has none: `unit` after ctest alone,
`suite` after all. --raise lifts the floors to what was counted, and lowers none. "policies/" is all that is below it.
Exit: 0 printed, 1 nothing was counted, or a folder is below its floor, 2 usage.
"""

import argparse
import collections
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
AT_ONCE = 40  # files for one call of gcov
FLOORS = ROOT / "tests" / "coverage_floors.txt"
KINDS = ("unit", "suite")
NOISE = 1  # percent: what a run may have by chance


def reports(build):
    """gcov's reports, one for each object file of ours, also of those that never ran."""
    notes = [str(path.resolve()) for folder in ("CMakeFiles", "cli/CMakeFiles")
             for path in sorted((build / folder).glob("mtasts*/**/*.gcno"))]
    for begin in range(0, len(notes), AT_ONCE):
        said = subprocess.run(["gcov", "--json-format", "--stdout", *notes[begin:begin + AT_ONCE]],
                              cwd=build, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
        for line in said.stdout.splitlines():
            yield json.loads(line)


def ours(report, name):
    """The file's path under the source tree, without the links of the build's floors; None: not ours."""
    path = (pathlib.Path(report["current_working_directory"]) / name).resolve()
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else None


def count(build):
    lines = collections.defaultdict(dict)
    for report in reports(build):
        for file in report["files"]:
            path = ours(report, file["file"])
            if path is None or path.parts[0] in ("build", "tests"):
                continue
            for line in file["lines"]:
                number = line["line_number"]
                lines[path][number] = lines[path].get(number, False) or line["count"] != 0
    return {path: (sum(ran.values()), len(ran)) for path, ran in lines.items()}


def by_folder(files):
    """(name, lines that ran, lines) of each folder, and of each that has folders in it."""
    folders = collections.defaultdict(lambda: (0, 0))
    for path, (ran, lines) in files.items():
        for name in (str(path.parent), f"{path.parts[0]}/", "all"):
            folders[name] = (folders[name][0] + ran, folders[name][1] + lines)
    alone = {f"{name}/" for name in folders if not any(other.startswith(f"{name}/") and other != f"{name}/"
                                                       for other in folders)}
    return [(name, *folders[name]) for name in sorted(folders) if name not in alone]


def table(rows):
    width = max(len(name) for name, _, _ in rows)
    for name, ran, lines in rows:
        print(f"{name:{width}} {100 * ran / lines:6.1f} % of {lines}")


def read_floors():
    """Of each folder its floors, in the order of KINDS; None: not known yet."""
    rows = (line.split() for line in FLOORS.read_text().splitlines() if line and not line.startswith("#"))
    return {name: [None if floor == "-" else int(floor) for floor in floors] for name, *floors in rows}


def below(rows, kind):
    """What is wrong, a line each."""
    floors = read_floors()
    for name, ran, lines in rows:
        floor = floors.get(name, [None, None])[KINDS.index(kind)]
        if floor is None:
            yield f"{name} has no floor ({kind}): tests/coverage.py --raise {kind}"
        elif 100 * ran < floor * lines:
            yield f"{name} is below its floor ({kind}) of {floor} %"


def lift(rows, kind):
    old = read_floors()
    head = [line for line in FLOORS.read_text().splitlines() if line.startswith("#")]
    for name, ran, lines in rows:
        floors = old.setdefault(name, [None, None])
        at = KINDS.index(kind)
        floors[at] = max(floors[at] or 0, int(100 * ran / lines - NOISE))
    width = max(len(name) for name in old)
    shown = {name: ["-" if floor is None else floor for floor in floors] for name, floors in old.items()}
    FLOORS.write_text("\n".join(head + [f"{name:{width}} {unit:>3} {suite:>3}"
                                        for name, (unit, suite) in sorted(shown.items())]) + "\n")


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    ways = arguments.add_mutually_exclusive_group()
    ways.add_argument("--files", action="store_true")
    ways.add_argument("--floor", choices=KINDS)
    ways.add_argument("--raise", dest="lift", choices=KINDS)
    arguments.add_argument("build", type=pathlib.Path)
    chosen = arguments.parse_args()
    files = count(chosen.build)
    if not files:
        print(f"coverage.py: nothing was counted in {chosen.build}", file=sys.stderr)
        return 1
    folders = by_folder(files)
    if chosen.files:
        table(sorted(((str(path), *of) for path, of in files.items()), key=lambda row: row[1] / row[2]))
    else:
        table(folders)
    if chosen.lift:
        lift(folders, chosen.lift)
    wrong = list(below(folders, chosen.floor)) if chosen.floor else []
    for line in wrong:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
