"""The simulation's worlds and days, in the time that the waiting tests leave over."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable

from stack import build

#: About a minute on two cores that have nothing else to do.
_DAYS = "10000"
#: The end-to-end tests go first: some of them measure time.
_NICENESS = 15


def test_no_order_of_events_in_small_worlds_breaks_a_promise(tell: Callable[[str], None]) -> None:
    _simulate(tell, "--exhaustive")


def test_no_simulated_day_breaks_a_promise(tell: Callable[[str], None]) -> None:
    _simulate(tell, "--seeds", _DAYS)


def _simulate(tell: Callable[[str], None], *arguments: str) -> None:
    done = subprocess.run(
        [str(build.binary("simulation")), *arguments],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: os.nice(_NICENESS),
    )
    tell(done.stdout.strip())
    assert done.returncode == 0, done.stdout + done.stderr
