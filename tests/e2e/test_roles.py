"""Who may what where callers bring tokens: every route, by every role and with every token that is no good."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import roles
from exif import Taken, retake
from harness import Dr, Harness, problem
from watchers import Watcher, dial
from websockets.exceptions import InvalidStatus

from stack import template
from stack.api import Answer, Api
from stack.issuer import AUDIENCE, Issuer, new_key
from stack.local_stack import Options, running

_LOADED = template.load()
_TABLE = roles.documented()
_ROUTES = roles.routes(_LOADED)
_OF_HTTP = [route for route in _ROUTES if not route.is_of_web_sockets]
_SECRETS = ("-26.2", "28.04", "E2E-2100")


def _scope(*names: str) -> str:
    return " ".join(["openid", *(f"evaluations/{name}" for name in names)])


# ---------------------------------------------------------------- table and template


def test_the_table_and_the_template_name_the_same_routes() -> None:
    assert {route.key for route in _ROUTES} == _TABLE.keys(), "a new route needs a row, and a row a route"
    assert "$default" not in _TABLE, "one route for everything would be open to whoever may use any"


@pytest.mark.parametrize("route", _OF_HTTP, ids=lambda route: route.key)
def test_a_route_takes_the_scopes_of_its_roles(route: roles.Route) -> None:
    assert roles.by_scopes(route) == _TABLE[route.key]


@pytest.mark.parametrize("name", roles.NAMES)
def test_a_role_s_policy_lets_its_bearer_use_its_routes_and_no_other(name: str) -> None:
    policy = _LOADED["Resources"][f"{name.capitalize()}Policy"]["Properties"]
    allowed = {route.key for route in _ROUTES if roles.allowed_by(policy, route)}
    assert allowed == {key for key, names in _TABLE.items() if name in names}


def test_each_role_may_what_is_said_of_it() -> None:
    may = {name: {key for key, names in _TABLE.items() if name in names} for name in roles.NAMES}
    assert may["technician"] | may["viewer"] < may["reviewer"] < may["operator"] == _TABLE.keys()


def test_who_called_is_in_the_access_logs() -> None:
    http, web_sockets = (
        json.loads(_LOADED["Resources"][stage]["Properties"]["AccessLogSettings"]["Format"])
        for stage in ("HttpApiStage", "EventsStage")
    )
    assert http["subject"] == "$context.authorizer.claims.sub"
    assert web_sockets["subject"] == "$context.authorizer.principalId"
    assert http["arn"] == web_sockets["arn"] == "$context.identity.userArn"
    assert http["path"] == "$context.path" and web_sockets["connection"] == "$context.connectionId"


def test_a_wrong_template_is_noticed() -> None:
    """By what the tests above look at."""
    broken = copy.deepcopy(_LOADED)
    route = broken["Resources"]["EvidenceRoute"]["Properties"]["AuthorizationScopes"]["Fn::If"][1]
    route.append({"Ref": "ViewerScope"})
    resources = broken["Resources"]["ViewerPolicy"]["Properties"]["PolicyDocument"]["Statement"][0]["Resource"]
    pattern = next(one for one in resources if "????" in one["Fn::Sub"])
    pattern["Fn::Sub"] = pattern["Fn::Sub"].partition("????")[0] + "*"
    (evidence,) = [one for one in roles.routes(broken) if one.key.endswith("/evidence")]
    assert roles.by_scopes(evidence) != _TABLE[evidence.key]
    assert roles.allowed_by(broken["Resources"]["ViewerPolicy"]["Properties"], evidence), "a star goes beyond slashes"


# ---------------------------------------------------------------- tokens


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    """Who gives tokens."""
    with Issuer() as one:
        yield one


@pytest.fixture(scope="module")
def guarded(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    """A stack whose callers bring tokens; the harness's own are an operator's."""
    parameters = {"Looks": "false", "JwtIssuer": issuer.url, "JwtAudience": AUDIENCE, "PhotoAccessLogs": "true"}
    options = Options(
        name="test-roles", timing="fast", build=False, simulation=["--latency", "none"], parameters=parameters
    )
    with running(options) as stack:
        harness = Harness(stack, tmp_path_factory.mktemp("roles"))
        harness.api = _by(harness, issuer.token(_scope("operator")))
        yield harness


def _by(harness: Harness, token: str | None) -> Api:
    return Api.local(harness.stack.aws, harness.stack.outputs["ApiId"], token=token)


def _asked(api: Api, route: roles.Route, body: bytes | None = None) -> Answer:
    return api.request(route.method, route.path, body, signed=False)


_BAD: dict[str, Callable[[Issuer], str | None]] = {
    "missing": lambda _: None,
    "garbage": lambda _: "no.token.at.all",
    "expired": lambda issuer: issuer.token(_scope("operator"), exp=int(time.time()) - 90),
    "not yet good": lambda issuer: issuer.token(_scope("operator"), nbf=int(time.time()) + 3600),
    "for another audience": lambda issuer: issuer.token(_scope("operator"), aud="another"),
    "for nobody": lambda issuer: issuer.token(_scope("operator"), aud=None),
    "of another issuer": lambda issuer: issuer.token(_scope("operator"), iss="http://127.0.0.1:1"),
    "by another key": lambda issuer: issuer.signed(issuer.claims(_scope("operator")), new_key()),
    "by an unknown key": lambda issuer: issuer.signed(issuer.claims(_scope("operator")), kid="another"),
    "signed by nobody": lambda issuer: issuer.signed(issuer.claims(_scope("operator")), alg="none"),
}
_WITHOUT_A_ROLE = {
    "no scope": {"scope": None},
    "another scope": {"scope": "openid profile"},
    "almost one": {"scope": "evaluations evaluations/operators operator EVALUATIONS/OPERATOR"},
    "a role elsewhere": {"scope": "openid", "roles": ["operator"], "cognito:groups": ["evaluations/operator"]},
}


@pytest.mark.parametrize("kind", _BAD)
def test_no_route_takes_a_token_that_is_no_good(guarded: Harness, issuer: Issuer, kind: str) -> None:
    api = _by(guarded, _BAD[kind](issuer))
    assert {route.key: _asked(api, route).status for route in _OF_HTTP} == {route.key: 401 for route in _OF_HTTP}


@pytest.mark.parametrize("kind", _WITHOUT_A_ROLE)
def test_no_route_takes_a_token_that_gives_no_role(guarded: Harness, issuer: Issuer, kind: str) -> None:
    api = _by(guarded, issuer.token("", **_WITHOUT_A_ROLE[kind]))
    assert {route.key: _asked(api, route).status for route in _OF_HTTP} == {route.key: 403 for route in _OF_HTTP}


@pytest.mark.parametrize("name", roles.NAMES)
def test_each_role_is_let_to_its_routes_and_to_no_other(guarded: Harness, issuer: Issuer, name: str) -> None:
    api = _by(guarded, issuer.token(_scope(name)))
    answers = {route.key: _asked(api, route) for route in _OF_HTTP}
    let_in = {key for key, answer in answers.items() if answer.status not in (401, 403)}
    assert let_in == {route.key for route in _OF_HTTP if name in _TABLE[route.key]}
    for key in let_in:
        assert answers[key].status < 500 and "x-trace-id" in answers[key].headers, f"{key}: a function answered"


def test_who_fetches_photos_is_logged_by_a_parameter(guarded: Harness) -> None:
    guarded.stack.aws.client("s3").head_bucket(Bucket=guarded.stack.outputs["PhotoAccessLogsBucketName"])
    bucket = _LOADED["Resources"]["PhotoAccessLogsBucket"]["Properties"]
    (rule,) = bucket["LifecycleConfiguration"]["Rules"]
    assert (rule["Status"], rule["ExpirationInDays"]) == ("Enabled", {"Ref": "AccessLogRetentionDays"})
    logged = _LOADED["Resources"]["PhotosBucket"]["Properties"]["LoggingConfiguration"]["Fn::If"]
    assert logged[0] == "LogsPhotoAccess" and logged[1]["DestinationBucketName"] == {"Ref": "PhotoAccessLogsBucket"}


def test_by_force_asks_an_operator_and_nobody_else(guarded: Harness, issuer: Issuer) -> None:
    dr = guarded.dr(1, seed=2100)
    guarded.upload(dr)
    body = json.dumps({"dr_number": dr.number, "force": True}).encode()
    for name in set(roles.NAMES) - {"operator"}:
        answer = _by(guarded, issuer.token(_scope(name))).request("POST", "/evaluations", body)
        assert answer.status == 403, name
        if "technician" in _TABLE["POST /evaluations"] and name != "viewer":
            refused = problem(answer, 403)
            assert refused["type"].endswith(":not-allowed") and "operator" in refused["detail"]
    first = guarded.evaluate(dr)["evaluation_id"]
    by_token = guarded.api.request("POST", "/evaluations", body)
    assert (by_token.status, by_token.body["missed_because"]) == (202, ["forced"])
    by_route = guarded.evaluate(dr, force=True)["evaluation_id"]
    assert len({first, by_token.body["evaluation_id"], by_route}) == 3


# ---------------------------------------------------------------- what only reviewers see


def _all_that_others_see(guarded: Harness, api: Api, dr: Dr, evaluation_id: str) -> str:
    seen = [
        api.evaluation(evaluation_id).body,
        api.request("GET", f"/drs/{dr.number}").body,
        api.history(dr.number).body,
    ]
    return json.dumps(seen)


def test_only_reviewers_see_positions_cameras_and_other_drs(guarded: Harness, issuer: Issuer) -> None:
    first, second = (guarded.dr(2, seed=seed, serial="ALCL21000001") for seed in (2101, 2102))
    for dr, latitude, serial in ((first, -27.2041, "E2E-2100"), (second, -26.2041, "E2E-2100")):
        for photo in dr.photos:
            retake(photo, Taken("2026:01:14 10:15:00", (latitude, 28.0473), camera_serial=serial))
    used = first.photos[0]
    guarded.upload(first)
    guarded.evaluate(first)
    guarded.upload(second)
    guarded.put(second.number, "IMG-1.jpg", used.read_bytes())
    watcher = Watcher(guarded, issuer.token(_scope("viewer")))
    watcher.subscribe(dr_number=second.number)
    watcher.until("state")
    evaluation_id = guarded.evaluate(second)["evaluation_id"]
    watcher.until("verdict")
    place = json.dumps({"expected_position": {"latitude": -26.2041, "longitude": 28.0473}}).encode()
    assert guarded.api.request("PUT", f"/drs/{second.number}", place).status == 200
    events = json.dumps(watcher.messages())
    watcher.end()
    for name in ("technician", "viewer", "reviewer", "operator"):
        api = _by(guarded, issuer.token(_scope(name)))
        seen = _all_that_others_see(guarded, api, second, evaluation_id)
        for secret in (*_SECRETS, first.number):
            assert secret not in seen + events, f"{name} sees {secret}"
        for code in ("used_in_another_dr", "camera_in_two_places"):
            assert code in seen and code in events, "that it is so is for everybody"

    answer = _by(guarded, issuer.token(_scope("reviewer"))).request("GET", f"/evaluations/{evaluation_id}/evidence")
    assert answer.status == 200
    _is_complete(answer.body, first, second)
    known = _by(guarded, issuer.token(_scope("reviewer"))).request(
        "GET", f"/evaluations/{evaluation_id}/evidence", if_none_match=answer.headers["etag"]
    )
    assert known.status == 304


def _is_complete(evidence: dict[str, Any], first: Dr, second: Dr) -> None:
    photos = {photo["name"]: photo for photo in evidence["photos"]}
    own, foreign = photos[second.photos[0].name], photos["IMG-1.jpg"]
    assert own["position"] == pytest.approx({"latitude": -26.2041, "longitude": 28.0473}, abs=1e-4)
    assert own["camera_serial"] == foreign["camera_serial"] == "E2E-2100"
    assert (own["metres_from_expected"], own["also_in"]) == (0, None)
    assert foreign["also_in"] == {"dr_number": first.number, "photo": first.photos[0].name, "how": "same_file"}
    assert evidence["expected_position"] == {"latitude": -26.2041, "longitude": 28.0473}
    (camera,) = evidence["cameras"]
    assert (camera["other"]["dr_number"], camera["kilometres"]) == (first.number, 111)
    assert camera["other"]["position"]["latitude"] == pytest.approx(-27.2041, abs=1e-4)
    assert camera["own"]["at"] == camera["other"]["at"] == "2026-01-14T10:15:00.000Z"
    messages = {flag["code"]: flag["message"] for flag in evidence["flags"]}
    for code in ("used_in_another_dr", "camera_in_two_places"):
        assert first.number in messages[code]


# ---------------------------------------------------------------- WebSocket


@pytest.mark.parametrize("name", roles.NAMES)
@pytest.mark.parametrize("by_query", [False, True], ids=["header", "query"])
def test_any_role_may_watch(guarded: Harness, issuer: Issuer, name: str, *, by_query: bool) -> None:
    assert name in _TABLE[roles.CONNECT]
    watcher = Watcher(guarded, issuer.token(_scope(name), subject=f"{name}-{by_query}"), by_query=by_query)
    watcher.subscribe(dr_number="E2EROLES1")
    (state,) = watcher.until("state")
    assert state["watch"] == {"dr_number": "E2EROLES1"}
    watcher.end()


@pytest.mark.parametrize("kind", [*_BAD, *_WITHOUT_A_ROLE])
def test_nobody_connects_without_a_good_token(guarded: Harness, issuer: Issuer, kind: str) -> None:
    token = _BAD[kind](issuer) if kind in _BAD else issuer.token("", **_WITHOUT_A_ROLE[kind])
    with pytest.raises(InvalidStatus) as refused:
        dial(guarded, signed=False, token=token)
    assert refused.value.response.status_code in (401, 403)
