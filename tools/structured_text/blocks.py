"""A function block that can be called: translated to Python, or to C and compiled."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jidoka_bridge.errors import ConfigurationError

from tools.structured_text import to_c, to_python
from tools.structured_text.check import Program, check
from tools.structured_text.mutate import Mutant
from tools.structured_text.parser import parse
from tools.structured_text.tree import Place, SubsetError

Value = int | bool | Sequence[int]


def load(*texts: str) -> Program:
    """The checked program of several texts, functions before what calls them. Raises SubsetError."""
    return check([unit for text in texts for unit in parse(text)])


class PythonBlock:
    """The block as Python. `inputs` and outputs by their names in the Structured Text."""

    def __init__(self, program: Program) -> None:
        space: dict[str, Any] = {}
        exec(compile(to_python.source(program), "structured text", "exec"), space)
        self._block = space["Block"]()
        self._outputs = [each.name for each in program.block.variables.values() if each.section == "OUTPUT"]
        self._lengths = {
            each.name: each.length for each in program.block.variables.values() if each.section == "INPUT"
        }

    def __call__(self, **inputs: Value) -> dict[str, Any]:
        """One call of the block; inputs that aren't given stay as they were. Returns its outputs."""
        for name, value in inputs.items():
            length = self._lengths[name]
            setattr(self._block, name, value if length is None else list(value))  # type: ignore[arg-type]
        self._block.scan()
        return {name: getattr(self._block, name) for name in self._outputs}

    def __getitem__(self, name: str) -> Any:
        return getattr(self._block, name)


class Compiled:
    """The block as C, compiled once; `new` makes instances, `hits` counts over all of them. further: C text beside it; mutants: `switch` says which is on."""

    def __init__(self, program: Program, optimise: str = "-O1", further: str = "",
                 mutants: Sequence[Mutant] = ()) -> None:  # fmt: skip
        self.program = program
        self.translated = to_c.translate(program, mutants)
        compiler = shutil.which("gcc") or shutil.which("cc")
        if compiler is None:
            raise ConfigurationError("no C compiler", "Install gcc.")
        with tempfile.TemporaryDirectory() as folder:
            source, library = Path(folder, "block.c"), Path(folder, "block.so")
            source.write_text(self.translated.text + further)
            command = [
                compiler,
                "-std=c11",
                optimise,
                "-w",
                "-shared",
                "-fPIC",
                "-o",
                str(library),
                str(source),
            ]
            subprocess.run(command, check=True, timeout=120)
            self._library = ctypes.CDLL(str(library))
        self.scan = self._library.scan
        self.scan.argtypes = [ctypes.c_void_p]
        self.scan.restype = ctypes.c_uint32
        self.reset = self._library.reset
        self.reset.argtypes = [ctypes.c_void_p]
        self.reset.restype = None
        self._arms = (ctypes.c_uint64 * len(self.translated.arms)).in_dll(self._library, "arms")

    def switch(self, mutant: int) -> None:
        """Make it the mutant of that number, 1 being the first; 0: itself."""
        ctypes.c_uint32.in_dll(self._library, "mutant").value = mutant

    def new(self) -> CBlock:
        return CBlock(self)

    def call(self, name: str, *values: int | bytes | ctypes.Array[ctypes.c_uint32]) -> int:
        """A function of the text, inputs by position, or one of `further`."""
        function = self._library[name]
        function.restype = ctypes.c_uint32
        return int(
            function(*(ctypes.c_uint32(value) if isinstance(value, int) else value for value in values))
        )

    def hits(self) -> list[tuple[to_c.Arm, int]]:
        """Each way through each IF, CASE and FOR, and how often it ran."""
        return list(zip(self.translated.arms, self._arms, strict=True))


class CBlock:
    """One instance, called like a PythonBlock; `words` is its whole memory, which may be copied and put back."""

    def __init__(self, compiled: Compiled) -> None:
        self._compiled = compiled
        self._variables = compiled.program.block.variables
        self._places = compiled.translated.places
        self.words = (ctypes.c_uint32 * compiled.translated.words)()
        self._address = ctypes.addressof(self.words)
        self._outputs = [each for each in self._variables.values() if each.section == "OUTPUT"]
        compiled.reset(self._address)

    def __call__(self, **inputs: Value) -> dict[str, Any]:
        """As PythonBlock; a value that leaves its range raises SubsetError."""
        self.give(inputs)
        self.run()
        return {each.name: self[each.name] for each in self._outputs}

    def give(self, inputs: Mapping[str, Value]) -> None:
        """Put inputs into the memory."""
        for name, value in inputs.items():
            place, length = self._places[name], self._variables[name].length
            if length is None:
                self.words[place] = int(value)  # type: ignore[arg-type]
            else:
                self.words[place : place + length] = list(value)  # type: ignore[arg-type]

    def run(self) -> None:
        """One call on what stands in the memory."""
        line = self._compiled.scan(self._address)
        if line:
            raise SubsetError(Place(line, 1), "a value leaves the range of its type, or an array is left")

    def __getitem__(self, name: str) -> Any:
        place, variable = self._places[name], self._variables[name]
        if variable.length is not None:
            return self.words[place : place + variable.length]
        return bool(self.words[place]) if variable.type == "BOOL" else self.words[place]
