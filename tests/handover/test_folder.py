"""The folder that a PLC's programmer gets: whole, self-contained, the same bytes each time, with this site's values."""

from __future__ import annotations

import csv
import hashlib
import html
import io
import json
import re
import shlex
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as Xml

import click
import pytest
from jidoka.cli.main import jidoka, main
from jidoka.commissioning.site import line_of, reaction_of_site
from jidoka.config.compile import plan_of
from jidoka.config.load import load_file
from jidoka.handover.pages import csv_table
from jidoka.handover.signals import INPUTS, OUTPUTS
from jidoka.handover.targets import TARGETS
from jidoka.handover.texts import LANGUAGES, texts_of
from jidoka.handover.write import FILES, MANIFEST, files_of
from jidoka_bridge import registers
from jidoka_bridge.registers import Fault, PlcState, State
from jidoka_bridge.roles import ACKNOWLEDGE_REASONS

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = (ROOT / "configs" / "visual-inspection.yaml").read_text()
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


def written(folder: Path, *changes: tuple[str, str]) -> Path:
    text = EXAMPLE.replace("\nplc:\n", "\nplc:\n  line_speed: 15 m/min\n  part_rate: 120 per min\n")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / "line.yaml"
    path.write_text(f"state_dir: {folder}/state\n{text}")
    return path


def made(path: Path) -> dict[str, bytes]:
    checked = load_file(path)
    plan, plc = plan_of(checked), checked.config.plc
    assert plc is not None
    return files_of(plan, line_of(plc), reaction_of_site(plc, plan, []))


def rows_of(content: bytes) -> list[list[str]]:
    assert content.startswith("\ufeff".encode())
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main([*arguments])
    assert isinstance(caught.value.code, int)
    return caught.value.code


