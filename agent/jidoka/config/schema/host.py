"""`host:`: a bundle that is run here."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from jidoka.config.quantities import Rate
from jidoka.config.schema.base import FilePath, MayBe, Name, Settings, path_text


class HostSettings(Settings):
    """Run a bundle here, where no application of the plant's own runs it."""

    model: Name | None = Field(default=None, description="Which model; may be left out where there is one.")
    source: Annotated[str, AfterValidator(path_text), MayBe("source, see [sources.md](sources.md)")] = Field(
        description="`renderer` for the built-in pictures, `arm` for the arm in software, a folder of pictures, `watch:DIR`, a table of states such as "
        "`states.csv`, `/dev/videoN`, `rtsp://…`, or `@FILE` with one of these on its first line."
    )
    trigger: FilePath | None = Field(
        default=None, description="Where one line a part comes from: the PLC's panel."
    )
    camera: FilePath | None = Field(
        default=None, description="JSON file with the renderer's or the arm's knobs, read when it changes."
    )
    seed: int = Field(default=1, ge=0, le=2**32 - 1, description="Start of the renderer's random numbers.")
    rate: Annotated[float, Rate(0.01, 1000)] = Field(
        default=10.0, description="Inferences a second without a trigger."
    )
    move_to: FilePath | None = Field(
        default=None, description="Where the files of a watched folder go once they were run."
    )
