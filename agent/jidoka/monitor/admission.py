"""Who may write a model's records: what a HELLO says, held against the plan."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any, NamedTuple

from jidoka_bridge.plan import Model, Plan
from jidoka_tap import wire

from jidoka.monitor.features.port import is_monitored

_TWO_WRITERS = (
    "Another process writes {name}, and one model has one writer. Let one process own the session, end the other one if "
    "it is left over, or give each worker a model of its own: an entry in `models:` of the configuration with the same "
    "bundle, and its id in watch()."
)


class Admission(NamedTuple):
    """The model that a HELLO means, "" where the plan has none; reason, remedy: of the refusal, "" = admitted."""

    model: str
    reason: str = ""
    remedy: str = ""


def read_hello(body: memoryview) -> dict[str, Any]:
    """HELLO's object; its names are lists of strings. Raises WireError, RecursionError."""
    hello = wire.decode_json(body)
    names = [hello.get("inputs"), hello.get("outputs")]
    if not all(isinstance(each, list) and all(isinstance(name, str) for name in each) for each in names):
        raise wire.WireError("hello without lists of names")
    return hello


def admit(plan: Plan, hello: Mapping[str, Any], user_id: int | None, written: Container[str]) -> Admission:
    """Whether this connection may write. user_id: its peer's; written: models that others write now."""
    name, remedy = _model_of(plan, hello)
    if not name:
        return Admission("", "unknown model", remedy)
    model = next(model for model in plan.models if model.id == name)
    if model.user_id is not None and user_id != model.user_id:
        remedy = (
            f"The plan lets user {model.user_id} write {name}, this is user {user_id}. Run the application as that user, "
            f"or change the model's `writer:` in the configuration."
        )
        return Admission(name, "wrong user", remedy)
    remedy = _missing_outputs(model, plan.sections["models"][name], hello["outputs"])
    if remedy:
        return Admission(name, "another model", remedy)
    if name in written:
        return Admission(name, "two writers", _TWO_WRITERS.format(name=name))
    return Admission(name)


def wanted_of(section: Mapping[str, Any]) -> dict[str, list[str]]:
    """Names of the outputs and inputs that the monitor looks at. section: of Plan.sections["models"]."""
    return {
        "outputs": [each["name"] for each in section["outputs"] if is_monitored(each)],
        "inputs": [each["name"] for each in section["inputs"] if each.get("monitored")],
    }


def named(names: Sequence[str]) -> str:
    """The names in quotes; of many the first ones."""
    shown = ", ".join(repr(name[:60]) for name in names[:8])
    return (shown or "none") + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def _model_of(plan: Plan, hello: Mapping[str, Any]) -> tuple[str, str]:
    """(id of the model that a HELLO names, by itself or by its file's digest; or "", what to do)."""
    wanted, digest = hello.get("model"), hello.get("sha256")
    names = [model.id for model in plan.models]
    if isinstance(wanted, str) and wanted in names:
        return wanted, ""
    known = f"The plan has {', '.join(names)}"
    if wanted or not isinstance(digest, str) or not digest:
        said = f"the tap said {str(wanted)[:80]!r}" if wanted else "the tap named none"
        return "", f"{known}; {said}. Give watch() one of these ids, or add the model to `models:`."
    found = [name for name in names if plan.sections["models"][name].get("sha256") == digest]
    if len(found) == 1:
        return found[0], ""
    remedy = (
        f"{known}; none has the file with SHA-256 {digest[:16]}…, which was loaded. Load the approved file, say which "
        "model it is with watch(session, model=…), or add it to `models:`."
    )
    if found:
        remedy = f"The file is that of {' and '.join(found)}: say which one with watch(session, model=…)."
    return "", remedy


def _missing_outputs(model: Model, section: Mapping[str, Any], outputs: Sequence[str]) -> str:
    """What to do about outputs that the manifest monitors and the application's model doesn't have; "": none."""
    wanted = wanted_of(section)["outputs"]
    missing = [name for name in wanted if name not in outputs]
    if not missing:
        return ""
    return (
        f"The application's model has the outputs {named(outputs)}; the manifest of {model.id} monitors "
        f"{named(wanted)}, so {named(missing)} would never come. Watch the model that the manifest describes, or "
        "mend the names in the manifest."
    )
