"""Prefect's own server for the embedded default: started beside Ray, gone with the driver.

Where `PREFECT_API_URL` is set, that server is used and nothing is started. Started here rather than by Prefect's own
ephemeral mode, because it can then boot while Prefect is still being imported and Ray comes up, skip migrations that
are done, and cannot outlive a killed driver. Nothing here imports prefect in this process.
"""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import MutableMapping
from importlib.metadata import version
from pathlib import Path

START_TIMEOUT_S = 120.0
_PDEATHSIG = 1  # prctl(2): PR_SET_PDEATHSIG

_QUIET = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
}
_UNUSED_SERVICES = ("SCHEDULER", "LATE_RUNS", "FOREMAN", "CANCELLATION_CLEANUP", "PAUSE_EXPIRATIONS", "TRIGGERS")


class PrefectServerError(RuntimeError):
    """Prefect's server did not come up; the message says where its log is."""


def prepare_environment(home: Path, logs: str, environment: MutableMapping[str, str] = os.environ) -> None:
    """Set what Prefect reads when imported: its home inside ours unless one is set, what it logs, no telemetry."""
    environment.setdefault("PREFECT_LOGGING_LEVEL", logs)
    environment.setdefault("PREFECT_HOME", str(home / "prefect"))
    for name, value in _QUIET.items():
        environment.setdefault(name, value)


class EmbeddedServer:
    """A Prefect server for one command. `start` returns at once; `wait` blocks until it answers.

    With `schedules` it also turns cron lines into runs, which Prefect's own ephemeral server does not.
    """

    def __init__(self, home: Path, schedules: bool = False) -> None:
        self._home = home
        self._schedules = schedules
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0

    def start(self) -> None:
        """Begin to start the server, unless `PREFECT_API_URL` names one, and point this process at it."""
        logs = "WARNING" if self._schedules else "CRITICAL"  # a command tells its faults itself
        prepare_environment(self._home, logs)
        if os.environ.get("PREFECT_API_URL"):
            return
        prefect_home = Path(os.environ["PREFECT_HOME"])
        prefect_home.mkdir(parents=True, exist_ok=True)
        self._port = _free_port()
        environment = {**os.environ, **_server_settings(self._migrated(), self._schedules)}
        log = (prefect_home / "server.log").open("wb")
        command = [sys.executable, "-m", "uvicorn", "--factory", "prefect.server.api.server:create_app"]
        command += ["--host", "127.0.0.1", "--port", str(self._port), "--log-level", "error", "--lifespan", "on"]
        self._process = subprocess.Popen(
            command, env=environment, stdout=log, stderr=log, start_new_session=True, preexec_fn=_die_with_parent
        )
        log.close()
        os.environ["PREFECT_API_URL"] = f"http://127.0.0.1:{self._port}/api"

    def wait(self) -> None:
        """Block until the server answers. Raises PrefectServerError when it ended or took too long."""
        if self._process is None:
            return
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise PrefectServerError(f"Prefect's server ended at once; its log is {self._log}")
            if _answers(os.environ["PREFECT_API_URL"] + "/health"):
                self._marker.write_text(version("prefect"))
                return
            time.sleep(0.05)
        raise PrefectServerError(f"Prefect's server did not answer in {START_TIMEOUT_S:.0f} s; its log is {self._log}")

    def stop(self) -> None:
        """End the server that `start` started."""
        if self._process is None:
            return
        os.environ.pop("PREFECT_API_URL", None)
        self._process.terminate()
        try:
            self._process.wait(timeout=3)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    @property
    def _log(self) -> Path:
        return Path(os.environ["PREFECT_HOME"]) / "server.log"

    @property
    def _marker(self) -> Path:
        """Says which version of Prefect has migrated the database in its home."""
        return Path(os.environ["PREFECT_HOME"]) / "cueworks-migrated"

    def _migrated(self) -> bool:
        own = "PREFECT_API_DATABASE_CONNECTION_URL" not in os.environ
        return own and self._marker.is_file() and self._marker.read_text() == version("prefect")


def _server_settings(migrated: bool, schedules: bool) -> dict[str, str]:
    settings = {"PREFECT_UI_ENABLED": "0", "PREFECT__SERVER_FINAL": "1"}
    if not schedules:
        settings["PREFECT__SERVER_EPHEMERAL"] = "1"
        settings |= {f"PREFECT_SERVER_SERVICES_{name}_ENABLED": "false" for name in _UNUSED_SERVICES}
    if migrated:
        settings["PREFECT_API_DATABASE_MIGRATE_ON_START"] = "false"
    return settings


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PDEATHSIG, signal.SIGTERM)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