def test_the_command_writes_all_files_and_their_digests(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, folder = written(tmp_path), tmp_path / "handover"
    assert run("plc", "handover", str(folder), str(path)) == 0
    assert {each.name for each in folder.iterdir()} == {*FILES, "index.html", MANIFEST}
    for line in (folder / MANIFEST).read_text().splitlines()[1:]:
        digest, name = line.split("  ")
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    capsys.readouterr()
    assert run("plc", "handover", str(folder), str(path), "--json") == 0
    assert set(json.loads(capsys.readouterr().out)) == {*FILES, "index.html"}


def test_the_same_site_gives_the_same_bytes_and_another_site_others(tmp_path: Path) -> None:
    path = written(tmp_path)
    one = made(path)
    assert made(path) == one
    other = made(written(tmp_path, ("unit: 1", "unit: 9")))
    assert [name for name in one if one[name] == other[name]] == []


def test_the_digests_of_plan_and_map_stand_in_every_file(tmp_path: Path) -> None:
    path = written(tmp_path)
    plan = plan_of(load_file(path))
    for name, content in made(path).items():
        assert plan.digest[:16].encode() in content, name
        assert plan.map_digest.encode() in content, name


def test_this_sites_values_stand_in_the_sources_and_on_the_first_page(tmp_path: Path) -> None:
    files = made(written(tmp_path, ("unit: 1", "unit: 9"), ("relay: 15 ms ", "relay: 45 ms ")))
    # relay 45 ms, two scans of 10 ms, and the filter of the inputs
    for name, relay_ms in (("JidokaGuard.st", 65), ("JidokaGuard.scl", 72)):
        text = files[name].decode()
        assert re.search(r"Station : UINT := 9;", text)
        assert re.search(rf"RelayMs : UDINT := {relay_ms};", text)
        assert re.search(r"HoldLimitMs : UDINT := 310;", text)
        assert re.search(r"HasFc23 : BOOL := FALSE;", text)
    assert b'value="310"' in files["JidokaGuard.xml"]
    assert b'value="68"' in files["JidokaGuard.xml"]
    index = files["index.html"].decode()
    for words in (
        "station 9",
        "91.3 mm",
        "silent agent",
        "ISO 12100",
        "How to take it out again",
        "manual inspection",
    ):
        assert words in index


def test_a_family_without_function_code_23_is_told_to_plan_for_it_and_gets_that_hold_limit(
    tmp_path: Path,
) -> None:
    advice = "Set `function: 16+03` under `plc:`"
    assert made(written(tmp_path))["index.html"].decode().count(advice) == 2
    files = made(written(tmp_path, ("  unit: 1\n", "  unit: 1\n  function: 16+03\n")))
    assert advice not in files["index.html"].decode()
    for name in ("JidokaGuard.st", "JidokaGuard.scl"):
        assert b"HoldLimitMs : UDINT := 460;" in files[name]


def test_the_command_says_on_stderr_for_each_family_without_function_code_23_what_to_set_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, folder = written(tmp_path), tmp_path / "handover"
    for more in ((), ("--json",)):
        assert run("plc", "handover", str(folder), str(path), *more) == 0
        told = capsys.readouterr()
        lines = told.err.splitlines()
        families = [each.name for each in TARGETS if not each.has_fc23]
        assert len(lines) == len(families) == 2
        for line, family in zip(lines, families, strict=True):
            assert line.startswith(f"{family}: This family has no function code 23")
            assert "Set `function: 16+03` under `plc:`" in line
            assert "W is 460 ms" in line
        assert "16+03" not in told.out
    path = written(tmp_path, ("  unit: 1\n", "  unit: 1\n  function: 16+03\n"))
    assert run("plc", "handover", str(folder), str(path)) == 0
    assert capsys.readouterr().err == ""


class Pages(HTMLParser):
    """What a page refers to."""

    def __init__(self) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.outside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in {"href", "src"} and value:
                (self.links.add if tag == "a" else self.outside.append)(value)


def test_the_first_page_links_every_file_and_needs_nothing_else(tmp_path: Path) -> None:
    pages = Pages()
    pages.feed(made(written(tmp_path))["index.html"].decode())
    assert pages.links == set(FILES)
    assert pages.outside == []


def test_notes_are_those_beside_the_block_and_lead_to_files_of_the_folder(tmp_path: Path) -> None:
    files = made(written(tmp_path))
    for name in ("block", "siemens", "codesys", "openplc"):
        text = files[f"notes-{name}.md"].decode()
        targets = {each.partition("#")[0] for each in re.findall(r"\]\(([^)]+)\)", text)}
        assert targets <= set(files), name
    for name in ("notes-siemens.md", "index.html"):
        assert b"TON_TIME" in files[name]
    for words in (b"Timer : TON_TIME;", b"#Timer(IN := TRUE", b"#Timer.ET"):
        assert words in files["JidokaGuard.scl"]
    assert b"TIME_TCK" not in files["JidokaGuard.scl"]


def test_every_number_has_a_text_in_four_languages_and_the_sites_own_are_marked(tmp_path: Path) -> None:
    path = written(tmp_path, ("text: The model's answers", "text: =The model's answers"))
    plan = plan_of(load_file(path))
    texts = texts_of(plan)
    numbers = {
        name: {each.number for each in texts if each.list == name} for name in {each.list for each in texts}
    }
    assert numbers["state of the agent"] == {0, *(int(each) for each in State)}
    (silent,) = (each for each in texts if (each.list, each.number) == ("state of the agent", 0))
    assert (silent.name, silent.en) == ("SILENT", "the agent is silent")
    assert numbers["state of the block"] == {int(each) for each in PlcState}
    assert numbers["fault of the block"] == {int(each) for each in Fault}
    assert numbers["acknowledge reason"] == set(range(1, len(ACKNOWLEDGE_REASONS) + 1))
    built_in = {each.number for each in registers.REASONS}
    assert numbers["reason"] == built_in | {each.reason for each in plan.causes}
    for each in texts:
        spoken = [getattr(each, language) for language in LANGUAGES]
        assert all(spoken)
        if each.list != "reason" or each.number in built_in:
            assert each.is_translated, f"{each.name} has no translation: add it to handover/texts.py"
            assert len(set(spoken)) == 4, each
        else:
            assert not each.is_translated
    rows = rows_of(made(path)["reasons.csv"])
    assert rows[0][:8] == ["list", "number", "name", "en", "de", "fr", "es", "translated"]
    own = [row for row in rows if row[7].startswith("no")]
    assert [row[1] for row in own] == [str(each.reason) for each in plan.causes]
    assert own[1][3].startswith("'=The model")


def test_every_field_of_the_map_stands_in_the_register_table_once(tmp_path: Path) -> None:
    files = made(written(tmp_path))
    rows = rows_of(files["registers.csv"])[1:]
    told = [(row[0], row[5]) for row in rows if row[5] != "CRC-32"]
    assert sorted(told) == sorted(
        (layout.name, each.name) for layout in registers.BLOCKS.values() for each in layout.fields
    )
    by_name = {(row[0], row[5]): row for row in rows}
    assert by_name["B", "counter"][1:3] == ["103", "40104"]
    assert "0x5a5a WITHHOLD" in by_name["A", "word"][7]
    markdown = files["registers.md"].decode()
    assert all(f"| {row[5]} |" in markdown for row in rows)


def test_the_protocol_has_the_sites_times_and_a_place_to_sign(tmp_path: Path) -> None:
    files = made(written(tmp_path))
    rows = rows_of(files["test-protocol.csv"])
    told = " ".join(" ".join(row) for row in rows)
    for words in (
        "within 122 ms",
        "within 335 ms, at most 84 mm of travel",
        "within 500 ms",
        "15 min",
        "part is rejected",
    ):
        assert words in told
    assert [int(row[0]) for row in rows[1:]] == list(range(1, len(rows)))
    page = files["test-protocol.html"].decode()
    assert page.count("<td class=sign></td>") == 2 * (len(rows) - 1)
    assert "without it `enforce` is refused" not in told
    driving = made(
        written(tmp_path, ("drives: nothing", "drives: reject"), ("mode: enforce", "mode: observe"))
    )
    assert "without it `enforce` is refused" in driving["test-protocol.csv"].decode()
    assert "wire its output through K2" in driving["wiring.svg"].decode()


def test_the_protocol_can_be_done_in_its_order_from_observe_to_enforce(tmp_path: Path) -> None:
    driving = made(
        written(tmp_path, ("drives: nothing", "drives: reject"), ("mode: enforce", "mode: observe"))
    )
    rows = rows_of(driving["test-protocol.csv"])[1:]
    steps = [f"{row[2]}: {row[3]}" for row in rows]

    def at(words: str, begin: int = 0) -> int:
        return next(n for n, step in enumerate(steps) if n >= begin and words in step)

    without_current, drilled = at("X1 and X2 out, S1 in AUTO"), at("plc drill --no-withdrawal")
    bridged, enforced = at("Put X1 and X2 in"), at("set `mode: enforce`")
    assert without_current < bridged < drilled < enforced, (
        "the machine runs in observe; enforce waits for the drill"
    )
    stopping, proven, used = at("with the machine running"), at("Take X1 out, machine off"), at("S1 KeyAuto")
    assert bridged < stopping < proven < used, (
        "E-stop is tried on a machine that runs, the key before it is used"
    )
    approved = at("Approve this plan")
    assert proven < at("E-stop with S1 in OVERRIDE") < approved
    for number in (proven, used, at("S1 OverrideKey"), approved, at("S1 to OVERRIDE while it runs")):
        assert "danger zone clear" in rows[number][1] + steps[number], steps[number]
    rising, falling = at("Press and release reset"), at("jidoka hold")
    assert (
        enforced
        < rising
        < falling
        < at("Press reset before that was acknowledged")
        < at("S1 to OVERRIDE", falling)
    )
    counters = at("Write down the counters")
    assert falling < counters < at("restore the PLC's power") < at("The counters", counters + 1)
    back = at("Back to watching")
    assert counters < at("How to take it out again") < back, "it is read through, not done"
    later = at("out for good", back)
    assert [row[1].startswith("Later, by the plant") for row in rows].index(True) == later > back


def test_a_read_backs_wire_and_the_stop_of_the_plc_are_steps_with_what_must_be_seen(tmp_path: Path) -> None:
    rows = rows_of(made(written(tmp_path))["test-protocol.csv"])[1:]
    seen = {row[2]: row[3] for row in rows}
    for relay, name, lamp in (("K1", "MachineReleased", "M"), ("K2", "ModelReleased", "A")):
        (told,) = (text for do, text in seen.items() if do.startswith(f"{relay} {name}"))
        assert f"shows {lamp} as on and the fault RELAY_FEEDBACK" in told
    stops = {do: text for do, text in seen.items() if "the PLC to STOP" in do}
    assert ["K1 and K2 off" in text for text in stops.values()] == [True, True]
    (probed,) = (text for do, text in seen.items() if "jidoka plc probe" in do)
    assert "the PLC's clock as fast" in probed


def test_a_plc_that_sorts_has_an_input_that_says_when_the_site_only_observes(tmp_path: Path) -> None:
    def protocol(*changes: tuple[str, str]) -> tuple[str, str]:
        files = made(written(tmp_path, *changes))
        return files["test-protocol.csv"].decode(), files["wiring.svg"].decode()

    sorting, drawing = protocol()
    assert sorting.count("Look at Observing in the PLC") == 2
    assert "X2 is wired to an input of its own, Observing" in drawing
    own, drawing = protocol(("drives: nothing", "drives: reject"), ("mode: enforce", "mode: observe"))
    assert "Observing" not in own + drawing


@pytest.mark.parametrize("transport", ["rtu", "modbus-tcp"])
def test_every_command_in_the_folder_is_complete(tmp_path: Path, transport: str) -> None:
    port = "/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A10KZP4V-if00-port0"
    by_ethernet = ((port, "192.168.1.10:502\n  transport: modbus-tcp"),) if transport == "modbus-tcp" else ()
    path = written(
        tmp_path, ("drives: nothing", "drives: reject"), ("mode: enforce", "mode: observe"), *by_ethernet
    )
    page = html.unescape(made(path)["index.html"].decode())
    commands = {each for each in re.findall(r"`jidoka ([a-z][^`]*)`", page) if " --" in each}
    assert len(commands) >= 4
    for command in commands:
        words = [str(path) if word == "CONFIGURATION" else word for word in shlex.split(command)]
        group: click.Command = jidoka
        while isinstance(group, click.Group):
            found = group.get_command(click.Context(group), words.pop(0))
            assert found is not None, command
            group = found
        group.make_context(command, words)  # raises where an option is missing or unknown


def test_a_line_by_ethernet_is_drawn_without_the_serial_pair(tmp_path: Path) -> None:
    port = "/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A10KZP4V-if00-port0"
    svg = made(written(tmp_path, (port, "192.168.1.10:502\n  transport: modbus-tcp")))["wiring.svg"].decode()
    assert "PLC = 192.168.1.10:502, unit 1" in svg
    assert "120 Ω" not in svg


def test_a_line_by_ethernet_speaks_of_no_serial_cable(tmp_path: Path) -> None:
    port = "/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A10KZP4V-if00-port0"
    files = made(written(tmp_path, (port, "192.168.1.10:502\n  transport: modbus-tcp")))
    for page in (files["index.html"], files["test-protocol.html"]):
        told = page.decode().partition("CODESYS V3")[0] if page is files["index.html"] else page.decode()
        assert "RS-485" not in told
        assert " baud, parity" not in told
    assert "Disconnect the Ethernet cable" in files["index.html"].decode()


def test_the_drawing_has_every_wire_and_no_text_beyond_its_edge(tmp_path: Path) -> None:
    svg = Xml.fromstring(made(written(tmp_path))["wiring.svg"])
    space = "{http://www.w3.org/2000/svg}"
    texts = [("".join(each.itertext()), float(each.get("x", 0)), each) for each in svg.iter(f"{space}text")]
    told = " ".join(words for words, _, _ in texts)
    for each in (*INPUTS, *OUTPUTS):
        assert each.text in told
        assert each.name in told
    for each in INPUTS:
        (place,) = (float(str(node.get("y"))) for words, _, node in texts if words == each.text)
        kinds = {
            str(group.get("class"))
            for group in svg.iter(f"{space}g")
            for stroke in group
            if (stroke.get("x1"), stroke.get("y1")) == ("90", f"{place + 6:g}")
        }
        expected = set() if each.device == "plant" else {"break" if each.is_break else "make"}
        assert kinds == expected, each.name
    assert [each.name for each in INPUTS if each.is_break] == ["MachineReleased", "ModelReleased"]
    for words in ("A (−)", "B (+)", "unless the device has its own", "bias at one end", "Siemens: B is +"):
        assert words in told
    width = float(str(svg.get("width")))
    for words, x, each in texts:
        # 7.6 px a letter is above what the font takes
        if each.get("text-anchor", "start") == "start" and each.get("class") != "head":
            size = 6.4 if each.get("class") == "small" else 7.6
            assert x + size * len(words) < width, words


@pytest.mark.skipif(CHROMIUM is None, reason="no browser is installed")
def test_a_browser_shows_the_drawing(tmp_path: Path) -> None:
    (tmp_path / "wiring.svg").write_bytes(made(written(tmp_path))["wiring.svg"])
    shot = tmp_path / "shot.png"
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", f"--screenshot={shot}", "--window-size=1440,1000",
               f"--user-data-dir={tmp_path}/profile", f"file://{tmp_path}/wiring.svg"]  # fmt: skip
    subprocess.run(command, check=True, timeout=60, capture_output=True)
    from PIL import Image

    picture = Image.open(shot).convert("L")
    dark = sum(picture.histogram()[:100])
    assert dark > 5_000


def test_a_folder_with_something_else_in_it_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, folder = written(tmp_path), tmp_path / "handover"
    folder.mkdir()
    (folder / "thesis.doc").write_text("mine")
    assert run("plc", "handover", str(folder), str(path)) == 3
    assert "thesis.doc is there" in capsys.readouterr().err
    assert [each.name for each in folder.iterdir()] == ["thesis.doc"]
    assert run("plc", "handover", str(path), str(path)) == 3
    assert "isn't a folder" in capsys.readouterr().err


def test_what_a_spreadsheet_would_take_for_a_formula_is_text() -> None:
    assert csv_table(("a",), [["=1+1"], ["-5"], ["@x"], ["plain, text"]]).splitlines()[1:] == [
        "'=1+1",
        "-5",
        "'@x",
        '"plain, text"',
    ]
