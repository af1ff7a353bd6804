"""Builds the functions and the helper programs, with one cargo invocation."""

from __future__ import annotations

import json
import os
import subprocess
from functools import cache
from pathlib import Path

from .errors import StackError
from .paths import REPO
from .say import say

FUNCTIONS = ("splitter", "batch", "aggregator", "sweeper", "api")


def build() -> None:
    """Builds every binary of the workspace in the dev profile; cargo says on stderr what it does."""
    say("Building (cargo build --workspace --bins) …")
    command = ["cargo", "build", "--workspace", "--bins", "--locked"]
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
    done = _run(["cargo", "metadata", "--no-deps", "--format-version", "1", "--locked"], stdout=subprocess.PIPE)
    if done.returncode != 0:
        raise StackError("cargo metadata failed.", "Its message is above.")
    return Path(json.loads(done.stdout)["target_directory"])


def _run(command: list[str], stdout: int | None = None) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(command, cwd=REPO, check=False, stdout=stdout)
    except FileNotFoundError:
        raise StackError("cargo is not installed.", "Install Rust with rustup, then run this again.") from None
