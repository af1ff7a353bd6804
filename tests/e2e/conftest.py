"""One stack for all end-to-end tests, with short times; each test has DRs of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from faults import Faults
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


@pytest.fixture(scope="session")
def hurried_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    """A stack whose queues give back soon what was lost."""
    options = Options(name="test-faults", timing="fast", build=False, simulation=["--latency", "none"])
    with running(options) as stack:
        harness = Harness(stack, tmp_path_factory.mktemp("faults"))
        Faults(harness).hurry()
        yield harness


@pytest.fixture
def hurried(hurried_stack: Harness) -> Iterator[Harness]:
    """That stack, its VLM well-behaved before and after the test."""
    hurried_stack.vlm.reset()
    yield hurried_stack
    hurried_stack.vlm.reset()


@pytest.fixture
def faults(hurried: Harness) -> Faults:
    """What can be done to that stack."""
    return Faults(hurried)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of the test's own."""
    return tmp_path
