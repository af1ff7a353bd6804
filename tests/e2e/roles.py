"""Who may what: the table of functions/api/README.md, and a request by each route of the template."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import Any

from template_checks import PUBLIC

from stack import template
from stack.paths import REPO

NAMES = ("technician", "viewer", "reviewer", "operator")
#: Who connects to the WebSocket API.
CONNECT = "$connect"
_ROW = re.compile(r"^\| `(?P<route>[^`]+)` \|(?P<cells>.*)\|$")
_PARTS = {
    "dr_number": "E2EROLES1",
    "evaluation_id": str(uuid.UUID(int=7)),
    "photo_id": "0" * 16,
    "number": "1",
    "version": "v0",
}


@dataclass(frozen=True)
class Route:
    """A route that wants to know who calls, as the template has it."""

    key: str
    scopes: Any
    is_of_web_sockets: bool

    @property
    def method(self) -> str:
        """Its method."""
        return self.key.partition(" ")[0]

    @property
    def path(self) -> str:
        """A path of it, about things that there are not."""
        return re.sub(r"\{(\w+)\}", lambda part: _PARTS[part[1]], self.key.partition(" ")[2])


def documented() -> dict[str, set[str]]:
    """The roles that may use each route, as README.md says it."""
    text = (REPO / "functions/api/README.md").read_text()
    section = text.partition("\n## Who may what\n")[2].partition("\n## ")[0]
    rows = [_ROW.match(line) for line in section.splitlines()]
    table = {}
    for row in filter(None, rows):
        cells = [cell.strip() for cell in row["cells"].split("|")]
        assert len(cells) == len(NAMES) and set(cells) <= {"yes", ""}, row[0]
        table[row["route"]] = {name for name, cell in zip(NAMES, cells) if cell}
    return table


def routes(parsed: dict[str, Any] | None = None) -> list[Route]:
    """The routes of the template, but for the page's, and those on a connection that somebody was let into."""
    resources = (parsed or template.load())["Resources"]
    found = []
    for resource in resources.values():
        if resource["Type"] != "AWS::ApiGatewayV2::Route":
            continue
        properties = resource["Properties"]
        protocol = resources[properties["ApiId"]["Ref"]]["Properties"]["ProtocolType"]
        key, is_of_web_sockets = properties["RouteKey"], protocol == "WEBSOCKET"
        if key in PUBLIC:
            continue
        if not is_of_web_sockets or key == CONNECT:
            found.append(Route(key, properties.get("AuthorizationScopes"), is_of_web_sockets))
    return found


def by_scopes(route: Route) -> set[str]:
    """The roles whose scopes a route takes where callers bring tokens; without any it would take every token."""
    condition, scopes, otherwise = route.scopes["Fn::If"]
    assert (condition, otherwise) == ("UseJwt", {"Ref": "AWS::NoValue"}), route.key
    return {scope["Ref"].removesuffix("Scope").lower() for scope in scopes}


def allowed_by(policy: dict[str, Any], route: Route) -> bool:
    """Whether a policy of the template lets its bearer use a route, as IAM reads patterns."""
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Allow", "execute-api:Invoke")
    api, stage = ("EventsApi", "live") if route.is_of_web_sockets else ("HttpApi", "$default")
    what = CONNECT if route.is_of_web_sockets else f"{route.method}{route.path}"
    own = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:"
    return any(_matches(resource["Fn::Sub"], f"{own}${{{api}}}/{stage}/{what}") for resource in statement["Resource"])


def _matches(pattern: str, arn: str) -> bool:
    """A star goes beyond slashes."""
    parts = [".*" if part == "*" else "." if part == "?" else re.escape(part) for part in re.split(r"([*?])", pattern)]
    return re.fullmatch("".join(parts), arn) is not None
