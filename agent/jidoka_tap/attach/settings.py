"""What `jidoka attach` tells the hook, as environment variables: which models, which socket, whether children too."""

import os
from typing import Dict, Iterable, Mapping, NamedTuple, Optional, Tuple

from jidoka_tap.attach.finder import CHILDREN, HOOK, MODEL, MODELS, is_hook

SOCKET = "JIDOKA_TAP_SOCKET"
SHA256_DIGITS = 64

#: by SHA-256 of a model's file: the ids that it has in the plan
Models = Dict[str, Tuple[str, ...]]


class Settings(NamedTuple):
    """model: id of the application's only model, "" = found by its file; models: those of the plan, None = the monitor
    is asked for each; socket: the monitor's, None = the tap's own default; has_children: child processes too."""

    model: str = ""
    models: Optional[Models] = None
    socket: Optional[str] = None
    has_children: bool = True


def by_digest(models: Iterable[Tuple[str, str]]) -> Models:
    """From (id, SHA-256 of the file) of each model."""
    found: Models = {}
    for name, sha256 in models:
        found[sha256.lower()] = (*found.get(sha256.lower(), ()), name)
    return found


def read(variables: Mapping[str, str]) -> Settings:
    """The settings in an environment. Raises ValueError for what can't be one, naming the variable."""
    models: Optional[Models] = None
    if variables.get(MODELS):
        pairs = [each.partition("=") for each in variables[MODELS].split()]
        for sha256, _, name in pairs:
            if len(sha256) != SHA256_DIGITS or not name:
                raise ValueError("%s is SHA256=ID and so on, not %r" % (MODELS, variables[MODELS][:80]))
        models = by_digest((name, sha256) for sha256, _, name in pairs)
    return Settings(
        variables.get(MODEL, ""), models, variables.get(SOCKET), variables.get(CHILDREN, "yes") != "no"
    )


def environment(base: Mapping[str, str], settings: Settings) -> Dict[str, str]:
    """The environment `base` with the hook in it. Raises ValueError where it can't be, or is in there already."""
    if os.pathsep in HOOK:
        raise ValueError("%s has a %r in its path, so it can't be on PYTHONPATH" % (HOOK, os.pathsep))
    if is_attached(base):
        raise ValueError("this environment is attached already: its programs would be watched twice")
    made = dict(base)
    made["PYTHONPATH"] = os.pathsep.join([HOOK, *filter(None, [base.get("PYTHONPATH")])])
    if settings.model:
        made[MODEL] = settings.model
    if settings.models is not None:
        pairs = [(sha256, name) for sha256, names in settings.models.items() for name in names]
        made[MODELS] = " ".join("%s=%s" % pair for pair in pairs)
    if settings.socket:
        made[SOCKET] = settings.socket
    if not settings.has_children:
        made[CHILDREN] = "no"
    return made


def is_attached(environ: Mapping[str, str]) -> bool:
    """True if a Python that is started in this environment attaches."""
    return any(is_hook(each) for each in environ.get("PYTHONPATH", "").split(os.pathsep))
