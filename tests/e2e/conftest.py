"""One stack for all end-to-end tests, with short times; each test has DRs of its own.

`infra/local test` has several pytest processes run the files, each with stacks of its own
(pytest-xdist). What tests tell people comes at the end, before the summary.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from faults import Faults
from harness import Harness
from pages import browser, pages, stack_of_pages  # noqa: F401

from stack.local_stack import Options, running

#: What is slow begins early, so that nobody is waited for at the end. A worker begins its last test
#: only when it knows what comes next: behind the files of one or two slow tests stand two that are
#: done in no time.
_FIRST = (
    "test_servers.py",
    "test_outage.py",
    "test_rollback.py",
    "test_alarms.py",
    "test_crashes.py",
    "test_simulation.py",
    "test_vlm_faults.py",
    "test_template.py",
    "test_text.py",
    "test_modes.py",
    "test_load.py",
)
_TOLD = "told"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Brings the slow files forward; within a file the order stays."""
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    name = item.path.name
    return _FIRST.index(name) if name in _FIRST else len(_FIRST)


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Has people told something at the end of all tests."""
    return lambda text: record_property(_TOLD, text)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints what tests told."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, text in report.user_properties if report.when == "call" else ():
                if name == _TOLD:
                    terminalreporter.section(report.nodeid.rpartition("::")[2])
                    terminalreporter.write_line(str(text))


def _options(name: str, *, build: bool) -> Options:
    # Tests count requests to the VLM; those about looks have them.
    parameters = {"Looks": "false"}
    return Options(name=name, timing="fast", build=build, simulation=["--latency", "none"], parameters=parameters)


def _nothing_was_refused(harness: Harness) -> None:
    """AWS would have refused it, too. What a test provokes it takes away (`Strict.provoked`)."""
    refused = [
        f"{entry['caller'] or 'a test'}: {entry['operation']}: {entry['code']}: {entry['message']}"
        for entry in harness.strict.refusals()
    ]
    assert not refused, "\n".join(refused)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    """The stack, started when the first test wants it."""
    build = not os.environ.get("E2E_NO_BUILD")
    with running(_options("test", build=build)) as stack:
        harness = Harness(stack, tmp_path_factory.mktemp("drs"))
        # Tests count requests: a machine that stands still for seconds makes none more.
        with harness.waiting_for_the_vlm(answer_s=18, first_token_s=16, stall_s=15):
            yield harness
        _nothing_was_refused(harness)


@pytest.fixture
def harness(shared: Harness) -> Iterator[Harness]:
    """The stack, its VLM well-behaved before and after the test."""
    shared.vlm.reset()
    yield shared
    shared.vlm.reset()


@pytest.fixture(scope="session")
def hurried_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    """A stack whose queues give back soon what was lost."""
    with running(_options("test-faults", build=False)) as stack:
        harness = Harness(stack, tmp_path_factory.mktemp("faults"))
        Faults(harness).hurry()
        yield harness
        _nothing_was_refused(harness)


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
