"""Takes out one check of the code after another, in a copy, and demands that a test then fails.

# Invariants
- The checkout itself is never changed: the copy and what is built from it lie below target/mutations.
- A mutation whose text is not there any more is an error, never passed over.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .build import target_folder
from .errors import StackError
from .paths import REPO
from .process import run as run_program
from .say import say

LIST = REPO / "tests" / "simulation" / "mutations.json"
_SEEDS = "900"
#: Tests of the simulated VLM against the clock: they have nothing to do with the checks, and need an idle machine.
_NOT = ("--skip", "routes::tests")
_FAILED_TEST = re.compile(r"^test (\S+) \.\.\. FAILED$", re.MULTILINE)
_FAILED_WORLD = re.compile(r"violated: (.*);")
_FAILED_DAY = re.compile(r"^  seed (\d+): (.*?)   \(replay", re.MULTILINE)
#: A day without a check may go round in circles.
_WITHIN_S = 300


@dataclass(frozen=True)
class Mutation:
    """A check, and how to take it out."""

    name: str
    file: str
    before: str
    after: str
    by: str


@dataclass(frozen=True)
class Tried:
    """What became of the tests without a check; `noticed` is None if they all passed."""

    mutation: Mutation
    noticed: str | None


def mutations(only: list[str]) -> list[Mutation]:
    """All mutations whose names contain one of these texts."""
    entries = json.loads(LIST.read_text())
    all_of_them = [Mutation(e["name"], e["file"], e["from"], e["to"], e["by"]) for e in entries]
    return [mutation for mutation in all_of_them if any(text in mutation.name for text in only)]


def missing(mutation: Mutation) -> bool:
    """Whether the check is not where the list says."""
    return (REPO / mutation.file).read_text().count(mutation.before) != 1


def run(chosen: list[Mutation]) -> Iterator[Tried]:
    """Tries them one by one."""
    lost = [mutation.name for mutation in chosen if missing(mutation)]
    if lost:
        raise StackError(f"These checks are not where the list says: {', '.join(lost)}.", f"Bring {LIST} up to date.")
    tree, target = _copy()
    if _noticed(tree, target, "days") or _noticed(tree, target, "unit"):
        raise StackError("The tests fail without any mutation.", "Mend that first: infra/local test.")
    for mutation in chosen:
        file = tree / mutation.file
        original = file.read_text()
        file.write_text(original.replace(mutation.before, mutation.after))
        try:
            yield Tried(mutation, _noticed(tree, target, mutation.by))
        finally:
            file.write_text(original)


def _copy() -> tuple[Path, Path]:
    """A copy of what git knows, and a target folder that begins with what is compiled already."""
    home = target_folder() / "mutations"
    tree, target = home / "tree", home / "target"
    shutil.rmtree(tree, ignore_errors=True)
    # What was built last may be a mutation: cargo is to find all files newer than that.
    copy = shutil.copy if target.exists() else shutil.copy2
    listed = run_program(["git", "ls-files", "-z"], cwd=REPO, capture=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (REPO / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            copy(REPO / name, tree / name)
    if not target.exists():
        say("Copying what is compiled already …")
        target.mkdir(parents=True)
        run_program(["cp", "-a", str(target_folder() / "debug"), str(target)], check=True)
    return tree, target


def _noticed(tree: Path, target: Path, by: str) -> str | None:
    """What fails, if anything does."""
    environment = {**os.environ, "CARGO_TARGET_DIR": str(target)}
    cargo = ["cargo", "build", "--workspace", "--bin", "simulation", "--quiet"]
    if by != "unit" and (built := _run(cargo, tree, environment)) and built.returncode != 0:
        raise StackError(f"A mutation does not compile:\n{built.stderr[-2000:]}")
    units = ["cargo", "test", "--workspace", "--lib", "--quiet", "--no-fail-fast", "--", "--format=pretty", *_NOT]
    simulation = str(target / "debug" / "simulation")
    days, worlds = [simulation, "--seeds", _SEEDS, "--until-violation"], [simulation, "--exhaustive"]
    done = _run({"days": days, "worlds": worlds, "unit": units}[by], tree, environment)
    if done is None:
        return f"does not end within {_WITHIN_S} s"
    if done.returncode == 0:
        return None
    said = done.stdout + done.stderr
    if "error: could not compile" in said:
        raise StackError(f"A mutation does not compile:\n{said[-2000:]}")
    if world := _FAILED_WORLD.search(done.stdout):
        return f"small worlds: {world[1]}"
    if day := _FAILED_DAY.search(done.stdout):
        return f"seed {day[1]}: {day[2]}"
    return ", ".join(_FAILED_TEST.findall(done.stdout)[:3]) or said[-300:].strip()


def _run(command: list[str], tree: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str] | None:
    """Runs a command; None if it does not end."""
    try:
        return run_program(command, cwd=tree, env=environment, capture=True, timeout=_WITHIN_S)
    except subprocess.TimeoutExpired:
        return None
