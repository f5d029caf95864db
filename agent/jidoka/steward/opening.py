"""How the steward begins: its socket, this boot's id, the courier of the plan, and the first entries of a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from jidoka_bridge.plan import Plan

from jidoka import __version__
from jidoka.broker.endpoint import broker_of
from jidoka.steward.commands.inbox import Inbox
from jidoka.steward.core import Core
from jidoka.steward.effects import Effect, Record
from jidoka.steward.ledger.format import Kind
from jidoka.steward.ledger.writer import Ledger
from jidoka.steward.mqtt.bulletin import News
from jidoka.steward.mqtt.courier import Courier
from jidoka.steward.mqtt.envelope import Place
from jidoka.steward.mqtt.rotation import RETURN_AFTER_S
from jidoka.steward.outbox.outbox import AIMS

if TYPE_CHECKING:
    from jidoka.steward.commands.desk import Desk


def boot_id() -> bytes:
    """The kernel's id of this boot, 16 bytes. Linux: /proc/sys/kernel/random/boot_id."""
    return bytes.fromhex(Path("/proc/sys/kernel/random/boot_id").read_text().strip().replace("-", ""))


def make_courier(
    plan: Plan, boot: bytes, wake_loop: Callable[[], None], inbox: Inbox | None = None
) -> Courier | None:
    """The courier to the plan's broker; None where it has none. inbox: for commands. Raises ConfigurationError."""
    section = plan.sections.get("steward") or {}
    options = dict(section.get("broker") or {})
    if not options:
        return None
    acknowledge = str(options.pop("acknowledge", AIMS))
    return_after_s = float(options.pop("return_after_s", RETURN_AFTER_S))
    spares = options.pop("spares", [])
    brokers = [broker_of(each) for each in (options, *spares)]
    place = Place(plan.site, plan.line, plan.device)
    about = {"version": __version__, "boot": boot.hex(), "plan": plan.digest}
    return Courier(
        brokers, place, plan.ledger_file, boot=boot, about=about, wake_loop=wake_loop, acknowledge=acknowledge,
        inbox=inbox, return_after_s=return_after_s,
    )  # fmt: skip


def make_desk(plan: Plan) -> Desk | None:
    """Where commands are checked; None where no key is known."""
    section = (plan.sections.get("steward") or {}).get("commands")
    if not section:
        return None
    from jidoka.steward.commands.desk import Desk, keys_of  # noqa: PLC0415 - cryptography is large, and few need it
    from jidoka.steward.commands.numbers import Numbers  # noqa: PLC0415

    device = Place(plan.site, plan.line, plan.device).tree
    return Desk(device, keys_of(section), Numbers(Path(plan.state_dir) / "commands.json"))


def first_entries(core: Core, ledger: Ledger) -> list[Effect]:
    """That we are here, what was cut, which plan is in force."""
    digest = core.plan.digest
    effects: list[Effect] = [
        Record(Kind.BOOT, {**boot_event(digest, "start"), "previous": core.last_boot_event}),
    ]
    if ledger.torn is not None:
        text = f"A torn tail of {ledger.torn_bytes} bytes was cut at byte {ledger.torn.offset}."
        effects.append(loss("torn tail", text, ledger.torn_bytes, "bytes"))
    if core.last_plan != digest:
        text = f"The plan {digest[:16]} is in force."
        effects.append(
            Record(Kind.CONFIG, {"kind": "config", "text": text, "plan": digest, "was": core.last_plan})
        )
    return effects


def boot_event(digest: str, event: str) -> dict[str, str]:
    """Body of a boot entry. event: start or stop; digest: of the plan."""
    return {"event": event, "program": "steward", "version": __version__, "plan": digest}


def loss(what: str, text: str, count: int = 0, unit: str = "") -> Record:
    """That something was lost."""
    return Record(Kind.LOSS, {"what": what, "text": text, "count": count, "unit": unit})


def entry_of_news(news: News, now_ns: int) -> Record:
    """What the courier has to say of the broker, as an entry: an absence that ended, or a refusal."""
    if news.state == "up":
        value = {"what": "broker", "text": news.text, "from_ns": news.since_ns, "to_ns": now_ns}
        return Record(Kind.ABSENCE, value)
    return Record(Kind.REFUSAL, {"what": "broker", "refused": news.text, "remedy": news.remedy})
