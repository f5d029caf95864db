"""Node's packages for the tests that need them: installed once, on demand, into build/interop-node."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "interop-node"
GIVEN = ROOT / "tests" / "interop" / "node"
#: no lock file: it would name a registry; both packages are pinned, and no script of theirs is run
INSTALL = ("npm", "install", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--silent")


@pytest.fixture(scope="session")
def node() -> Path:
    """A folder in which `node` finds mqtt and @asyncapi/parser; skips where they can't be had."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} isn't here: sudo apt-get install nodejs npm")
    wanted = (GIVEN / "package.json").read_text()
    done = FOLDER / "installed"
    if not done.exists() or done.read_text() != wanted:
        FOLDER.mkdir(parents=True, exist_ok=True)
        shutil.copy(GIVEN / "package.json", FOLDER)
        try:
            made = subprocess.run(
                INSTALL, cwd=FOLDER, capture_output=True, text=True, timeout=240, check=False
            )
        except subprocess.TimeoutExpired:
            pytest.skip("npm took more than 240 s: run npm install in build/interop-node yourself")
        if made.returncode:
            said = (made.stderr.strip() or "nothing").splitlines()[0]
            pytest.skip(f"npm can't install mqtt and @asyncapi/parser (it says: {said}): check the network")
        done.write_text(wanted)
    return FOLDER
