"""A real PostgreSQL and a real mosquitto for one test, each in a folder of its own."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg

from tests.processes import Program, programs, wait_until
from tests.steward.site import free_port
from tests.steward.test_mqtt import listens


def binaries() -> Path:
    """Where PostgreSQL's programs lie."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    assert found, "PostgreSQL isn't installed: apt-get install postgresql"
    return found[-1]


def _as_owner(folder: Path) -> list[str]:
    """PostgreSQL refuses to run as root: then it gets its own user, and the folder."""
    if os.getuid() != 0:
        return []
    user = pwd.getpwnam("postgres")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


class Postgres:
    """A cluster that can be killed and started again. address: for psycopg and the workers."""

    def __init__(self, folder: Path, start: Callable[..., Program]) -> None:
        self.folder = folder
        self.address = f"postgresql://aims@/postgres?host={folder}"
        self.program: Program | None = None
        self._start = start
        self._owner = _as_owner(folder)
        made = start(
            *self._owner, str(binaries() / "initdb"), "-D", str(folder / "data"), "-U", "aims", "-A", "trust", "-N",
            "--no-instructions", "--locale=C", "-E", "UTF8",
        )  # fmt: skip
        assert made.wait() == 0, made.text

    def start(self) -> Program:
        program = self._start(
            *self._owner, str(binaries() / "postgres"), "-D", str(self.folder / "data"), "-k", str(self.folder),
            "-c", "listen_addresses=",
        )  # fmt: skip
        wait_until(self.is_up, "PostgreSQL answers")
        self.program = program
        return program

    def kill(self) -> None:
        """SIGKILL of the whole cluster, and a new start: crash recovery."""
        assert self.program is not None
        self.program.end()
        (self.folder / "data" / "postmaster.pid").unlink(missing_ok=True)
        self.start()

    def is_up(self) -> bool:
        try:
            self.rows("SELECT 1")
        except psycopg.Error:
            return False
        return True

    def empty(self) -> None:
        """Everything that was stored is gone."""
        with psycopg.connect(self.address) as connection:
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.address, connect_timeout=5) as connection:
            return connection.execute(query.encode()).fetchall()


@contextlib.contextmanager
def postgres() -> Iterator[Postgres]:
    folder = Path(tempfile.mkdtemp(prefix="jidoka-pg-", dir="/tmp"))
    try:
        with programs(folder) as start:
            cluster = Postgres(folder, start)
            yield cluster
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def worker(
    start: Callable[..., Program], broker_port: int, database: str, name: str = "aims-1", *more: str
) -> Program:
    """A worker that has subscribed."""
    program = start(
        sys.executable, "-m", "tools.aims", "--broker", f"127.0.0.1:{broker_port}", "--database", database, "--id", name,
        *more, environment={"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )  # fmt: skip
    program.wait_for_text("stores what comes")
    return program


class Mosquitto:
    """A broker that can be killed and started again on the same port."""

    def __init__(self, folder: Path, start: Callable[..., Program]) -> None:
        self.port = free_port()
        self._config = folder / "mosquitto.conf"
        self._config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location {folder}/\n"
            "autosave_interval 1800\nmax_queued_messages 0\nuser root\nlog_dest none\n"
        )
        self._start = start

    def start(self) -> Program:
        program = self._start("/usr/sbin/mosquitto", "-c", str(self._config))
        wait_until(lambda: listens(self.port), "mosquitto listens")
        return program
