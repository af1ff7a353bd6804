"""infra/vlm: vLLM's settings fit what template.yaml sends, and the server's template keeps its promises."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import template_checks as checks
import yaml
from ministack.services.cloudformation import engine

from stack import template
from stack.paths import REPO, VLM_SETTINGS, VLM_TEMPLATE

Template = dict[str, Any]
_EVALUATION = template.load()
_SERVER = template.load(VLM_TEMPLATE)
_SETTINGS = yaml.safe_load(VLM_SETTINGS.read_text())
#: What the parameters without a default need.
_GIVEN = {
    "VpcId": "vpc-0a1",
    "SubnetIds": "subnet-0a1,subnet-0b2",
    "RouteTableIds": "rtb-0a1",
    "ModelBucket": "weights",
    "ModelPrefix": "qwen3-vl-8b",
    "DomainName": "vlm.example.org",
    "CertificateArn": "arn:aws:acm:eu-west-1:123456789012:certificate/0a1b-2c3d",
}
#: What EC2 takes as the description of a security group or of a rule in one.
_TAKEN_BY_EC2 = re.compile(r"[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{0,255}")
#: Rights that know no resource on AWS.
_WITHOUT_RESOURCE = ("ecr:GetAuthorizationToken", "ssm:UpdateInstanceInformation", "ssmmessages:", "ec2:Describe")


def test_the_server_takes_what_the_functions_send_and_no_request_of_ours_waits_there() -> None:
    parameters = _EVALUATION["Parameters"]
    default = {name: declared.get("Default") for name, declared in parameters.items()}
    most = default["VlmMaxConcurrency"] * default["PhotosInFlight"]
    most += default["BulkMaxConcurrency"] * default["BulkPhotosInFlight"]
    assert _SETTINGS["max-num-seqs"] == most == _EVALUATION["Metadata"]["VlmServer"]["MaxNumSeqs"]
    assert _SETTINGS["max-num-queued-reqs"] >= 2 * most, "it counts what runs as well"
    assert _SETTINGS["limit-mm-per-prompt"]["image"]["count"] == parameters["PhotosPerRequest"]["MaxValue"]
    assert _SETTINGS["served-model-name"] == default["VlmModel"]


def test_the_largest_photo_and_the_most_photos_fit_into_a_request() -> None:
    folder = REPO / "shared" / "photos" / "src" / "size_policies"
    policies = sorted(folder.glob("*.json"), key=lambda path: int(path.stem[1:]))
    policy = json.loads(policies[-1].read_text())
    largest = max(value for value in _numbers(policy) if value in (800, 1280))
    image = _SETTINGS["limit-mm-per-prompt"]["image"]
    assert image["width"] == image["height"] == largest
    cells = (largest // 32) ** 2 + 2
    assert _SETTINGS["max-num-batched-tokens"] > cells, "an image is computed in one piece"
    assert _SETTINGS["max-model-len"] > 10 * (800 // 32) ** 2 + 4_000, "ten photos, prompt and answers"


def _numbers(value: Any) -> Iterator[int]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _numbers(inner)
    elif isinstance(value, int):
        yield value


def nobody_comes_in_from_elsewhere(server: Template) -> list[str]:
    """Only other groups of this template are let in, over TLS or to vLLM's port; and nobody has a key pair."""
    wrong = []
    for name, group in checks.resources(server, "AWS::EC2::SecurityGroup"):
        for rule in group.get("SecurityGroupIngress", []):
            if "SourceSecurityGroupId" not in rule or rule["FromPort"] not in (443, 8000):
                wrong.append(f"{name}: {rule}")
    instance = server["Resources"]["Server"]["Properties"]
    return wrong + [name for name in ("KeyName", "NetworkInterfaces") if name in instance]


def descriptions_of_groups_are_such_as_ec2_takes(server: Template) -> list[str]:
    """EC2 refuses any other character, an apostrophe among them, when the stack is half made."""
    said = []
    for name, group in checks.resources(server, "AWS::EC2::SecurityGroup"):
        rules = [*group.get("SecurityGroupIngress", []), *group.get("SecurityGroupEgress", [])]
        said += [(name, one) for one in (group["GroupDescription"], *(rule.get("Description", "") for rule in rules))]
    for direction in ("Ingress", "Egress"):
        for name, rule in checks.resources(server, f"AWS::EC2::SecurityGroup{direction}"):
            said.append((name, rule.get("Description", "")))
    return [f"{name}: {one}" for name, one in said if not _TAKEN_BY_EC2.fullmatch(one)]


