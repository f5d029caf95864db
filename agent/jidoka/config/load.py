"""From a file to a checked configuration, or to the list of everything that is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from jidoka_bridge.errors import ConfigurationError
from pydantic import ValidationError

from jidoka.config import checks, faults, located
from jidoka.config.broker_checks import credentials_are_good
from jidoka.config.case import Case
from jidoka.config.conditions import When
from jidoka.config.faults import FaultyConfigurationError
from jidoka.config.located import START, Fault
from jidoka.config.manifest import Bundle
from jidoka.config.salvage import salvage
from jidoka.config.schema import Configuration


@dataclass(frozen=True)
class Checked:
    """A configuration without faults. base_dir: where its relative paths start; bundles: one a model, in order;
    whens: one a risk, in order; notes: what isn't wrong and should be known."""

    name: str
    base_dir: Path
    config: Configuration
    bundles: tuple[Bundle, ...]
    whens: tuple[When, ...]
    notes: tuple[Fault, ...] = ()


def load_file(path: str | Path, *, looks_at_credentials: bool = False) -> Checked:
    """The checked configuration in a file. Raises ConfigurationError when it can't be read or has faults.

    looks_at_credentials: whether a certificate that is missing or has ended is a fault of the file.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"{path}: can't be read: {error.strerror}",
            "Copy configs/visual-inspection.yaml and make it yours.",
        ) from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        raise ConfigurationError(
            f"{path}:{before.count(10) + 1}: isn't UTF-8 text (byte {error.start})", "Save it as UTF-8."
        ) from None
    return load_text(text, Path(path).absolute().parent, str(path), looks_at_credentials=looks_at_credentials)


def load_text(
    text: str, base_dir: Path, name: str = "configuration", *, looks_at_credentials: bool = False
) -> Checked:
    """The checked configuration in `text`. Raises FaultyConfigurationError with every fault at once."""
    document = located.parse(text, name)
    found = list(document.faults)
    if document.value is None and not found:
        found.append(
            Fault(START, (), "the file is empty", "Copy configs/visual-inspection.yaml and make it yours.")
        )
    config: Configuration | None = None
    if document.value is not None:
        try:
            config = Configuration.model_validate(document.value)
        except ValidationError as error:
            found += faults.from_pydantic(error, document, Configuration)
    case = Case(
        salvage(Configuration, document.value) if config is None else config, document, base_dir.absolute()
    )
    if document.value is not None:
        found += checks.run(case)
        found += credentials_are_good(case) if looks_at_credentials else ()
    if found or config is None:
        raise FaultyConfigurationError(name, found)
    return Checked(
        name=name,
        base_dir=case.base_dir,
        config=config,
        bundles=tuple(case.bundles[index] for index in range(len(config.models))),
        whens=tuple(case.whens[index] for index in range(len(config.risks))),
        notes=tuple(case.notes),
    )
