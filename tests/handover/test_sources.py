"""The importable sources: taken in again they run as the reference does, and say the same statements in three spellings."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest
from jidoka.commissioning.site import line_of
from jidoka.config.schema import PlcSettings
from jidoka.handover import calling, scl
from jidoka.handover.openplc import with_named_arrays, without_named_arrays
from jidoka.handover.plcopen import LISTS, NAMESPACE, bodies_of
from jidoka.handover.source import read_source, units_of, with_values, without_comments
from jidoka.handover.targets import TARGETS, hold_limit_ms, source_for
from jidoka_bridge import registers
from jidoka_bridge.errors import ConfigurationError

from tests.firmware.agreement import DifferenceError, agree
from tests.firmware.scans import PythonCore, Settings
from tests.handover.importing import ImportedBlock, of_plcopen, of_scl, of_st

LINE = line_of(PlcSettings(port="/dev/serial/by-id/plc", unit=7, scan="20 ms", relay="40 ms"))  # type: ignore[arg-type]
FILES = {each.file: source_for(LINE, each, "a note", "0.0") for each in TARGETS}
TEXTS: dict[str, Callable[[], str]] = {
    "JidokaGuard.scl": lambda: of_scl(FILES["JidokaGuard.scl"].decode()),
    "JidokaGuard.xml": lambda: of_plcopen(FILES["JidokaGuard.xml"]),
    "JidokaGuard.st": lambda: of_st(FILES["JidokaGuard.st"].decode()),
}
IEC2C = shutil.which("iec2c")
FUNCTIONS = frozenset(each.name for each in units_of(read_source()) if each.kind == "FUNCTION")


@pytest.mark.parametrize("file", list(TEXTS))
def test_each_source_runs_as_the_reference_does_with_the_sites_own_values(file: str) -> None:
    block = ImportedBlock(TEXTS[file]())
    (target,) = (each for each in TARGETS if each.file == file)
    assert block.settings == Settings(7, hold_limit_ms(LINE), 40 + target.filter_ms + 2 * 20)
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
    text = without_named_arrays(FILES["JidokaGuard.st"].decode())
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


def test_every_array_of_registers_for_openplc_has_a_named_type_and_nothing_else_differs() -> None:
    text = FILES["JidokaGuard.st"].decode()
    types = re.findall(r"(?m)^TYPE (JIDOKA_WORDS_(\d+)) : ARRAY \[0\.\.(\d+)\] OF UINT; END_TYPE$", text)
    assert all(int(size) == int(last) + 1 for _, size, last in types)
    assert text.count("OF UINT") == len(types) > 4
    assert {name for name, _, _ in types} == set(re.findall(r": (JIDOKA_WORDS_\d+);", text))
    for name, size in (("BlockA", 8), ("WordsA", 8), ("BlockD", 12), ("WordsD", 12)):
        assert re.search(rf"(?m)^    {name} : JIDOKA_WORDS_{size};", text), name
    body = text.partition("\n\n")[2]
    assert "JIDOKA_WORDS" not in without_named_arrays(body)
    assert with_named_arrays(without_named_arrays(body)) == body


def test_no_variable_has_a_name_of_a_tools_own_and_constants_of_a_function_stand_last() -> None:
    """MatIEC refuses the one, and takes what follows VAR CONSTANT for constants too."""
    taken = scl.RESERVED | {"VERSION", "TON", "TIME"}
    for unit in [*units_of(read_source()), *units_of(calling.calling_part(is_siemens=True))]:
        assert not {name.upper() for name in unit.names} & taken, unit.name
        kinds = [(section.kind, section.modifier) for section in unit.sections]
        if unit.kind == "FUNCTION" and ("VAR", "CONSTANT") in kinds:
            assert kinds[-1] == ("VAR", "CONSTANT"), unit.name


@pytest.mark.skipif(IEC2C is None, reason="OpenPLC's compiler, iec2c of MatIEC, isn't installed")
def test_openplcs_own_compiler_takes_the_file_and_gcc_what_it_makes(tmp_path: Path) -> None:
    (tmp_path / "JidokaGuard.st").write_bytes(FILES["JidokaGuard.st"])
    # its library: in MATIEC_INCLUDE_PATH, or lib beside it
    library = os.environ.get("MATIEC_INCLUDE_PATH") or Path(str(IEC2C)).resolve().parent / "lib"
    command = [str(IEC2C), "-I", str(library), "-T", str(tmp_path), str(tmp_path / "JidokaGuard.st")]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    for name in ("Config0.c", "Res0.c"):
        checks = ["gcc", "-fsyntax-only", "-I", str(tmp_path), "-I", f"{library}/C", str(tmp_path / name)]
        done = subprocess.run(checks, check=False, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr


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