def photos_never_travel_in_the_clear(server: Template) -> list[str]:
    """Neither to the balancer nor behind it, and the balancer is no public one."""
    resources = server["Resources"]
    wrong = [name for name in ("Listener", "Servers") if resources[name]["Properties"]["Protocol"] != "HTTPS"]
    public = resources["Balancer"]["Properties"].get("Scheme") != "internal"
    plain = "--ssl-keyfile" not in json.dumps(resources["Server"]["Properties"]["UserData"])
    return wrong + ["public"] * public + ["the server speaks no TLS"] * plain


def roles_are_least_privilege(server: Template) -> list[str]:
    """Actions and resources are named; no managed policy."""
    wrong = []
    for name, role in checks.resources(server, "AWS::IAM::Role"):
        wrong += [f"{name}: {policy}" for policy in role.get("ManagedPolicyArns", [])]
        for policy in role["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                wrong += [f"{name}: {action}" for action in _any(statement)]
    return wrong


def _any(statement: dict[str, Any]) -> list[str]:
    actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
    free = statement["Resource"] == "*"
    return [
        action for action in actions if "*" in action or (free and not action.startswith(_WITHOUT_RESOURCE))
    ]


def the_machine_gives_its_rights_to_no_container(server: Template) -> list[str]:
    """Metadata only with a session's token, and one hop away; the disk is encrypted."""
    data = server["Resources"]["ServerTemplate"]["Properties"]["LaunchTemplateData"]
    options = data["MetadataOptions"]
    fine = options["HttpTokens"] == "required" and options["HttpPutResponseHopLimit"] == 1
    plain = [disk["DeviceName"] for disk in data["BlockDeviceMappings"] if disk["Ebs"].get("Encrypted") is not True]
    return plain + ([] if fine else ["metadata"])


def the_balancer_waits_longer_than_the_functions(server: Template) -> list[str]:
    """Or it would break off answers that the functions still wait for."""
    attributes = server["Resources"]["Balancer"]["Properties"]["LoadBalancerAttributes"]
    idle = {one["Key"]: one["Value"] for one in attributes}["idle_timeout.timeout_seconds"]
    timeout = _EVALUATION["Mappings"]["Timing"]["standard"]["VlmTimeout"]
    return [] if int(idle) > timeout else [f"{idle} s"]


def all_that_waits_starts_the_server_and_keeps_it(server: Template) -> list[str]:
    """Visible, being asked about, and delayed, of both queues: a photo that waits out an outage is a delayed one."""
    wrong = []
    for name in ("PhotosWait", "NothingWaits"):
        metrics = server["Resources"][name]["Properties"]["Metrics"]
        counted = {
            (one["MetricStat"]["Metric"]["MetricName"], one["MetricStat"]["Metric"]["Dimensions"][0]["Value"]["Ref"])
            for one in metrics
            if "MetricStat" in one
        }
        states = [f"ApproximateNumberOfMessages{state}" for state in ("Visible", "NotVisible", "Delayed")]
        wanted = {(state, f"{queue}QueueName") for state in states for queue in ("Batches", "Bulk")}
        wrong += [f"{name}: {missing}" for missing in wanted - counted]
    return wrong


def whoever_asks_in_vain_is_heard(server: Template) -> list[str]:
    """Stopped, the server is answered for with 503; up without vLLM with 502 or 504, for the balancer asks it still."""
    alarm = server["Resources"]["NoServerAlarm"]["Properties"]
    metric = (alarm["Namespace"], alarm["MetricName"], alarm["Statistic"])
    return [] if metric == ("AWS/ApplicationELB", "HTTPCode_ELB_5XX_Count", "Sum") else [str(metric)]


def _put(path: str, value: Any) -> Callable[[Template], None]:
    def change(broken: Template) -> None:
        *way, last = path.split(".")
        place: Any = broken["Resources"]
        for part in way:
            place = place[int(part) if isinstance(place, list) else part]
        place[int(last) if isinstance(place, list) else last] = value

    return change


_OPEN = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "0.0.0.0/0"}
#: A check, and a change to the template that it must notice.
_BROKEN: list[tuple[checks.Check, Callable[[Template], None]]] = [
    (nobody_comes_in_from_elsewhere, _put("ServerSecurityGroup.Properties.SecurityGroupIngress.0", _OPEN)),
    (nobody_comes_in_from_elsewhere, _put("Server.Properties.KeyName", "mine")),
    *(
        (descriptions_of_groups_are_such_as_ec2_takes, _put(f"{place}Description", said))
        for said in ("AWS's endpoints", "x" * 256)
        for place in (
            "ServerSecurityGroup.Properties.Group",
            "ServerSecurityGroup.Properties.SecurityGroupEgress.0.",
            "EndpointSecurityGroup.Properties.SecurityGroupIngress.1.",
            "BalancerToServer.Properties.",
        )
    ),
    (photos_never_travel_in_the_clear, _put("Listener.Properties.Protocol", "HTTP")),
    (photos_never_travel_in_the_clear, _put("Servers.Properties.Protocol", "HTTP")),
    (photos_never_travel_in_the_clear, _put("Balancer.Properties.Scheme", "internet-facing")),
    (photos_never_travel_in_the_clear, _put("Server.Properties.UserData", "")),
    (roles_are_least_privilege, _put("ServerRole.Properties.ManagedPolicyArns", ["arn:aws:iam::aws:policy/X"])),
    (
        roles_are_least_privilege,
        _put("ServerRole.Properties.Policies.0.PolicyDocument.Statement.0.Resource", "*"),
    ),
    (
        the_machine_gives_its_rights_to_no_container,
        _put("ServerTemplate.Properties.LaunchTemplateData.MetadataOptions.HttpPutResponseHopLimit", 2),
    ),
    (
        the_machine_gives_its_rights_to_no_container,
        _put("ServerTemplate.Properties.LaunchTemplateData.BlockDeviceMappings.0.Ebs.Encrypted", False),
    ),
    (
        the_balancer_waits_longer_than_the_functions,
        _put("Balancer.Properties.LoadBalancerAttributes.0.Value", "60"),
    ),
    (all_that_waits_starts_the_server_and_keeps_it, _put("NothingWaits.Properties.Metrics", [])),
    (whoever_asks_in_vain_is_heard, _put("NoServerAlarm.Properties.MetricName", "HTTPCode_ELB_503_Count")),
]
_CHECKS = list(dict.fromkeys(check for check, _ in _BROKEN))


