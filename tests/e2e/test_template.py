"""template.yaml keeps its promises, and each check notices when one is broken."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
import template_checks as checks
from ministack.services.cloudformation import engine
from samtranslator.translator.transform import transform

from stack import environment, quirks, template
from stack.paths import REPO

Template = dict[str, Any]
_LOADED = template.load()


def _put(path: str, value: Any) -> Callable[[Template], None]:
    """Puts a value at a path such as "Resources.Table.Properties.BillingMode"; None takes away what is there."""

    def change(broken: Template) -> None:
        *way, last = path.split(".")
        place: Any = broken
        for part in way:
            place = place[int(part) if isinstance(place, list) else part]
        key: Any = int(last) if isinstance(place, list) else last
        if value is None:
            del place[key]
        else:
            place[key] = value

    return change


#: A check, and a change to the template that it must notice.
_BROKEN: list[tuple[checks.Check, str, Callable[[Template], None]]] = [
    (checks.visibility_is_six_times_the_timeout, "standard", _put("Mappings.Timing.standard.BatchesVisibility", 719)),
    (checks.visibility_is_six_times_the_timeout, "fast", _put("Mappings.Timing.fast.ResultsVisibility", 59)),
    (
        checks.visibility_is_six_times_the_timeout,
        "a dead-letter queue",
        _put("Resources.BatchesDeadLetterQueue.Properties.VisibilityTimeout", None),
    ),
    (checks.what_is_lost_was_not_merely_hidden, "too early", _put("Mappings.Timing.standard.LostAfter", 720)),
    (checks.a_timeout_fits_what_waits_for_it, "gateway", _put("Mappings.Timing.standard.SplitterTimeout", 30)),
    (checks.a_timeout_fits_what_waits_for_it, "stall", _put("Mappings.Timing.standard.VlmStall", 50)),
    (checks.a_timeout_fits_what_waits_for_it, "VLM", _put("Mappings.Timing.fast.VlmTimeout", 20)),
    (checks.a_timeout_fits_what_waits_for_it, "sweeps", _put("Mappings.Timing.standard.SweeperTimeout", 60)),
    (checks.the_load_on_the_vlm_is_bounded, "too many", _put("Parameters.VlmMaxConcurrency.Default", 9)),
    (
        checks.the_load_on_the_vlm_is_bounded,
        "too much bulk",
        _put("Parameters.BulkMaxConcurrency.Default", 3),
    ),
    (
        checks.the_load_on_the_vlm_is_bounded,
        "bulk by another number",
        _put("Resources.BulkEventSource.Properties.ScalingConfig.MaximumConcurrency", 2),
    ),
    (
        checks.the_load_on_the_vlm_is_bounded,
        "wide bulk",
        _put("Resources.BatchFunction.Properties.Environment.Variables.BULK_PHOTOS_IN_FLIGHT", "1"),
    ),
    (
        checks.the_load_on_the_vlm_is_bounded,
        "unbounded",
        _put("Resources.BatchesEventSource.Properties.ScalingConfig", None),
    ),
    (
        checks.the_load_on_the_vlm_is_bounded,
        "two batches",
        _put("Resources.BatchesEventSource.Properties.BatchSize", 2),
    ),
    (checks.the_load_on_the_vlm_is_bounded, "large batches", _put("Parameters.PhotosPerBatch.Default", 8)),
    (
        checks.event_sources_report_single_failures,
        "one does not",
        _put("Resources.ResultsEventSource.Properties.FunctionResponseTypes", None),
    ),
    (
        checks.event_sources_are_bounded,
        "one is not",
        _put("Resources.UploadsEventSource.Properties.ScalingConfig", None),
    ),
    *(
        (checks.streams_are_read_until_all_is_done, key, _put(f"Resources.CompletionsEventSource.Properties.{key}", value))
        for key, value in {
            "StartingPosition": "LATEST",
            "MaximumRetryAttempts": 10,
            "BisectBatchOnFunctionError": False,
            "MaximumRecordAgeInSeconds": -1,
            "DestinationConfig": None,
            "MaximumBatchingWindowInSeconds": 1,
            "FilterCriteria": None,
        }.items()
    ),
    *(
        (checks.completions_are_published_encrypted_and_by_tls, key, _put(f"Resources.{key}", None))
        for key in (
            "CompletionsTopicPolicy",
            "CompletionsTopic.Properties.KmsMasterKeyId",
            "CompletionsTopic.Properties.SignatureVersion",
        )
    ),
    (
        checks.event_sources_report_single_failures,
        "a stream does not",
        _put("Resources.CompletionsEventSource.Properties.FunctionResponseTypes", None),
    ),
    (
        checks.chains_of_deferrals_may_go_on,
        "ended after 16 rounds",
        _put("Resources.BatchFunction.Properties.RecursiveLoop", None),
    ),
    (
        checks.chains_of_deferrals_may_go_on,
        "said",
        _put("Resources.AggregatorFunction.Properties.RecursiveLoop", "Terminate"),
    ),
    (
        checks.chains_of_deferrals_may_go_on,
        "no chain",
        _put("Resources.SplitterFunction.Properties.RecursiveLoop", "Allow"),
    ),
    (
        checks.chains_of_deferrals_may_go_on,
        "a new chain",
        _put("Resources.ResultsEventSource.Properties.FunctionName.Ref", "SweeperFunction"),
    ),
    (
        checks.queues_end_in_dead_letters,
        "no dead letters",
        _put("Resources.ResultsQueue.Properties.RedrivePolicy", None),
    ),
    (
        checks.queues_end_in_dead_letters,
        "few receives",
        _put("Resources.BatchesQueue.Properties.RedrivePolicy.maxReceiveCount", 2),
    ),
    (
        checks.queues_end_in_dead_letters,
        "short memory",
        _put("Resources.ParkedQueue.Properties.MessageRetentionPeriod", None),
    ),
    (checks.queues_end_in_dead_letters, "no alarm", _put("Resources.ParkedAlarm", None)),
    (checks.queues_are_encrypted, "one is not", _put("Resources.ParkedQueue.Properties.SqsManagedSseEnabled", None)),
    (checks.only_tls_is_let_in, "a queue", _put("Resources.QueuesPolicy.Properties.Queues.0", None)),
    (
        checks.only_tls_is_let_in,
        "the uploads queue",
        _put("Resources.UploadsQueuePolicy.Properties.PolicyDocument.Statement.1", None),
    ),
    (
        checks.only_tls_is_let_in,
        "the bucket",
        _put("Resources.PhotosBucketPolicy.Properties.PolicyDocument.Statement.0.Effect", "Allow"),
    ),
    (
        checks.the_bucket_is_private_and_encrypted,
        "public",
        _put("Resources.PhotosBucket.Properties.PublicAccessBlockConfiguration.BlockPublicPolicy", False),
    ),
    (
        checks.the_bucket_is_private_and_encrypted,
        "plain",
        _put("Resources.PhotosBucket.Properties.BucketEncryption", None),
    ),
    (
        checks.the_bucket_is_private_and_encrypted,
        "ACLs",
        _put("Resources.PhotosBucket.Properties.OwnershipControls", None),
    ),
    (
        checks.only_the_bucket_may_send_uploads,
        "any bucket",
        _put("Resources.UploadsQueuePolicy.Properties.PolicyDocument.Statement.0.Condition.ArnEquals", None),
    ),
    (checks.the_table_is_safe, "TTL", _put("Resources.Table.Properties.TimeToLiveSpecification", None)),
    (checks.the_table_is_safe, "recovery", _put("Resources.Table.Properties.PointInTimeRecoverySpecification", None)),
    (checks.the_table_is_safe, "on demand", _put("Resources.Table.Properties.BillingMode", "PROVISIONED")),
    (checks.the_table_is_safe, "encryption", _put("Resources.Table.Properties.SSESpecification", None)),
    (checks.the_table_is_safe, "deletion", _put("Resources.Table.DeletionPolicy", None)),
    (checks.the_table_is_safe, "a failed deploy", _put("Resources.PhotosBucket.DeletionPolicy", "Retain")),
    (
        checks.every_route_wants_authorisation,
        "open",
        _put("Resources.GetEvaluationRoute.Properties.AuthorizationType", "NONE"),
    ),
    (
        checks.every_route_wants_authorisation,
        "open to connect",
        _put("Resources.ConnectRoute.Properties.AuthorizationType", "NONE"),
    ),
    (
        checks.every_route_wants_authorisation,
        "more than the page",
        _put("Resources.PageFileRoute.Properties.RouteKey", "GET /page/{file+}"),
    ),
    (
        checks.functions_are_called_by_their_alias,
        "the WebSocket API",
        _put("Resources.EventsIntegration.Properties.IntegrationUri.Fn::Sub.1.Function.Ref", "NotifierFunction"),
    ),
    (checks.every_route_may_call_its_function, "no right of messages", _put("Resources.EventsPermission", None)),
    (
        checks.who_is_called_by_people_writes_keys_of_its_own_only,
        "evaluations",
        _put(
            "Resources.NotifierFunction.Properties.Policies.0.Statement.4.Condition.ForAllValues:StringLike",
            {"dynamodb:LeadingKeys": ["EVALUATION#*"]},
        ),
    ),
    (
        checks.nobody_changes_what_people_decided,
        "the aggregator's denial has other keys",
        _put(
            "Resources.AggregatorFunction.Properties.Policies.0.Statement.1.Condition.ForAnyValue:StringLike",
            {"dynamodb:LeadingKeys": ["REVIEW#*"]},
        ),
    ),
    (
        checks.nobody_changes_what_people_decided,
        "the splitter may delete",
        _put("Resources.SplitterFunction.Properties.Policies.0.Statement.2.Action", ["dynamodb:PutItem"]),
    ),
    (
        checks.nobody_changes_what_people_decided,
        "the API can't write",
        _put(
            "Resources.ApiFunction.Properties.Policies.0.Statement.4.Condition.ForAllValues:StringLike",
            {"dynamodb:LeadingKeys": ["REVIEW#*"]},
        ),
    ),
    (
        checks.every_route_wants_authorisation,
        "forgotten",
        _put("Resources.ListEvaluationsRoute.Properties.AuthorizationType", None),
    ),
    (
        checks.policies_are_least_privilege,
        "any action",
        _put("Resources.ApiFunction.Properties.Policies.0.Statement.0.Action", "dynamodb:*"),
    ),
    (
        checks.policies_are_least_privilege,
        "any resource",
        _put("Resources.BatchRole.Properties.Policies.0.PolicyDocument.Statement.0.Resource", "*"),
    ),
    (
        checks.policies_are_least_privilege,
        "managed",
        _put("Resources.ApiFunction.Properties.Policies.0", "AmazonDynamoDBFullAccess"),
    ),
    (
        checks.policies_are_least_privilege,
        "SQS event",
        _put("Resources.BatchFunction.Properties.Events", {"Q": {"Type": "SQS"}}),
    ),
    (
        checks.policies_are_least_privilege,
        "in a condition",
        _put("Resources.BatchRole.Properties.Policies.0.PolicyDocument.Statement.9.Fn::If.1.Resource", "*"),
    ),
    (
        checks.policies_are_least_privilege,
        "managed, in a role",
        _put("Resources.BatchRole.Properties.ManagedPolicyArns.0", "AmazonS3FullAccess"),
    ),
    (
        checks.policies_are_least_privilege,
        "network interfaces outside a VPC",
        _put("Resources.BatchRole.Properties.ManagedPolicyArns.1.Fn::If.0", "UseJwt"),
    ),
    (
        checks.a_function_in_a_vpc_has_a_role_of_its_own,
        "SAM's",
        _put("Resources.ApiFunction.Properties.VpcConfig", {"SubnetIds": ["subnet-1"]}),
    ),
    (
        checks.who_is_called_by_people_writes_keys_of_its_own_only,
        "any key",
        _put("Resources.ApiFunction.Properties.Policies.0.Statement.3.Condition", None),
    ),
    (
        checks.who_is_called_by_people_writes_keys_of_its_own_only,
        "no key",
        _put("Resources.ApiFunction.Properties.Policies.0.Statement.3.Condition.Null", None),
    ),
    (
        checks.who_is_called_by_people_writes_keys_of_its_own_only,
        "any object",
        _put("Resources.ApiFunction.Properties.Policies.0.Statement.6.Resource", "*"),
    ),
    (
        checks.photos_outlast_the_verdicts_that_they_prove,
        "for ever",
        _put("Resources.PhotosBucket.Properties.LifecycleConfiguration.Rules.0.Status", "Disabled"),
    ),
    (
        checks.photos_outlast_the_verdicts_that_they_prove,
        "replaced photos",
        _put("Resources.PhotosBucket.Properties.LifecycleConfiguration.Rules.1.NoncurrentVersionExpiration.NoncurrentDays", 91),
    ),
    (
        checks.pictures_are_copies_of_days,
        "as uploads",
        _put("Resources.PhotosBucket.Properties.NotificationConfiguration.QueueConfigurations.0.Filter", None),
    ),
    (
        checks.pictures_are_copies_of_days,
        "for ever",
        _put("Resources.PhotosBucket.Properties.LifecycleConfiguration.Rules.4.Prefix", "photos/"),
    ),
    (
        checks.pictures_are_copies_of_days,
        "by whom people reach",
        _put("Resources.ApiFunction.Properties.Policies.0.Statement.10.Action", ["s3:GetObject", "s3:PutObject"]),
    ),
    (checks.logs_are_kept_for_a_set_time, "for ever", _put("Resources.ApiLogGroup.Properties.RetentionInDays", None)),
    (checks.logs_are_kept_for_a_set_time, "elsewhere", _put("Resources.ApiFunction.Properties.LoggingConfig", None)),
    *(
        (checks.a_web_socket_s_log_has_a_role, path, _put(path, value))
        for path, value in {
            "Parameters.MakeApiLogRole.Default": "false",
            "Resources.EventsStage.Properties.Description": None,
            "Resources.EventsStage.Properties.Description.Fn::If.1": {"Fn::Sub": "A stage"},
            "Resources.ApiLogSetting.DependsOn": None,
            "Resources.ApiLogSetting.Condition": None,
            "Resources.ApiLogSetting.DeletionPolicy": "RetainExceptOnCreate",
            "Resources.ApiLogRole.UpdateReplacePolicy": None,
            "Resources.ApiLogRole.Properties.ManagedPolicyArns": [],
        }.items()
    ),
    (
        checks.only_the_functions_filter_their_logs,
        "Lambda's default",
        _put("Globals.Function.LoggingConfig.ApplicationLogLevel", None),
    ),
    (
        checks.only_the_functions_filter_their_logs,
        "one of them",
        _put("Resources.ApiFunction.Properties.LoggingConfig.ApplicationLogLevel", "INFO"),
    ),
    (
        checks.only_the_functions_filter_their_logs,
        "a level of its own",
        _put("Globals.Function.Environment.Variables.RUST_LOG", "info"),
    ),
    (checks.the_key_stays_in_its_secret, "echoed", _put("Parameters.VlmApiKey.NoEcho", None)),
    (
        checks.the_key_stays_in_its_secret,
        "environment",
        _put("Resources.BatchFunction.Properties.Environment.Variables.KEY", {"Ref": "VlmApiKey"}),
    ),
    (
        checks.functions_are_called_by_their_alias,
        "a queue",
        _put("Resources.BulkEventSource.Properties.FunctionName.Ref", "BatchFunction"),
    ),
    (
        checks.functions_are_called_by_their_alias,
        "the API",
        _put("Resources.ApiIntegration.Properties.IntegrationUri", {"Fn::GetAtt": ["ApiFunction", "Arn"]}),
    ),
    (
        checks.functions_are_called_by_their_alias,
        "a right",
        _put("Resources.ApiPermission.Properties.FunctionName.Ref", "ApiFunction"),
    ),
    (
        checks.every_route_may_call_its_function,
        "another method",
        _put("Resources.EmptyCacheRoute.Properties.RouteKey", "PATCH /cache"),
    ),
    (checks.every_route_may_call_its_function, "no right", _put("Resources.ApiPutPermission", None)),
    (checks.every_release_is_a_version, "alias", _put("Globals.Function.AutoPublishAlias", None)),
    (
        checks.every_release_is_a_version,
        "the same as before",
        _put("Globals.Function.Environment.Variables.RELEASE", None),
    ),
    (
        checks.every_release_is_a_version,
        "description",
        _put("Resources.ApiFunction.Properties.VersionDescription", None),
    ),
    (
        checks.every_release_is_a_version,
        "a changed line",
        _put("Resources.ApiFunction.Properties.AutoPublishAliasAllProperties", None),
    ),
    (checks.every_release_is_a_version, "no way back", _put("Resources.ApiFunction.UpdateReplacePolicy", None)),
    (checks.every_release_is_a_version, "deleted", _put("Resources.ApiFunction.DeletionPolicy", "Delete")),
    (checks.every_function_is_traced, "passive", _put("Globals.Function.Tracing", None)),
    (
        checks.every_function_is_traced,
        "no right",
        _put("Resources.BatchRole.Properties.Policies.0.PolicyDocument.Statement.7", {"Sid": "X", "Action": [], "Resource": []}),
    ),
    (checks.functions_are_native, "runtime", _put("Globals.Function.Runtime", "provided.al2")),
    (checks.functions_are_native, "architecture", _put("Parameters.Architecture.Default", "arm64")),
]


@pytest.mark.parametrize("check", checks.CHECKS, ids=lambda check: check.__name__)
def test_the_template_passes(check: checks.Check) -> None:
    assert check(_LOADED) == []


@pytest.mark.parametrize(
    ("check", "change"),
    [(check, change) for check, _, change in _BROKEN],
    ids=[f"{check.__name__}-{what}" for check, what, _ in _BROKEN],
)
def test_a_broken_template_is_noticed(check: checks.Check, change: Callable[[Template], None]) -> None:
    broken = copy.deepcopy(_LOADED)
    change(broken)
    assert check(broken) != []


def test_every_check_has_been_seen_to_fail() -> None:
    assert {check for check, _, _ in _BROKEN} == set(checks.CHECKS)


def test_what_is_deployed_locally_differs_only_in_the_emulator_s_quirks() -> None:
    met = quirks.meet(_LOADED, {"VlmBaseUrl": "http://127.0.0.1:1", "TimingProfile": "fast"})
    assert met["Parameters"]["VlmBaseUrl"].keys() == _LOADED["Parameters"]["VlmBaseUrl"].keys() - {"AllowedPattern"}
    met["Parameters"]["VlmBaseUrl"] = _LOADED["Parameters"]["VlmBaseUrl"]
    for name, source in checks.resources(met, "AWS::Lambda::EventSourceMapping"):
        bound = _LOADED["Resources"][name]["Properties"].get("ScalingConfig")
        if not bound:
            continue
        if isinstance(declared := bound["MaximumConcurrency"], dict):
            default = _LOADED["Parameters"][declared["Ref"]]["Default"]
            assert source["ScalingConfig"] == {"MaximumConcurrency": default}
        source["ScalingConfig"] = bound
    for name, function in checks.resources(met, "AWS::Serverless::Function"):
        original = _LOADED["Resources"][name]["Properties"]
        function |= {key: original[key] for key in ("Policies",) if key in original}
        if "Environment" in original:
            function["Environment"] = original["Environment"]
    for name, role in checks.resources(met, "AWS::IAM::Role"):
        original = _LOADED["Resources"][name]["Properties"]
        role |= {key: original[key] for key in ("Policies",) if key in original}
    met["Resources"]["EventsAuthorizer"]["Properties"].pop("IdentitySource")
    alarms = {name: {**_LOADED["Resources"][name]} for name in quirks.composite_alarms(_LOADED)}
    assert alarms.keys().isdisjoint(met["Resources"])
    met["Resources"].update(alarms)
    assert met == _LOADED


def _transformed(change: Callable[[Template], None] = lambda _: None, **parameters: str) -> Template:
    """What AWS's own SAM transform makes of the template."""
    packaged = template.with_code(_LOADED, "code", {name: f"{name}.zip" for name in template.functions(_LOADED)})
    change(packaged)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("AWS_DEFAULT_REGION", environment.REGION)
        return dict(transform(packaged, parameters, engine._NO_IAM_POLICY_LOADER))


