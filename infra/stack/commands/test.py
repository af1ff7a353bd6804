"""`infra/local test`: all tests. The last line printed is pytest's own summary."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from .. import build, tools
from ..paths import REPO, TEMPLATE
from ..say import say

#: Simulated days; about a minute on two cores.
_SEEDS = "10000"
_TEMPLATE_TESTS = "tests/e2e/test_template.py"


def run(arguments: argparse.Namespace) -> int:
    """Runs them all, whatever fails, and fails if any did."""
    tools.ensure("checks")
    build.build()
    fine = _run("Rust tests", ["cargo", "test", "--workspace", "--locked", "--quiet"])
    if not arguments.fast_only:
        simulation = str(build.binary("simulation"))
        fine &= _run("Every order of events in small worlds", [simulation, "--exhaustive"])
        fine &= _run("Simulated days", [simulation, "--seeds", _SEEDS])
    fine &= _run("sam validate", [str(tools.program("checks", "sam")), "validate", "--lint", "--region", "us-east-1"])
    fine &= _run("cfn-lint", [str(tools.program("checks", "cfn-lint")), "-t", str(TEMPLATE)])
    what = [_TEMPLATE_TESTS] if arguments.fast_only else ["tests/e2e"]
    fine &= _run("End-to-end tests", [sys.executable, "-m", "pytest", *what, *arguments.pytest])
    return 0 if fine else 1


def _run(name: str, command: list[str]) -> bool:
    say(f"\n── {name}: {' '.join(Path(part).name if '/' in part else part for part in command)}")
    environment = {**os.environ, "SAM_CLI_TELEMETRY": "0"}
    failed = subprocess.run(command, cwd=REPO, env=environment, check=False).returncode != 0
    if failed and command[1:3] != ["-m", "pytest"]:  # whose summary is to be the last line
        say(f"── {name}: FAILED")
    return not failed
