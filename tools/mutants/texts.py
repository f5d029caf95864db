"""Modules with another text than the one of their file, and what pytest is told when it tries one."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import CodeType, ModuleType

from tools.mutants.modules import OPTIONS

#: of hypothesis: what `ci` is (no chance, no deadline), and an example that fails is enough, however long it is
PROFILE = "mutants"


class _ChangedText(importlib.machinery.SourceFileLoader):
    """Gives a module another text than the one of its file."""

    def __init__(self, name: str, path: str, text: str) -> None:
        super().__init__(name, path)
        self._text = text

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._text, self.get_filename(fullname), "exec", dont_inherit=True)


class _Finder(importlib.abc.MetaPathFinder):
    """Finds these modules only."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self._folder = Path.cwd()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        del path, target
        if fullname not in self._texts:
            return None
        file = self._folder.joinpath(*fullname.split("."))
        is_package = file.is_dir()
        found = file / "__init__.py" if is_package else file.with_suffix(".py")
        loader = _ChangedText(fullname, str(found), self._texts[fullname])
        return importlib.util.spec_from_file_location(
            fullname,
            found,
            loader=loader,
            submodule_search_locations=[str(file)] if is_package else None,
        )


def serve(texts: Mapping[str, str]) -> None:
    """From now on, in this process: modules by name, with these texts."""
    sys.meta_path.insert(0, _Finder(texts))


def options() -> list[str]:
    """For pytest. Assertions don't explain themselves: nobody reads it, and it takes longer than the test."""
    from hypothesis import Phase, settings  # noqa: PLC0415

    phases = (Phase.explicit, Phase.generate)
    settings.register_profile(PROFILE, settings.get_profile("ci"), phases=phases, report_multiple_bugs=False)
    return [*OPTIONS, "--hypothesis-profile", PROFILE, "--assert=plain", "--tb=native", "-q"]
