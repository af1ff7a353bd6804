"""The list of checks that `infra/local mutate` takes out, against the code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

_REPO = Path(__file__).resolve().parents[2]
_LIST = json.loads((_REPO / "tests" / "simulation" / "mutations.json").read_text())


@pytest.mark.parametrize("mutation", _LIST, ids=lambda mutation: mutation["name"])
def test_each_check_is_where_the_list_says(mutation: dict[str, str]) -> None:
    assert (_REPO / mutation["file"]).read_text().count(mutation["from"]) == 1
    assert mutation["to"] != mutation["from"]