def _versions(transformed: Template) -> dict[str, Any]:
    """The versions that CloudFormation makes: another name, or another description, makes another one."""
    return {name: version["Description"] for name, version in checks.resources(transformed, "AWS::Lambda::Version")}


def test_code_and_lines_of_the_template_publish_a_version_and_so_does_a_release_s_name_but_no_other_parameter() -> None:
    before = _versions(_transformed())
    assert len(before) == 6
    code = _put("Resources.ApiFunction.Properties.CodeUri.Key", "another.zip")
    assert len(before.keys() - _versions(_transformed(code)).keys()) == 1
    line = _put("Resources.BatchFunction.Properties.MemorySize", 2048)
    assert len(before.keys() - _versions(_transformed(line)).keys()) == 1
    assert _versions(_transformed(VlmModel="another")) == before, "SAM sees a parameter's name only"
    assert all(description == {"Ref": "Release"} for description in before.values()), "its value is in what is compared"


def test_each_function_has_what_is_said_of_all_logs_and_a_log_group_of_its_own() -> None:
    configs = [function["LoggingConfig"] for _, function in checks.resources(_transformed(), "AWS::Lambda::Function")]
    assert all((config["LogFormat"], config["ApplicationLogLevel"]) == ("JSON", "TRACE") for config in configs)
    assert len({config["LogGroup"]["Ref"] for config in configs}) == len(configs) == 6