@pytest.mark.parametrize("check", _CHECKS, ids=lambda check: check.__name__)
def test_the_template_keeps_its_promises(check: checks.Check) -> None:
    assert check(_SERVER) == []


@pytest.mark.parametrize(("check", "change"), _BROKEN, ids=range(len(_BROKEN)))
def test_a_broken_template_is_noticed(check: checks.Check, change: Callable[[Template], None]) -> None:
    broken = copy.deepcopy(_SERVER)
    change(broken)
    assert check(broken) != []


def test_the_evaluation_s_template_has_no_other_descriptions_of_groups() -> None:
    assert descriptions_of_groups_are_such_as_ec2_takes(_EVALUATION) == []


def test_its_outputs_are_parameters_of_the_evaluation() -> None:
    handed_on = {"VlmBaseUrl", "VlmApiKeySecretArn", "VpcSubnetIds", "VpcSecurityGroupIds"}
    assert handed_on <= _SERVER["Outputs"].keys() & _EVALUATION["Parameters"].keys()


def test_the_endpoints_are_those_that_batch_function_and_server_need() -> None:
    services = {
        endpoint["ServiceName"]["Fn::Sub"].removeprefix("com.amazonaws.${AWS::Region}.")
        for _, endpoint in checks.resources(_SERVER, "AWS::EC2::VPCEndpoint")
    }
    of_batch = {"s3", "dynamodb", "sqs", "secretsmanager"}
    assert services == of_batch | {"ecr.api", "ecr.dkr", "logs", "ssm", "ssmmessages"}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, None),
        ({"StartBy": "queue", "BatchesQueueName": "a", "BulkQueueName": "b"}, None),
        ({"MakeEndpoints": "no", "RouteTableIds": ""}, None),
        ({"StartBy": "queue"}, "BatchesQueueName"),
        ({"RouteTableIds": ""}, "RouteTableIds"),
        ({"ModelPrefix": "a/"}, "ModelPrefix"),
        ({"InstanceType": "p5.48xlarge"}, "InstanceType"),
    ],
    ids=str,
)
def test_parameters_are_taken_or_refused_before_anything_is_made(given: dict[str, str], says: str | None) -> None:
    values = [{"Key": key, "Value": value} for key, value in {**_GIVEN, **given}.items()]
    checked = copy.deepcopy(_SERVER)
    # What AWS would look up.
    checked["Parameters"]["ImageId"]["Type"] = "String"
    try:
        engine._evaluate_rules(checked, engine._resolve_parameters(checked, values), {})
    except ValueError as refused:
        assert says and says in str(refused)
    else:
        assert says is None
