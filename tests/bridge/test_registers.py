"""The register map: frozen, complete, and the generated files are fresh."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import pytest
from jidoka_bridge import registers
from jidoka_bridge.registers import Word

ROOT = Path(__file__).resolve().parents[2]


def generator():
    import importlib.util

    spec = importlib.util.spec_from_file_location("registers_generator", ROOT / "tools" / "registers.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_map_digest_of_format_1_never_changes() -> None:
    # A change of this constant brings a PLC programmer back to every plant: it needs a new format instead.
    assert registers.MAP_DIGEST.hex() == "7cc441ea"


def test_the_generated_files_are_fresh() -> None:
    command = [sys.executable, "tools/registers.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_a_stale_file_is_told_and_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    module = generator()
    stale = tmp_path / "registers.md"
    stale.write_text("old")
    monkeypatch.setattr(module, "TARGETS", {stale: lambda _: "new"})
    monkeypatch.setattr(module, "ROOT", Path("/"))
    assert module.main(["--check"]) == 1
    assert "registers.md is stale" in capsys.readouterr().err
    assert stale.read_text() == "old"


def test_the_digest_covers_numbers_and_no_texts() -> None:
    module = generator()
    source = module.load(module.SOURCE)
    digest = module.map_digest(source)
    source["blocks"]["A"]["title"] = "other"
    source["blocks"]["B"]["fields"]["parts"]["text"] = "other"
    source["codes"]["Fault"]["values"]["CRC_RUN"][1] = "other"
    source["reasons"]["none"] = [0, "other"]
    assert module.map_digest(source) == digest
    source["blocks"]["B"]["fields"]["parts"]["word"] = 10
    assert module.map_digest(source) != digest


@pytest.mark.parametrize(
    ("field", "change"),
    [("reason", {"bits": 9}), ("word", {"word": 6}), ("word", {"word": 4}), ("number", {"word": 1})],
)
def test_a_field_that_overlaps_or_leaves_the_block_is_refused(field: str, change: dict[str, int]) -> None:
    module = generator()
    block = module.load(module.SOURCE)["blocks"]["A"]
    block["fields"][field].update(change)
    with pytest.raises(ValueError, match=r"fit|no field"):
        module.check_block("A", block)


def test_the_blocks_stand_where_the_manual_says() -> None:
    places = {name: (layout.address, layout.words) for name, layout in registers.BLOCKS.items()}
    assert places == {"A": (0, 8), "D": (20, 12), "B": (100, 16), "C": (200, 170)}


def test_permissive_words_are_at_least_8_bits_apart_and_the_highest_is_16_from_nothing() -> None:
    for one, other in itertools.combinations(Word, 2):
        assert (one ^ other).bit_count() >= 8
    assert (Word.WITHHOLD ^ Word.MACHINE_AND_AI).bit_count() == 16


def test_built_in_reasons_leave_the_numbers_from_32_to_the_risk_register() -> None:
    assert all(0 <= reason.number < 32 for reason in registers.REASONS)
    assert registers.REASON_NUMBERS["none"] == 0
    assert len(registers.REASON_NUMBERS) == len({r.number for r in registers.REASONS})
