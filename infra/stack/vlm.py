"""The VLM that the stack asks: a simulated one of its own, or a real one that the person names."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import environment, stop
from .build import binary
from .errors import StackError
from .process import Process

_STARTS_WITHIN_S = 60.0


@dataclass(frozen=True)
class Vlm:
    """Where the VLM is. `process` is None for one that is not ours."""

    url: str
    model: str
    simulated: bool
    process: Process | None = None


def real(url: str, model: str) -> Vlm:
    """A VLM that runs somewhere.

    Its key comes from the environment variable VLM_API_KEY, headers of one's own from VLM_HEADERS.
    Its address is taken as it is: the functions read it (shared/vlm/src/endpoint.rs).
    """
    return Vlm(url, model, simulated=False)


def api_key() -> str:
    """The key for the VLM; "none" means that it wants none."""
    return os.environ.get("VLM_API_KEY", "").strip() or "none"


def headers() -> str:
    """Headers of the person's own for the VLM."""
    return os.environ.get("VLM_HEADERS", "").strip()


def secrets() -> dict[str, str]:
    """Variables that programs read which ask a real VLM."""
    return {"VLM_API_KEY": api_key(), "VLM_HEADERS": headers()}


def shown(url: str) -> str:
    """An address without its query, which may hold a secret."""
    return url.partition("?")[0]


def simulated(folder: Path, options: list[str]) -> Vlm:
    """Starts the simulated VLM on a free port; it says on its first line where it is."""
    command = [str(binary("simulated-vlm")), "--listen", "127.0.0.1:0", *options]
    log = folder / "logs" / "simulated-vlm.log"
    process = Process(command, log, environment.base())
    deadline = time.monotonic() + _STARTS_WITHIN_S
    while time.monotonic() < deadline:
        if ready := _ready_line(log):
            return Vlm(ready["url"], ready["model"], simulated=True, process=process)
        if not process.running():
            break
        stop.wait(0.02)
    process.stop()
    raise StackError(f"The simulated VLM did not start:\n{process.last_lines()}\n", f"Its log is {log}.")


def _ready_line(log: Path) -> dict[str, Any] | None:
    for line in log.read_text(errors="replace").splitlines():
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if isinstance(said, dict) and "url" in said:
            return said
    return None