def test_all_at_once_needs_no_codedeploy_and_by_and_by_goes_back_by_alarms() -> None:
    kind = "AWS::CodeDeploy::DeploymentGroup"
    assert not dict(checks.resources(_transformed(), kind))
    gradual = _transformed(DeploymentPreference="Canary10Percent5Minutes")
    groups = dict(checks.resources(gradual, kind))
    assert len(groups) == 6
    for group in groups.values():
        assert group["DeploymentConfigName"]["Fn::Sub"][1] == {"ConfigName": "Canary10Percent5Minutes"}
        assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
        alarms = {alarm["Name"]["Ref"] for alarm in group["AlarmConfiguration"]["Alarms"]}
        assert alarms <= dict(checks.resources(_LOADED, "AWS::CloudWatch::Alarm")).keys() and len(alarms) == 9
    aliases = [resource for resource in gradual["Resources"].values() if resource["Type"] == "AWS::Lambda::Alias"]
    assert all("CodeDeployLambdaAliasUpdate" in alias["UpdatePolicy"] for alias in aliases)
    allowed = _LOADED["Parameters"]["DeploymentPreference"]["AllowedValues"]
    assert set(allowed) == _LOADED["Mappings"]["Rollout"].keys()


def test_whoever_signs_in_a_browser_may_send_what_signers_add_and_what_the_api_reads() -> None:
    cors = _LOADED["Resources"]["HttpApi"]["Properties"]["CorsConfiguration"]["Fn::If"][1]
    signer = {"authorization", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token"}
    read = {"content-type", "idempotency-key", "if-match", "if-none-match", "traceparent"}
    assert set(cors["AllowHeaders"]) == signer | read


@pytest.mark.parametrize("function", ["Splitter", "Batch", "Aggregator", "Notifier"])
def test_a_crash_is_noticed_at_a_message_s_second_try_long_before_it_is_a_dead_letter(function: str) -> None:
    alarm = _LOADED["Resources"][f"{function}ErrorsAlarm"]["Properties"]
    assert (alarm["MetricName"], alarm["Dimensions"][0]["Value"]) == ("Errors", {"Ref": f"{function}Function"})
    span_s = alarm["Period"] * (alarm["EvaluationPeriods"] - 1)
    timing = _LOADED["Mappings"]["Timing"]["standard"]
    comes_again_s = max(timing[f"{queue}Visibility"] for queue in ("Batches", "Results", "Uploads"))
    assert alarm["DatapointsToAlarm"] == 2 and comes_again_s < span_s < 2 * comes_again_s


def test_the_splitter_s_numbers_reach_it_as_text() -> None:
    met = quirks.meet(_LOADED, {"TimingProfile": "fast"})
    variables = met["Resources"]["SplitterFunction"]["Properties"]["Environment"]["Variables"]
    assert variables["QUIET_PERIOD_SECONDS"] == "3"


def _refusal(**parameters: str) -> str | None:
    """Why CloudFormation would not create a stack with these parameters, as the emulator has it."""
    given = [{"Key": key, "Value": value} for key, value in parameters.items()]
    try:
        resolved = engine._resolve_parameters(_LOADED, given)
        engine._evaluate_rules(_LOADED, resolved, {})
    except ValueError as refused:
        return str(refused)
    return None


def test_each_throttle_is_of_a_route_that_is_there_before_and_below_that_of_all() -> None:
    (_, stage), = (found for found in checks.resources(_LOADED, "AWS::ApiGatewayV2::Stage") if "RouteSettings" in found[1])
    before = {
        _LOADED["Resources"][name]["Properties"]["RouteKey"] for name in _LOADED["Resources"]["HttpApiStage"]["DependsOn"]
    }
    assert before == set(stage["RouteSettings"])
    for settings in stage["RouteSettings"].values():
        for limit in ("ThrottlingRateLimit", "ThrottlingBurstLimit"):
            assert 0 < settings[limit] < stage["DefaultRouteSettings"][limit]


def test_the_routes_are_those_of_the_contract() -> None:
    document = json.loads((REPO / "functions/api/openapi.json").read_text())
    described = {f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item}
    routes = [str(route["RouteKey"]) for _, route in checks.resources(_LOADED, "AWS::ApiGatewayV2::Route")]
    assert set(checks.PUBLIC) <= set(routes)
    assert described == {route for route in routes if " /" in route} - set(checks.PUBLIC), "the page is no contract"


_HTTPS = {"VlmBaseUrl": "https://vlm.example"}
_BEDROCK = ",".join(
    [
        "arn:aws:bedrock:eu-central-1::foundation-model/qwen.qwen3-vl-235b-a22b",
        "arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.some-model-v1:0",
        "arn:aws:bedrock-mantle:eu-central-1:123456789012:project/default",
    ]
)
_ADDRESSES = json.loads((REPO / "shared/vlm/src/recorded/addresses.json").read_text())
_SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:vlm/key-a1B2c3"


@pytest.mark.parametrize(
    "parameters",
    [
        _HTTPS,
        {**_HTTPS, "VlmHeaders": "api-key: {key} | x-team: photos"},
        {**_HTTPS, "VlmBedrockResources": _BEDROCK, "VlmSignFor": "bedrock/eu-central-1"},
        {**_HTTPS, "JwtIssuer": "https://issuer.example", "JwtAudience": "app,page"},
        {**_HTTPS, "VlmApiKeySecretArn": _SECRET},
        {**_HTTPS, "VpcSubnetIds": "subnet-0a1,subnet-0b2", "VpcSecurityGroupIds": "sg-0c3"},
    ],
    ids=str,
)
def test_good_parameters_are_taken(parameters: dict[str, str]) -> None:
    assert _refusal(**parameters) is None


@pytest.mark.parametrize("case", _ADDRESSES, ids=lambda case: str(case["address"]) or "none")
def test_an_address_is_taken_as_the_functions_read_it(case: dict[str, str | None]) -> None:
    """The table that the functions' own reading is tested with."""
    refusal = _refusal(VlmBaseUrl=str(case["address"]).strip())
    assert (refusal is None) == (case["endpoint"] is not None), refusal


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"VlmBaseUrl": "http://vlm.example"}, "https"),
        ({"VlmBaseUrl": "http://10.0.0.5:8000"}, "https"),
        ({"VlmBaseUrl": "http://localhost.example"}, "https"),
        ({"VlmBaseUrl": "http://127.0.0.1@vlm.example"}, "https"),
        ({"VlmBaseUrl": "https://me:secret@vlm.example"}, "without a user"),
        ({**_HTTPS, "VlmHeaders": "api-key"}, "name: value"),
        ({**_HTTPS, "VlmBedrockResources": "*"}, "each in full"),
        ({**_HTTPS, "VlmSignFor": "bedrock"}, "a service and its region"),
        ({**_HTTPS, "JwtIssuer": "https://issuer.example"}, "needs JwtAudience"),
        ({**_HTTPS, "JwtAudience": "app"}, "needs JwtIssuer"),
        ({**_HTTPS, "JwtIssuer": "https://issuer.example", "JwtAudience": "app, page"}, "no spaces"),
        ({**_HTTPS, "VlmApiKeySecretArn": _SECRET, "VlmApiKey": "key"}, "leave one out"),
        ({**_HTTPS, "VlmApiKeySecretArn": "vlm/key"}, "whole ARN"),
        ({**_HTTPS, "VlmApiKeySecretArn": _SECRET[:-6] + "*"}, "whole ARN"),
        ({**_HTTPS, "BulkMaxConcurrency": "1"}, "BulkMaxConcurrency"),
        ({**_HTTPS, "VpcSubnetIds": "subnet-0a1"}, "needs VpcSecurityGroupIds"),
        ({**_HTTPS, "VpcSecurityGroupIds": "sg-0c3"}, "needs VpcSubnetIds"),
        ({**_HTTPS, "VpcSubnetIds": "subnet-0a1, subnet-0b2", "VpcSecurityGroupIds": "sg-0c3"}, "no spaces"),
    ],
    ids=str,
)
def test_bad_parameters_are_refused_before_anything_is_deployed(parameters: dict[str, str], says: str) -> None:
    assert says in (_refusal(**parameters) or "")


@pytest.mark.parametrize("subnets", ["", "subnet-0a1,subnet-0b2"])
def test_only_the_batch_function_is_in_the_vpc_and_only_if_there_is_one(subnets: str) -> None:
    groups = "sg-0c3" if subnets else ""
    given = {"VlmBaseUrl": "https://vlm.example", "VpcSubnetIds": subnets, "VpcSecurityGroupIds": groups}
    parameters = engine._resolve_parameters(
        _LOADED, [{"Key": key, "Value": value} for key, value in given.items()]
    )
    conditions = engine._evaluate_conditions(_LOADED, parameters)
    resolved = {
        name: engine._resolve_refs(function.get("VpcConfig"), {}, parameters, conditions, {}, "s", "arn:s")
        for name, function in checks.resources(_LOADED, "AWS::Serverless::Function")
        if "VpcConfig" in function
    }
    assert list(resolved) == ["BatchFunction"]
    if subnets:
        expected = {"SubnetIds": ["subnet-0a1", "subnet-0b2"], "SecurityGroupIds": ["sg-0c3"]}
        assert resolved["BatchFunction"] == expected
    else:
        assert not isinstance(resolved["BatchFunction"], dict) or "SubnetIds" not in resolved["BatchFunction"]
