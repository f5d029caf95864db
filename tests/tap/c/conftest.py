"""The library, built once, and a monitor's end of the wire."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tap.c import library
from tests.tap.listener import Listener


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both libraries and the examples."""
    if not shutil.which("gcc") or not shutil.which("make"):
        pytest.skip("the C library is built with gcc and make, and they aren't here")
    folder = tmp_path_factory.mktemp("c-library")
    library.make(folder, "all", "examples")
    return folder


@pytest.fixture
def open_tap(built: Path, path: Path) -> Iterator[Callable[..., library.Tap]]:
    """A starter of taps at `path`, all closed in the end."""
    loaded = library.load(built / "libjidoka_tap.so")
    taps: list[library.Tap] = []

    def start(**how: Any) -> library.Tap:
        taps.append(library.Tap(loaded, how.pop("path", path), **how))
        assert taps[-1].status == library.OK
        return taps[-1]

    yield start
    for tap in taps:
        tap.close()


@pytest.fixture
def meet(open_tap: Callable[..., library.Tap], listen: Callable[..., Listener]) -> Callable[..., Any]:
    """A starter of a listener and a tap that are connected; listener: its arguments, the rest is the tap's."""

    def start(listener: dict[str, Any] | None = None, **how: Any) -> tuple[Listener, library.Tap]:
        heard = listen(**(listener or {}))
        tap = open_tap(**how)
        heard.wait_for_connection(tap)
        return heard, tap

    return start
