"""deploy/container/Containerfile without an engine: one stage of it as a script for sh, or what is said of its result.

    containerfile.py FILE stage NAME      "" is the last one, which has none
    containerfile.py FILE about           JSON: USER, ENTRYPOINT, CMD, HEALTHCHECK, EXPOSE, VOLUME

In the root where the script runs the build's context is /context, and what stage S has left is /stages/S. A word that
this does not know is an error: it would be passed over otherwise.
"""

import json
import pathlib
import shlex
import sys

ABOUT = ("USER", "ENTRYPOINT", "CMD", "HEALTHCHECK", "EXPOSE", "VOLUME")


def instructions(text):
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        word, _, rest = line.partition(" ")
        yield word, rest.strip()


def stages(text):
    """[(name, [instruction])]"""
    found = []
    for word, rest in instructions(text):
        if word == "FROM":
            image, _, name = rest.partition(" AS ")
            if image != "debian:12-slim":
                raise SystemExit(f"FROM {image}: the root of the test is another")
            found.append((name, []))
        else:
            found[-1][1].append((word, rest))
    return found


def copy(rest):
    words = shlex.split(rest)
    source = "/context"
    if words[0].startswith("--from="):
        source = f"/stages/{words.pop(0).removeprefix('--from=')}"
    *sources, target = words
    # A pattern stays one for the shell.
    paths = " ".join(f"{source}/{path}" for path in sources)
    # As engines do it: of a directory its content.
    if sources == ["."]:
        return f"tar -C {source} --exclude=./build --exclude=./.git -c . | tar -x -C {target}"
    return f"cp -r {paths} {target}"


def script(steps):
    lines = ["set -eu"]
    for word, rest in steps:
        if word == "RUN":
            lines.append(f"( {rest} )")
        elif word == "WORKDIR":
            lines.append(f"mkdir -p {rest} && cd {rest}")
        elif word == "COPY":
            lines.append(copy(rest))
        elif word not in ABOUT:
            raise SystemExit(f"{word}: nothing here knows it")
    return "\n".join(lines)


def value(rest):
    before, bracket, array = rest.partition("[")
    return json.loads(bracket + array) if bracket else before.split()


def main(path, what, name=""):
    found = stages(pathlib.Path(path).read_text())
    if what == "stage":
        print(script(dict(found)[name]))
    else:
        print(json.dumps({word: value(rest) for word, rest in found[-1][1] if word in ABOUT}))


if __name__ == "__main__":
    main(*sys.argv[1:])
