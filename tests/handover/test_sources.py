"""The importable sources: taken in again they run as the reference does, and say the same statements in three spellings."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest
from jidoka.commissioning.site import line_of
from jidoka.config.schema import PlcSettings
from jidoka.handover import calling, scl
from jidoka.handover.plcopen import LISTS, NAMESPACE, bodies_of
from jidoka.handover.source import read_source, units_of, with_values, without_comments
from jidoka.handover.targets import TARGETS, hold_limit_ms, source_for
from jidoka_bridge import registers
from jidoka_bridge.errors import ConfigurationError

from tests.firmware.agreement import DifferenceError, agree
from tests.firmware.scans import PythonCore, Settings
from tests.handover.importing import ImportedBlock, guard_alone, of_plcopen, of_scl

LINE = line_of(PlcSettings(port="/dev/serial/by-id/plc", unit=7, scan="20 ms", relay="40 ms"))  # type: ignore[arg-type]
FILES = {each.file: source_for(LINE, each, "a note", "0.0") for each in TARGETS}
TEXTS: dict[str, Callable[[], str]] = {
    "JidokaGuard.scl": lambda: of_scl(FILES["JidokaGuard.scl"].decode()),
    "JidokaGuard.xml": lambda: of_plcopen(FILES["JidokaGuard.xml"]),
    "JidokaGuard.st": lambda: guard_alone(FILES["JidokaGuard.st"].decode()),
}
FUNCTIONS = frozenset(each.name for each in units_of(read_source()) if each.kind == "FUNCTION")


@pytest.mark.parametrize("file", list(TEXTS))
def test_each_source_runs_as_the_reference_does_with_the_sites_own_values(file: str) -> None:
    block = ImportedBlock(TEXTS[file]())
    assert block.settings == Settings(7, hold_limit_ms(LINE), 40 + 2 * 20)
    seen = agree(PythonCore(block.settings), block, 44, 800, block.settings)
    assert seen["scans"] == 800
    assert seen["accepted presses"] > 0
    assert seen["output changes"] > 0


def test_a_source_that_was_changed_does_not_agree() -> None:
    text = TEXTS["JidokaGuard.xml"]().replace(
        "IF ChangedAgeMs >= DEBOUNCE_MS", "IF ChangedAgeMs > DEBOUNCE_MS"
    )
    block = ImportedBlock(text)
    with pytest.raises(DifferenceError):
        agree(PythonCore(block.settings), block, 44, 3_000, block.settings)


def test_the_three_spellings_have_the_same_statements() -> None:
    source = {unit.name: unit.body for unit in units_of(read_source())}
    assert {
        name: body for name, body in bodies_of(FILES["JidokaGuard.xml"]).items() if name in source
    } == source
    for unit in units_of(read_source()):
        written = scl.scl_body(unit.body, unit.names | {unit.name}, FUNCTIONS)
        assert written != unit.body
        assert scl.plain_of(written) == unit.body
    text = FILES["JidokaGuard.st"].decode()
    assert all(without_comments(body) in without_comments(text) for body in source.values())


def test_the_part_that_calls_is_in_every_source_and_binds_every_register() -> None:
    for file, content in FILES.items():
        text = content.decode()
        assert calling.NAME in text, file
        for layout in registers.BLOCKS.values():
            assert re.search(rf"0 TO {layout.words - 1} DO", text), (file, layout.name)
    scl_text = FILES["JidokaGuard.scl"].decode()
    assert "Register : ARRAY[0..369] OF UINT" in scl_text
    assert "S7_Optimized_Access := 'FALSE'" in scl_text
    openplc = FILES["JidokaGuard.st"].decode()
    for name in ("A0 AT %QW0 ", "D11 AT %QW31 ", "B0 AT %QW100 ", "B15 AT %QW115 ", "C169 AT %QW369 "):
        assert name in openplc


def test_no_name_in_scl_is_without_its_mark() -> None:
    text = re.sub(r"\(\*.*?\*\)", "", FILES["JidokaGuard.scl"].decode(), flags=re.DOTALL)
    for unit in units_of(read_source()):
        start = text.index(f'{unit.kind} "{unit.name}"')
        body = text[text.index("BEGIN", start) : text.index(f"END_{unit.kind}", start)]
        for name in unit.names:
            for found in re.finditer(rf"(?<![#\w\"]){name}\b", body):
                # only a parameter's name in a call stands bare
                assert re.match(r"\s*:=", body[found.end() :]), (
                    unit.name,
                    name,
                    body[found.start() - 30 : found.end() + 9],
                )
        assert not re.search(r'(?<!")\bJIDOKA_\w+\(', body)


def test_plcopen_xml_keeps_to_the_order_and_attributes_of_its_schema() -> None:
    project = Xml.fromstring(FILES["JidokaGuard.xml"])

    def tags(element: Xml.Element) -> list[str]:
        return [each.tag.rpartition("}")[2] for each in element]

    assert project.tag == f"{{{NAMESPACE}}}project"
    assert tags(project) == ["fileHeader", "contentHeader", "types", "instances"]
    for needed in ("companyName", "productName", "productVersion", "creationDateTime"):
        assert project[0].get(needed)
    assert tags(project[1]) == ["coordinateInfo"]
    assert tags(project[2]) == ["dataTypes", "pous"]
    names = []
    for pou in project[2][1]:
        names.append(pou.get("name"))
        assert tags(pou) in (["interface", "body"], ["interface", "body", "documentation"])
        assert (pou.get("pouType") == "function") == ("returnType" in tags(pou[0]))
        assert set(tags(pou[0])) <= {"returnType", *LISTS.values()}
        for section in pou[0]:
            for variable in section:
                if section.tag.endswith("Vars"):
                    order = ["type", "initialValue", "documentation"]
                    assert tags(variable) == [each for each in order if each in tags(variable)]
    assert len(names) == len(set(names)) == len(units_of(read_source())) + 1


def test_a_source_that_lost_its_shape_is_refused_with_its_line() -> None:
    source = read_source()
    with pytest.raises(ConfigurationError, match=r"JidokaGuard.st:\d+: isn't a declaration"):
        units_of(source.replace("    Station : UINT := 1;", "    Station : UINT := 1"))
    with pytest.raises(ConfigurationError, match="has no end"):
        units_of(source.replace("END_FUNCTION_BLOCK", ""))
    with pytest.raises(ConfigurationError, match="has no input Stations"):
        with_values(source, {"Stations": "1"})


def test_a_name_of_scls_own_is_quoted_where_it_is_declared_used_and_given() -> None:
    written = scl.scl_body("A := F(Limit := Limit) + 4294967295;", {"A", "Limit"}, frozenset({"F"}))
    assert written == '#A := "F"("Limit" := #"Limit") + UDINT#4294967295;'


def test_the_sources_are_there_in_a_checkout() -> None:
    assert (Path(__file__).resolve().parents[2] / "firmware_bridge" / "plc" / "JidokaGuard.st").is_file()
