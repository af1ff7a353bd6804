"""Who may what where callers sign: users with the template's policies, and IAM enforced."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import roles
from botocore.credentials import Credentials
from harness import Harness, problem
from watchers import dial
from websockets.exceptions import InvalidStatus

from stack import template
from stack.api import Api
from stack.local_stack import Options, running

_TABLE = roles.documented()
_OF_HTTP = [route for route in roles.routes(template.load()) if not route.is_of_web_sockets]


@pytest.fixture(scope="module")
def enforcing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    """A stack that enforces IAM."""
    options = Options(name="test-roles-iam", timing="fast", auth=True, build=False, simulation=["--latency", "none"])
    with running(options) as stack:
        yield Harness(stack, tmp_path_factory.mktemp("roles"))


@pytest.fixture(scope="module")
def users(enforcing: Harness) -> dict[str, Credentials]:
    """A user of each role, and one that has none."""
    iam = enforcing.stack.aws.client("iam")
    found = {}
    for name in (*roles.NAMES, "nobody"):
        iam.create_user(UserName=name)
        if name != "nobody":
            policy = enforcing.stack.outputs[f"{name.capitalize()}PolicyArn"]
            iam.attach_user_policy(UserName=name, PolicyArn=policy)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        found[name] = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
    return found


def _by(harness: Harness, user: Credentials) -> Api:
    return Api.local(harness.stack.aws, harness.stack.outputs["ApiId"], credentials=user)


@pytest.mark.parametrize("name", [*roles.NAMES, "nobody"])
def test_a_policy_lets_its_bearer_use_its_routes_and_no_other(
    enforcing: Harness, users: dict[str, Credentials], name: str
) -> None:
    api = _by(enforcing, users[name])
    answers = {route.key: api.request(route.method, route.path) for route in _OF_HTTP}
    let_in = {key for key, answer in answers.items() if answer.status not in (401, 403)}
    assert let_in == {route.key for route in _OF_HTTP if name in _TABLE[route.key]}
    assert all("x-trace-id" in answers[key].headers for key in let_in), "a function answered"


def test_by_force_asks_who_may_use_its_route_and_nobody_else(
    enforcing: Harness, users: dict[str, Credentials]
) -> None:
    """IAM sees no bodies: by the usual route nobody who signs asks by force, not even an operator."""
    dr = enforcing.dr(1, seed=2110)
    enforcing.upload(dr)
    enforcing.evaluate(dr)
    body = json.dumps({"dr_number": dr.number, "force": True}).encode()
    for name in ("technician", "reviewer", "operator"):
        refused = problem(_by(enforcing, users[name]).request("POST", "/evaluations", body), 403)
        assert "POST /evaluations/forced" in refused["detail"]
    forced = _by(enforcing, users["operator"]).start(dr.number, force=True)
    assert (forced.status, forced.body["missed_because"]) == (202, ["forced"])
    enforcing.completed(forced.body["evaluation_id"])


@pytest.mark.parametrize("name", [*roles.NAMES, "nobody"])
def test_who_has_a_role_connects(enforcing: Harness, users: dict[str, Credentials], name: str) -> None:
    if name in _TABLE[roles.CONNECT]:
        dial(enforcing, credentials=users[name]).close()
        return
    with pytest.raises(InvalidStatus) as refused:
        dial(enforcing, credentials=users[name])
    assert refused.value.response.status_code == 403
