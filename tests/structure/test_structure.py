"""What the layout of the code promises: no circles of files, and a library of evaluations without the outside."""

from __future__ import annotations

import subprocess
from pathlib import Path

import modules
import pytest

REPO = Path(__file__).resolve().parents[2]
#: What `evaluation` must not build on, itself or through others: AWS, HTTP, sockets, clocks, chance.
_OUTSIDE = ("aws", "reqwest", "hyper", "http", "mio", "socket2", "rustls", "chrono", "time")
_CHANCE = ("rand", "getrandom", "fastrand")


@pytest.mark.parametrize("crate", [path.parent for path in sorted(REPO.glob("*/*/src"))], ids=lambda path: path.name)
def test_no_files_of_a_crate_use_each_other_in_a_circle(crate: Path) -> None:
    found = modules.circles(modules.uses(crate / "src"))
    assert not found, [["::".join(module) or "(root)" for module in group] for group in found]


def test_a_circle_is_found(tmp_path: Path) -> None:
    (tmp_path / "lib.rs").write_text("mod a; mod b; mod c;")
    (tmp_path / "a.rs").write_text("use crate::{b::{B, Other}, c};")
    (tmp_path / "b.rs").write_text("fn f() { super::c::g(); }")
    (tmp_path / "c.rs").write_text("use crate::a::A;\n#[cfg(test)]\nmod tests {}")
    assert modules.circles(modules.uses(tmp_path)) == [[("a",), ("b",), ("c",)]]
    (tmp_path / "c.rs").write_text("#[cfg(test)]\nmod tests { use crate::a::A; }")
    assert modules.circles(modules.uses(tmp_path)) == []


def test_evaluation_has_no_aws_no_http_no_clock_and_no_chance() -> None:
    names = _built_on("evaluation")
    assert {"serde", "sha2", "photos"} <= names, "the graph was not read"
    outside = {name for name in names if name in (*_OUTSIDE, *_CHANCE) or name.startswith(("aws-", "aws_", "hyper-", "rand_"))}
    assert not outside


def test_the_simulation_builds_without_aws_and_http() -> None:
    names = _built_on("simulation")
    assert not {name for name in names if name.startswith("aws") or name in ("reqwest", "hyper", "rustls")}


@pytest.mark.parametrize("library", ["photos", "vlm", "evaluation"])
def test_only_the_library_for_aws_knows_aws(library: str) -> None:
    assert not {name for name in _built_on(library) if name.startswith("aws-sdk") or name == "aws-config"}


def _built_on(crate: str) -> set[str]:
    """All that a crate is built on, as cargo resolves it for that crate alone."""
    tree = ["cargo", "tree", "--locked", "--edges", "normal", "--prefix", "none", "--format", "{p}", "--package", crate]
    done = subprocess.run(tree, cwd=REPO, check=True, capture_output=True, text=True)
    return {line.split()[0] for line in done.stdout.splitlines() if line.strip()}
