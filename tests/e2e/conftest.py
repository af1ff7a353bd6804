"""One stack for all end-to-end tests, with short times; each test has DRs of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import Harness

from stack.local_stack import Options, running


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    """The stack, started when the first test wants it."""
    with running(
        Options(name="test", timing="fast", build=not os.environ.get("E2E_NO_BUILD"), simulation=["--latency", "none"])
    ) as stack:
        yield Harness(stack, tmp_path_factory.mktemp("drs"))


@pytest.fixture
def harness(shared: Harness) -> Iterator[Harness]:
    """The stack, its VLM well-behaved before and after the test."""
    shared.vlm.reset()
    yield shared
    shared.vlm.reset()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of the test's own."""
    return tmp_path
