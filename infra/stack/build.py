"""Builds the functions and the helper programs, with one cargo invocation."""

from __future__ import annotations

import json
import os
import subprocess
from functools import cache
from pathlib import Path

from . import process
from .errors import StackError
from .paths import REPO
from .say import say

FUNCTIONS = ("splitter", "batch", "aggregator", "sweeper", "api", "notifier")
#: The binaries that every stack runs.
_OF_A_STACK = (*FUNCTIONS, "simulated-vlm", "sample-photos")
#: The binary that draws photos.
SAMPLE_PHOTOS = "sample-photos"
#: The binary of the sequential comparison, and of much that takes long to compile.
BENCH = "bench"
#: The binary that asks a VLM what it can do.
VLM_CHECK = "vlm-check"


def build() -> None:
    """Builds every binary of the workspace in the dev profile; cargo says what it does."""
    _build("--bins")


def of_a_stack(*more: str) -> None:
    """Builds what a stack runs, and these binaries; what nobody runs is not waited for."""
    only(*_OF_A_STACK, *more)


def only(*binaries: str) -> None:
    """Builds these binaries."""
    _build(*(part for binary in binaries for part in ("--bin", binary)))


def _build(*what: str) -> None:
    """Binaries of the whole workspace: for some packages alone cargo would choose other features.

    The tests then would compile the AWS SDK and much else once more.
    """
    say(f"Building (cargo build --workspace {' '.join(what)}) …")
    command = ["cargo", "build", "--workspace", *what, "--locked"]
    if not os.environ.get("CI"):
        command.append("--quiet")
    if _run(command).returncode != 0:
        raise StackError("The build failed.", "Cargo's message is above.")


def binary(name: str) -> Path:
    """A binary that `build` has made."""
    path = target_folder() / "debug" / name
    if not path.exists():
        raise StackError(f"There is no {path}.", "Run infra/local without --no-build.")
    return path


@cache
def target_folder() -> Path:
    """Where cargo builds; it knows of CARGO_TARGET_DIR and of configuration files."""
    done = _run(
        ["cargo", "metadata", "--no-deps", "--format-version", "1", "--locked"],
        stdout=subprocess.PIPE,
    )
    if done.returncode != 0:
        raise StackError("cargo metadata failed.", "Its message is above.")
    return Path(json.loads(done.stdout)["target_directory"])


def _run(command: list[str], stdout: int | None = None) -> subprocess.CompletedProcess[str]:
    try:
        return process.run(command, cwd=REPO, stdout=stdout)
    except FileNotFoundError:
        raise StackError(
            "cargo is not installed.", "Install Rust with rustup, then run this again."
        ) from None
