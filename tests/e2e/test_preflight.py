"""Before a deploy it is said whether the stack fits into the account: its concurrency, and API Gateway's role for logs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from harness import Harness

from stack import cli, preflight, template
from stack.commands import preflight as command
from stack.errors import StackError

_LOADED = template.load()
_SMALLEST = {
    "VlmMaxConcurrency": 2,
    "BulkMaxConcurrency": 2,
    "UploadsMaxConcurrency": 2,
    "ResultsMaxConcurrency": 2,
}


def _verdict(account: int, **overrides: int) -> preflight.Verdict:
    given = {name: str(number) for name, number in overrides.items()}
    return preflight.verdict(_LOADED, given, account)


def test_every_event_source_counts_and_two_requests() -> None:
    verdict = _verdict(1000)
    bounds = {source.name: source.bound for source in verdict.sources}
    assert bounds == {
        "UploadsEventSource": 5,
        "BatchesEventSource": 4,
        "BulkEventSource": 2,
        "ResultsEventSource": 10,
        "BatchesDeadLetterEventSource": 2,
        "ResultsDeadLetterEventSource": 2,
    }
    assert (verdict.needed, verdict.needed_without_dead_letters, verdict.fits) == (27, 23, "yes")
    assert _verdict(27).fits == "yes"
    assert _verdict(26).fits == "tightly"
    assert _verdict(22).fits == "no"


def test_the_smallest_stack_fits_into_an_account_of_ten_while_there_are_no_dead_letters() -> None:
    verdict = _verdict(10, **_SMALLEST)
    assert (verdict.needed, verdict.needed_without_dead_letters, verdict.fits) == (14, 10, "tightly")
    assert "tightly" in "\n".join(command.lines(verdict))


def test_what_would_make_it_fit_is_said_and_does() -> None:
    for account in range(10, 40):
        suggestion = _verdict(account).suggestion
        assert suggestion is not None
        assert _verdict(account, **suggestion).fits != "no", account
    assert _verdict(10).suggestion == _SMALLEST
    said = "\n".join(command.lines(_verdict(20)))
    assert "does not fit" in said
    assert "ResultsMaxConcurrency=" in said
    assert preflight.QUOTA in said


def test_an_account_that_is_too_small_for_any_is_told_which_quota_to_raise() -> None:
    verdict = _verdict(9)
    assert verdict.suggestion is None
    assert preflight.QUOTA in "\n".join(command.lines(verdict))


@pytest.mark.parametrize(
    ("overrides", "says"),
    [({"VlmMaxConcurency": "2"}, "no parameter VlmMaxConcurency"), ({"BulkMaxConcurrency": "1"}, "from 2 to 1000")],
    ids=str,
)
def test_wrong_parameters_are_told(overrides: dict[str, str], says: str) -> None:
    with pytest.raises(StackError, match=says):
        preflight.verdict(_LOADED, overrides, 1000)


_ROLE = "arn:aws:iam::123456789012:role/somebody-s"


@pytest.mark.parametrize(
    ("arn", "overrides", "becomes", "says"),
    [
        (None, {}, "made", "the stack makes one"),
        (_ROLE, {}, "replaced", "MakeApiLogRole=false"),
        (_ROLE, {"MakeApiLogRole": "false"}, "kept", f"with {_ROLE}, which stays"),
        (None, {"MakeApiLogRole": "false"}, "missing", "would fail"),
    ],
    ids=str,
)
def test_what_becomes_of_the_role_that_api_gateway_writes_logs_with_is_said(
    arn: str | None, overrides: dict[str, str], becomes: str, says: str
) -> None:
    role = preflight.log_role(_LOADED, overrides, arn)
    assert role.becomes == becomes
    assert says in "\n".join(command.about(role))


def test_a_role_that_is_made_perhaps_is_refused() -> None:
    with pytest.raises(StackError, match="MakeApiLogRole=yes"):
        preflight.log_role(_LOADED, {"MakeApiLogRole": "yes"}, None)


class _Account:
    """An account that has room, and no role for API Gateway's logs."""

    def get_account_settings(self) -> dict[str, Any]:
        return {"AccountLimit": {"UnreservedConcurrentExecutions": 1000}}

    def get_account(self) -> dict[str, Any]:
        return {"apiKeyVersion": "4"}


@pytest.mark.parametrize(("given", "ends"), [([], 0), (["--parameter-overrides", "MakeApiLogRole=false"], 1)], ids=str)
def test_a_deploy_that_would_fail_for_want_of_a_role_ends_the_command_with_1(
    monkeypatch: pytest.MonkeyPatch, given: list[str], ends: int
) -> None:
    monkeypatch.setattr(command, "_client", lambda _arguments, _service: _Account())
    assert command.run(cli._understood(cli._parser(), ["preflight", *given])) == ends


def test_the_command_asks_the_account_and_changes_nothing(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "_client", lambda _arguments, service: harness.stack.aws.client(service))
    said = _run(capsys, "preflight", "--json", "--parameter-overrides", "VlmMaxConcurrency=4", "VlmModel=m")
    limit = harness.stack.aws.client("lambda").get_account_settings()["AccountLimit"]
    assert (said["account"], said["needed"]) == (limit["UnreservedConcurrentExecutions"], 27)
    assert "-ApiLogRole-" in said["log_role"]["arn"], "the local stack has made one, as a first deploy on AWS does"


def _run(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    parsed = cli._understood(cli._parser(), list(arguments))
    assert command.run(parsed) == 0
    return dict(json.loads(capsys.readouterr().out))
