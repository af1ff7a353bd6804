"""The project's Markdown keeps to its rules, and each check notices when a rule is broken."""

from __future__ import annotations

from pathlib import Path

import pytest
import text_checks as checks
from text_checks import Document, Repository

_REPOSITORY = Repository.at(Path(__file__).resolve().parents[2])
#: The longest line that may be.
_LONG = "x" * checks.WIDEST

#: A check, and a text that it must complain about.
_BROKEN: list[tuple[checks.Check, str]] = [
    (checks.lines_are_short, f"{_LONG}x"),
    (checks.lines_are_short, f"```\n{_LONG}x\n```\n{_LONG}x"),
    (checks.links_lead_somewhere, "See [the map](../nowhere.md)."),
    (checks.links_lead_somewhere, "See [the map](text_checks.py) and [another](README.md#map)."),
    (checks.named_paths_exist, "It is in `tests/text/nowhere.py`."),
    (checks.named_paths_exist, "It is in `.ci/nowhere`."),
    (checks.named_tests_exist, "Held by `a_test_that_nobody_has_written`."),
]

_FINE = f"""\
{_LONG}
| {_LONG} |
  ```
{_LONG}x and `tests/text/nowhere.py`
  ```
[a file](text_checks.py), [a folder](../text/), [a place](test_text.py#here), [here](#here)
[there](https://a.example/b)
`tests/text/test_text.py`, `tests/text`, `tests/text/*.py`, `infra/.tools`, `not_evaluated`, `photos/{{dr_number}}/`
`test_what_keeps_to_the_rules_is_fine`
"""


def _document(text: str) -> Document:
    return Document("tests/text/example.md", text)


@pytest.mark.parametrize("check", checks.ALL, ids=lambda check: check.__name__)
def test_the_documents_keep_to_the_rules(check: checks.Check) -> None:
    documents = list(_REPOSITORY.documents())
    assert documents
    wrong = [f"{document.name}:{found}" for document in documents for found in check(document, _REPOSITORY)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(("check", "text"), _BROKEN)
def test_a_broken_rule_is_noticed_once(check: checks.Check, text: str) -> None:
    assert len(check(_document(text), _REPOSITORY)) == 1


@pytest.mark.parametrize("check", checks.ALL, ids=lambda check: check.__name__)
def test_what_keeps_to_the_rules_is_fine(check: checks.Check) -> None:
    assert check(_document(_FINE), _REPOSITORY) == []


def test_every_check_has_been_seen_to_notice_something() -> None:
    assert {check for check, _ in _BROKEN} == set(checks.ALL)
