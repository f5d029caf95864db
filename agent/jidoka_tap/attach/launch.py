"""Starting an application attached, in the place of this process: its signals and its exit code are its own."""

import os
import re
import shlex
import signal
from typing import List, Mapping, NoReturn, Optional, Sequence

from jidoka_tap.attach.settings import Settings, environment

#: an interpreter by its file's name: python, python3, python3.11, python3.13t, pypy3
PYTHON = re.compile(r"(python|pypy)\d*(\.\d+)*[a-z]?")
#: options of an interpreter that keep the hook out -> what they do
CLOSED = {
    "I": "runs Python isolated from the environment",
    "E": "has Python ignore PYTHONPATH",
    "S": "has Python start without `site`, which runs the hook",
}
WITH_VALUE = "cmWX"  # the rest of the word, or the next one, is theirs; behind -c and -m the options end
SHEBANG_BYTES = 256


def start(command: Sequence[str], settings: Settings, base: Mapping[str, str]) -> NoReturn:
    """Run the command attached instead of this program.

    Raises ValueError for one that the hook can't get into, or an environment that is attached already; OSError for one
    that can't be started.
    """
    why_not = closed_to_hook(command, base.get("PATH", os.defpath))
    if why_not:
        raise ValueError(why_not)
    environ = environment(base, settings)
    for number in (
        signal.SIGPIPE,
        signal.SIGXFSZ,
    ):  # Python ignores them, and the ignoring would be inherited
        signal.signal(number, signal.SIG_DFL)
    os.execvpe(command[0], list(command), environ)  # noqa: S606 - it takes this process's place


def closed_to_hook(command: Sequence[str], path: str) -> str:
    """Why the hook can't get into this command, "" if it can as far as can be seen from here.

    path: where programs are looked for. A program that starts Python itself isn't looked into.
    """
    words = list(command)
    if os.path.basename(words[0]) == "env" and any(word.startswith("PYTHONPATH=") for word in words):
        return "`env PYTHONPATH=…` takes the hook's place: set PYTHONPATH before `jidoka attach`, it is kept"
    if not PYTHON.fullmatch(os.path.basename(words[0])):
        words = _interpreter_of(words[0], path) + words
    if not PYTHON.fullmatch(os.path.basename(words[0])):
        return ""
    option = _closing_option(words[1:])
    if not option:
        return ""
    return "-%s %s: what is started can't be attached" % (option, CLOSED[option])


def _closing_option(words: Sequence[str]) -> str:
    """The first of an interpreter's options that keeps the hook out, "" if there is none."""
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        if word.startswith("--"):
            if word == "--check-hash-based-pycs":
                del waiting[:1]
            continue
        if not word.startswith("-") or word == "-":
            break
        for n, letter in enumerate(word[1:], 2):
            if letter in CLOSED:
                return letter
            if letter in WITH_VALUE:
                if letter in "cm":
                    return ""
                if n == len(word):
                    del waiting[:1]
                break
    return ""


def _interpreter_of(program: str, path: str) -> List[str]:
    """The words of a script's first line that start its interpreter; none for what is no script."""
    file = _found(program, path)
    if file is None:
        return []
    try:
        with open(file, "rb") as script:
            line = script.read(SHEBANG_BYTES).partition(b"\n")[0]
        words = shlex.split(line[2:].decode()) if line.startswith(b"#!") else []
    except (OSError, ValueError):
        return []
    if words and os.path.basename(words[0]) == "env":
        while len(words) > 1 and (words[1].startswith("-") or "=" in words[1]):
            del words[1]
        del words[0]
    return words


def _found(program: str, path: str) -> Optional[str]:
    if os.sep in program:
        return program
    for folder in path.split(os.pathsep):
        if os.access(os.path.join(folder, program), os.X_OK):
            return os.path.join(folder, program)
    return None
