"""The table of sources: how each is written, what it needs, and how it is opened."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from jidoka_bridge.errors import InputError

from jidoka.host.camera import CameraFile
from jidoka.host.sources.folder import Folder
from jidoka.host.sources.rendered import RenderedParts
from jidoka.host.sources.sample import Source
from jidoka.host.sources.spelling import CAMERAS, FROM_FILE, RENDERER, STREAMS, WATCH, is_states
from jidoka.host.sources.states import States
from jidoka.host.sources.video import Live, camera, stream
from jidoka.host.sources.watched import WatchedFolder

__all__ = ["KINDS", "RENDERER", "Wanted", "kind_of", "open_source", "resolved"]


@dataclass(frozen=True)
class Wanted:
    """What was asked for beside the source itself. channels: of the model's inputs that take states."""

    seed: int = 1
    camera: Path | None = None
    is_looped: bool = False
    move_to: Path | None = None
    channels: Sequence[str] = ()


class SourceKind(NamedTuple):
    """One row. gives: picture, state or tensors; ends: whether it comes to an end by itself."""

    name: str
    written: str
    gives: str
    ends: bool
    needs: str
    is_meant: Callable[[str], bool]
    open: Callable[[str, Wanted], Source]


#: the first row that is meant by a text is taken
KINDS: tuple[SourceKind, ...] = (
    SourceKind("renderer", "renderer", "picture", False, "nothing",
               lambda text: text == RENDERER, lambda _, wanted: RenderedParts(wanted.seed, CameraFile(wanted.camera))),
    SourceKind("watched folder", "watch:DIR", "picture or tensors", False, "a folder that another program fills",
               lambda text: text.startswith(WATCH), lambda text, wanted: WatchedFolder(Path(text[len(WATCH):]), wanted.move_to)),
    SourceKind("network camera", "rtsp://HOST:PORT/PATH", "picture", False, "the extra jidoka-edge[video]",
               lambda text: text.startswith(STREAMS), lambda text, _: Live(stream(text))),
    SourceKind("camera", "/dev/videoN, /dev/v4l/by-id/…", "picture", False, "the extra jidoka-edge[video]",
               lambda text: text.startswith(CAMERAS), lambda text, _: Live(camera(text))),
    SourceKind("states", "FILE.csv, .tsv, .dat, .txt", "state", True, "a table with a row a sample",
               is_states, lambda text, wanted: States(Path(text), wanted.channels, wanted.is_looped)),
    SourceKind("folder", "DIR", "picture or tensors", True, "image files, or .npz files with an array for each input",
               lambda _: True, lambda text, wanted: Folder(Path(text), wanted.is_looped)),
)  # fmt: skip


def kind_of(text: str) -> SourceKind:
    """The row that is meant."""
    return next(kind for kind in KINDS if kind.is_meant(text))


def resolved(text: str) -> str:
    """`@FILE` is the first line of a file, so that a password in it stands in no process list and no plan.

    Raises InputError where it can't be read.
    """
    if not text.startswith(FROM_FILE):
        return text
    try:
        lines = Path(text[1:]).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "isn't text"
        raise InputError(
            f"{text[1:]}: can't be read: {why}.", "Write the source on its first line."
        ) from None
    if not lines or not lines[0].strip():
        raise InputError(f"{text[1:]}: has nothing on its first line.", "Write the source there.")
    return lines[0].strip()


def open_source(text: str, wanted: Wanted) -> Source:
    """The source that a text means. Raises InputError, ConfigurationError: it can't be used, with the remedy."""
    text = resolved(text)
    kind = kind_of(text)
    if wanted.move_to is not None and kind.name != "watched folder":
        raise InputError(f"{kind.written}: files are moved from a watched folder only.", "Write watch:DIR.")
    return kind.open(text, wanted)
