#!/usr/bin/env python3
"""Which share of the lines of each folder ran, from what a build with MTASTS_COVERAGE counted.

    tests/coverage.py [--files] BUILD_DIRECTORY

A line counts once, also where a header's is compiled into many files. --files lists each file, the least covered
first. What a process that was killed had counted is lost, so the truth is a little better.
Exit: 0 printed, 1 nothing was counted, 2 usage.
"""

import argparse
import collections
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
AT_ONCE = 40  # files for one call of gcov


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


def table(rows):
    width = max(len(name) for name, _, _ in rows)
    for name, ran, all_lines in rows:
        print(f"{name:{width}} {100 * ran / all_lines:6.1f} % of {all_lines}")


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    arguments.add_argument("--files", action="store_true")
    arguments.add_argument("build", type=pathlib.Path)
    chosen = arguments.parse_args()
    files = count(chosen.build)
    if not files:
        print(f"coverage.py: nothing was counted in {chosen.build}", file=sys.stderr)
        return 1
    if chosen.files:
        rows = sorted(((str(path), *of) for path, of in files.items()), key=lambda row: row[1] / row[2])
    else:
        folders = collections.defaultdict(lambda: (0, 0))
        for path, (ran, all_lines) in files.items():
            before = folders[str(path.parent)]
            folders[str(path.parent)] = (before[0] + ran, before[1] + all_lines)
        rows = [(name, *folders[name]) for name in sorted(folders)]
    table(rows + [("all", sum(row[1] for row in rows), sum(row[2] for row in rows))])
    return 0


if __name__ == "__main__":
    sys.exit(main())
