"""A whole configuration: every rule, every fault at once, and no text that ends in a traceback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jidoka.config import checks
from jidoka.config.case import Case
from jidoka.config.faults import FaultyConfigurationError
from jidoka.config.load import load_file, load_text
from jidoka.config.located import Fault
from jidoka_bridge.errors import ConfigurationError

from .line import ROOT, VALID, changed, faults_of, places_of

FAULTY = """\
site: hall 2
line: turning-1
devise: station-7
models:
  - id: eye
    bundle: surface-inspecton
    mode: enforce
    longest_interval: 0 s
plc:
  port: /dev/ttyUSB0
  unit: 0
risks:
  - id: R-01
    risk: model drift
    model: eyes
    when: drift(inptu) or no baseline
    response: holt
    owner: qualitiy
    controls: [A.6.2.6, B.1]
"""


def test_eleven_planted_faults_are_named_at_once_with_their_lines_and_columns() -> None:
    with pytest.raises(FaultyConfigurationError) as caught:
        load_text(FAULTY, ROOT, "line7.yaml")
    assert [(line.split(": ")[0]) for line in caught.value.what.splitlines()] == [
        "line7.yaml:1:1",  # device is missing, because of line 3
        "line7.yaml:1:7",
        "line7.yaml:3:1",
        "line7.yaml:6:13",
        "line7.yaml:8:23",
        "line7.yaml:10:9",
        "line7.yaml:11:9",
        "line7.yaml:15:12",
        "line7.yaml:16:11",
        "line7.yaml:17:15",
        "line7.yaml:18:12",
        "line7.yaml:19:25",
    ]
    for near in ("'device'", "'surface-inspection'", "'eye'", "'drift(input)'", "'hold'", "'quality'"):
        assert f"id you mean {near}?" in caught.value.what
    assert caught.value.remedy.startswith("12 faults")


def test_the_small_configuration_that_tests_start_from_is_valid() -> None:
    assert faults_of(VALID) == []


def test_the_example_is_valid_as_it_stands() -> None:
    checked = load_file(ROOT / "configs" / "visual-inspection.yaml")
    assert [each.id for each in checked.bundles] == ["surface-inspection"]


SECOND_RISK = "\n".join(["", *VALID.splitlines()[12:]]).replace("R-01", "R-02")
SECOND_MODEL = "  - id: eye\n    bundle: surface-inspection\n    mode: enforce\n"
KEY = "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="


def many_risks(count: int) -> str:
    """VALID with so many rows of the register."""
    begin = VALID.index("  - id: R-01")
    row = VALID[begin:].replace("1 per 90 days", "1 per 9000 days")
    return VALID[:begin] + "".join(row.replace("R-01", f"R-{number:03d}") for number in range(count))


RULES: dict[str, tuple[str, str, str]] = {
    # what is wrong: (text, where, part of the message)
    "an unknown setting": (changed(("owner:", "ownr: x\n    owner:")), "19:5", "risks[0].ownr is not a setting"),
    "more risks than the guard can keep": (many_risks(101), "813:5", "there are 101 risks, 100 are the most"),
    "a duplicate key": (changed(("line: turning-1", "line: a\nline: b")), "3:1", "line is given twice"),
    "a missing setting": (changed(("    owner: quality\n", "")), "13:5", "risks[0].owner is missing"),
    "a number for a name": (changed(("site: hall-2", "site: 12")), "1:7", "12 isn't text"),
    "a slash in a topic": (changed(("hall-2", "hall/2")), "1:7", "can't be a name in an MQTT topic"),
    "a wildcard in a topic": (changed(("hall-2", "'hall+'")), "1:7", "can't be a name in an MQTT topic"),
    "no models": (changed((VALID[VALID.index("models:") : VALID.index("plc:")], "models: []\n")), "4:9", "few entries"),
    "a list for a group": (changed(("\n  port: /dev/serial/by-id/plc", " [1]")), "8:6", "isn't a group"),
    "a group for a list": (changed((VALID[VALID.index("risks:") :], "risks: {}")), "12:8", "isn't a list"),
    "two models of one id": (changed(("plc:\n", SECOND_MODEL + "plc:\n")), "8:9", "another one, in line 5"),
    "two risks of one id": (VALID + SECOND_RISK.replace("R-02", "R-01"), "22:9", "another one, in line 13"),
    "a risk named as the guard's own": (changed(("R-01", "restart")), "13:9", "the guard's own causes"),
    "a risk of an unknown model": (
        changed(("model: eye", "model: aye"), ("enforce", "observe")), "15:12", "'aye' isn't one of the models",
    ),
    "an unknown condition": (changed(("drift(input)", "drift(inptu)")), "16:11", "Did you mean 'drift(input)'?"),
    "too rich a when": (
        changed(("drift(input)", "drift(all) or no baseline and two writers")), "16:11", "two risks",
    ),
    "drift without a budget": (changed(("    false_alarms: 1 per 90 days\n", "")), "13:5", "false_alarms: is missing"),
    "a budget without drift": (changed(("drift(input)", "no baseline")), "17:19", "nobody would read it"),
    "a budget that is none": (changed(("1 per 90 days", "seldom")), "17:19", "isn't a budget"),
    "two budgets for one detector": (
        VALID + SECOND_RISK.replace("90 days", "30 days"), "26:19", "has the budget 1 per 90 days already, in line 17",
    ),
    "enforce without a PLC": (
        changed(("plc:\n  port: /dev/serial/by-id/plc\n", "")), "7:11", "enforce needs a PLC",
    ),
    "observe without a PLC": (
        changed(("plc:\n  port: /dev/serial/by-id/plc\n", ""), ("enforce", "observe")), "7:11", "observe needs a PLC",
    ),
    "a PLC that nobody uses": (changed(("enforce", "none")), "9:3", "every mode is none"),
    "enforce without a risk": (
        changed((VALID[VALID.index("risks:") :], "risks: []\n")), "7:11", "nothing would ever stop it",
    ),
    "a gate in enforce": (changed(("enforce", "enforce\n    drives: reject")), "8:13", "until a drill has shown a part rejected"),
    "known answers that aren't there": (
        changed(("enforce", "enforce\n    known_answers: nowhere.npz")), "8:20", "isn't a set of known answers",
    ),
    "a control model that nothing could prove again": (
        changed(("surface-inspection", "arm-policy"), ("drift(input)", "drift(command)"),
                ("  fallback: manual inspection\n", "  no_record: hold\n")),
        "7:11", "after a stop for drift nothing moves",
    ),
    "a robot in enforce": (changed(("enforce", "enforce\n    drives: robot")), "8:13", "with A off"),
    "unit 0": (changed(("by-id/plc", "by-id/plc\n  unit: 0")), "10:9", "0 is a broadcast"),
    "unit 248": (changed(("by-id/plc", "by-id/plc\n  unit: 248")), "10:9", "no Modbus station"),
    "an odd baud rate": (changed(("by-id/plc", "by-id/plc\n  baud: 19201")), "10:9", "19201 isn't known"),
    "an unstable port": (changed(("/dev/serial/by-id/plc", "/dev/ttyACM1")), "9:9", "another device after a reboot"),
    "an address without modbus-tcp": (
        changed(("/dev/serial/by-id/plc", "10.0.0.1:502")), "9:9", "an address, and transport is rtu",
    ),
    "a beat too short for the baud rate": (
        changed(("by-id/plc", "by-id/plc\n  beat: 65 ms")), "10:9", "at 19200 baud a beat takes 70 ms",
    ),
    "a hold time beyond the frame": (
        changed(("by-id/plc", "by-id/plc\n  beat: 900 ms")), "10:9", "doesn't fit the frame",
    ),
    "a zero time": (changed(("fallback:", "times: {no_data: 0 s}\n  fallback:")), "11:20", "0 never means 'never'"),
    "a time without a unit": (changed(("fallback:", "times: {no_data: 500}\n  fallback:")), "11:20", "has no unit"),
    "fallback without a name": (
        changed(("  fallback: manual inspection\n", "  no_record: hold\n"), ("response: hold", "response: fallback")),
        "18:15", "no fallback is named",
    ),
    "no record to fallback without a name": (
        changed(("fallback: manual inspection", "no_record: fallback")), "11:14", "no fallback is named",
    ),
    "an unknown role": (changed(("owner: quality", "owner: boss")), "19:12", "'boss' isn't a role"),
    "an unknown control": (changed(("[A.6.2.6]", "[A.1.2]")), "20:16", "isn't a control"),
    "named people": (changed(("models:", "people: named\nmodels:")), "4:9", "'named' isn't known"),
    "another name of TLS": (VALID + "broker: {url: 'ssl://aims'}\n", "21:15", "is written mqtts:// here"),
    "a broker that is none": (VALID + "broker: {url: aims}\n", "21:15", "isn't a broker's address"),
    "a password in the address": (VALID + "broker: {url: 'mqtt://a:b@aims'}\n", "21:15", "ends up in logs"),
    "a broker's port that is none": (VALID + "broker: {url: 'mqtt://aims:99999'}\n", "21:15", "isn't a broker's"),
    "a password without a name": (
        VALID + "broker: {url: 'mqtt://aims', password_file: p}\n", "21:45", "there is no username",
    ),
    "a certificate without its key": (
        VALID + "broker: {url: 'mqtts://aims', certificate: c}\n", "21:44", "broker.certificate: there is no key",
    ),
    "a key without its certificate": (
        VALID + "broker: {url: 'mqtts://aims', key: k}\n", "21:36", "broker.key: there is no certificate",
    ),
    "certificates without TLS": (
        VALID + "broker: {url: 'mqtt://aims', ca: c}\n", "21:34", "is spoken to without TLS, so it isn't used",
    ),
    "a path without WebSockets": (VALID + "broker: {url: 'mqtts://aims/mqtt'}\n", "21:15", "isn't a broker's address"),
    "a client id that is too long": (
        VALID + f"broker: {{url: 'mqtts://aims', client_id: '{{line}}{'x' * 140}'}}\n", "21:42", "128 are the most",
    ),
    "a placeholder that nobody fills": (
        VALID + "broker: {url: 'mqtts://aims', client_id: '{thing}'}\n", "21:42", "{thing} isn't known",
    ),
    "a proxy that is none": (
        VALID + "broker: {url: 'mqtts://aims', proxy: proxy}\n", "21:38", "isn't a proxy's address",
    ),
    "a password in a proxy's address": (
        VALID + "broker: {url: 'mqtts://aims', proxy: 'http://a:b@p:1'}\n", "21:38", "Use proxy_username",
    ),
    "a proxy's name without a proxy": (
        VALID + "broker: {url: 'mqtts://aims', proxy_username: a}\n", "21:47", "there is no proxy",
    ),
    "a spare that is none": (
        VALID + "broker: {url: 'mqtts://aims', spares: [{url: 'http://a'}]}\n", "21:46", "is written ws:// here",
    ),
    "a spare's key without its certificate": (
        VALID + "broker: {url: 'mqtts://aims', spares: [{url: 'mqtts://a', key: k}]}\n", "21:64",
        "broker.spares[0].key: there is no certificate",
    ),
    "metrics without a port": (VALID + "metrics: {listen: localhost}\n", "21:19", "isn't an address"),
    "metrics on no port": (VALID + "metrics: {listen: 'localhost:0'}\n", "21:19", "0 is no port"),
    "a host of an unknown model": (VALID + "host: {source: renderer, model: aye}\n", "21:33", "isn't one of the models"),
    "a host without pictures": (VALID + "host: {source: nowhere}\n", "21:16", "isn't a folder"),
    "a host of several models": (
        changed(("plc:\n", SECOND_MODEL.replace("eye", "ear").replace("enforce", "observe") + "plc:\n"))
        + "host: {source: renderer}\n", "24:7", "there are several models",
    ),
    "a region outside": (changed(("enforce", "enforce\n    roi: [0, 0, 97, 9]")), "8:10", "beyond the picture of 96 × 96"),
    "a region that is none": (changed(("enforce", "enforce\n    roi: [0, 0, 9]")), "8:10", "isn't a region"),
    "records too seldom": (
        changed(("enforce", "enforce\n    records_per_s: 0.1\n    longest_interval: 5 s")), "9:23", "shorter than the 10 s",
    ),
    "a record larger than its room": (
        changed(("enforce", "enforce\n    largest_record: 9 kB")), "8:21", "9 kB is less than the 9280 bytes",
    ),
    "a gate on a feature that the model doesn't have": (
        changed(("enforce", "enforce\n    gate: {feature: top1_confidense, reject_at_most: 0.5 %}")), "8:21",
        "Did you mean top1_confidence?",
    ),
    "a gate on a feature like none": (
        changed(("enforce", "enforce\n    gate: {feature: q, reject_at_most: 0.5 %}")), "8:21", "Use one of: ",
    ),
    "a gate on parts": (
        changed(("enforce", "enforce\n    judged: per part\n    gate: {reject_at_most: 0.5 %}")), "9:11", "means over parts",
    ),
    "a covariate that the model doesn't have": (
        changed(("enforce", "enforce\n    covariates: [brightnes]")), "8:18", "Did you mean brightness?",
    ),
    "a covariate that comes now and then": (
        changed(("enforce", "enforce\n    every: 5\n    covariates: [brightness]")), "9:18", "every 5th record only",
    ),
    "a gate without a unit": (changed(("enforce", "enforce\n    gate: {reject_at_most: 0.5}")), "8:28", "isn't a share"),
    "a gate that rejects a quarter": (
        changed(("enforce", "enforce\n    gate: {reject_at_most: 25 %}")), "8:28", "Use 0.01 % to 20 %",
    ),
    "a size without a unit": (changed(("enforce", "enforce\n    largest_record: 9")), "8:21", "9 has no unit"),
    "a writer that this machine doesn't know": (
        changed(("enforce", "enforce\n    writer: no-such-user-here")), "8:13", "'no-such-user-here' is no user of this machine",
    ),
    "a writer with a number that is none": (
        changed(("enforce", "enforce\n    writer: 4294967295")), "8:13", "4294967295 is no user's number",
    ),
    "a negative writer": (changed(("enforce", "enforce\n    writer: -1")), "8:13", "-1 is no user's number"),
    "a writer that is a list": (changed(("enforce", "enforce\n    writer: [1000]")), "8:13", "a list isn't a user"),
    "a writer that is true": (changed(("enforce", "enforce\n    writer: true")), "8:13", "true isn't a user"),
    "drift of a command where there is none": (
        changed(("drift(input)", "drift(command)")), "16:11", "drift(command) can't be judged: the manifest of surface-inspection has no",
    ),
    "an implausible command where there is none": (
        changed(("drift(input)", "drift(input) or implausible command")), "16:11", "implausible command can't be judged",
    ),
    "drift of outputs where only class scores are monitored": (
        changed(("drift(input)", "drift(output)")), "16:11", "drift(output) can't be judged",
    ),
    "material drift without a tolerance": (
        changed(("drift(input)", "material(input)")), "13:5", "is missing: material(input) tells of what goes beyond it",
    ),
    "a tolerance of nothing": (
        changed(("response:", "tolerance: 10 %\n    response:")), "18:16", "holds no material(…)",
    ),
    "commands without a broker": (
        VALID + f"commands: [{{id: aims, public_key: {KEY}}}]\n", "21:11", "there is no `broker:`",
    ),
    "two keys of one id": (
        VALID + f"broker: {{url: 'mqtt://aims'}}\ncommands: [{{id: a, public_key: {KEY}}}, {{id: a, public_key: {KEY}}}]\n",
        "22:84", "is the id of another one, in line 22",
    ),
    "a public key that is none": (
        VALID + "broker: {url: 'mqtt://aims'}\ncommands: [{id: a, public_key: abc}]\n", "22:32", "isn't an Ed25519 public key",
    ),
    "a command that nobody may give from elsewhere": (
        VALID + f"broker: {{url: 'mqtt://aims'}}\ncommands: [{{id: a, public_key: {KEY}, may: [reset]}}]\n", "22:84", "reset",
    ),
    "files moved from a table": (VALID + "host: {source: renderer, move_to: done}\n", "21:35", "a watched folder only"),
    "a socket's path that is too long": (VALID + f"run_dir: /{'x' * 90}\n", "21:10", "are the most"),
    "a bundle that isn't there": (changed(("surface-inspection", "./nowhere")), "6:13", "no such folder"),
    "text on two lines": (changed(("owner:", 'text: "a\\nb"\n    owner:')), "19:11", "sentence on one line"),
    "an empty file": ("# nothing\n", "1:1", "the file is empty"),
    "a file that is a list": ("- a\n", "1:1", "isn't a group of settings"),
    "an off-delay of an alarm that may stop the machine": (changed(("    owner:", "    off_delay: 5 s\n    owner:")), "19:16", "is never delayed"),
    "a dead band without a value": (changed(("    owner:", "    dead_band: 10 %\n    owner:")), "19:16", "only rows that observe"),
    "an alarm that suppresses itself": (changed(("    owner:", "    suppressed_while: [R-01]\n    owner:")), "19:24", "can't suppress itself"),
    "a rule about nothing": (changed(("    owner:", "    suppressed_while: [changeovr]\n    owner:")), "19:24", "neither a fact nor a row"),
    "alarms that silence each other": (changed(("    owner:", "    suppressed_while: [R-02]\n    owner:")) + SECOND_RISK.replace("    owner:", "    suppressed_while: [R-01]\n    owner:"), "19:23", "both would be silent"),
    "a row by the name of an own alarm": (changed(("R-01", "chattering")), "13:9", "one of the agent's own alarms"),
    "a row by the name of a fact": (changed(("R-01", "changeover")), "13:9", "is a fact"),
    "a row by the name of all alarms": (changed(("R-01", "all")), "13:9", "all alarms"),
    "a shelf of more than a shift": (changed(("risks:", "alarms:\n  shelve_at_most: 9 h\nrisks:")), "13:19", "is too long"),
}  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_is_one_fault_at_its_place(rule: str) -> None:
    text, place, says = RULES[rule]
    found = faults_of(text)
    assert [f"{each.place.line}:{each.place.column}" for each in found] == [place], found
    assert says in f"{found[0].message}; {found[0].remedy}"
    assert found[0].remedy


def test_every_check_across_settings_is_hit_by_a_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    found: set[str] = set()

    def noting(check: Callable[[Case], Iterator[Fault]]) -> Callable[[Case], Iterator[Fault]]:
        def noted(case: Case) -> Iterator[Fault]:
            for fault in check(case):
                found.add(check.__name__)
                yield fault

        return noted

    every = {check.__name__ for check in checks.CHECKS}
    monkeypatch.setattr(checks, "CHECKS", tuple(noting(check) for check in checks.CHECKS))
    for text, _, _ in RULES.values():
        faults_of(text)
    assert found == every


def test_a_faulty_value_hides_no_other_fault_and_makes_no_false_one() -> None:
    text = changed(("mode: enforce", "mode: enforced"), ("model: eye", "model: 7"), ("R-01", "'R 01'"))
    assert places_of(text) == [(7, 11, "models[0].mode"), (13, 9, "risks[0].id"), (15, 12, "risks[0].model")]


def test_a_missing_file_and_a_file_that_is_no_text_are_plain_errors(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="can't be read: No such file"):
        load_file(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_bytes(b"site: a\nline: \xff\n")
    with pytest.raises(ConfigurationError, match=r"bad\.yaml:2: isn't UTF-8"):
        load_file(tmp_path / "bad.yaml")


def test_a_byte_order_mark_and_windows_line_ends_are_no_fault(tmp_path: Path) -> None:
    (tmp_path / "line.yaml").write_bytes(b"\xef\xbb\xbf" + VALID.replace("\n", "\r\n").encode())
    assert load_file(tmp_path / "line.yaml").config.site == "hall-2"


@given(st.text())
def test_garbage_never_ends_in_a_traceback(text: str) -> None:
    assert faults_of(text)


WORDS = st.sampled_from(
    [
        *["0", "-1", "~", "true", "[]", "{}", "1e999", ".nan", "''", "eye", "enforce"],
        "drift(",
        "1 per",
        "5 s",
        "&a x",
        "*a",
    ]
)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, len(VALID.splitlines()) - 1), WORDS), min_size=1, max_size=4))
def test_a_valid_file_with_any_values_replaced_never_ends_in_a_traceback(
    edits: list[tuple[int, str]],
) -> None:
    lines = VALID.splitlines()
    for index, word in edits:
        lines[index] = f"{lines[index].split(':')[0]}: {word}"
    for each in faults_of("\n".join(lines)):
        assert 1 <= each.place.line <= len(lines) + 1
        assert each.message


def test_a_register_has_as_many_risks_as_the_guard_can_keep() -> None:
    assert faults_of(many_risks(100)) == []
