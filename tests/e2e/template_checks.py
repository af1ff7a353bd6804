"""What must hold in template.yaml. Each check takes the loaded template and gives what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from typing import Any

Template = dict[str, Any]
Check = Callable[[Template], list[str]]

#: API Gateway gives an HTTP request up after this many seconds.
GATEWAY_LIMIT_S = 30
FOURTEEN_DAYS_S = 14 * 24 * 60 * 60
#: So long a stream keeps its records.
DAY_S = 24 * 60 * 60


def resources(template: Template, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The resources of a type: name and properties."""
    for name, resource in template["Resources"].items():
        if resource["Type"] == kind:
            yield name, resource["Properties"]


def in_profile(template: Template, value: Any, profile: str) -> int:
    """A number, or what it stands for in a timing profile."""
    if isinstance(value, dict):
        _, _, column = value["Fn::FindInMap"]
        return int(template["Mappings"]["Timing"][profile][column])
    return int(value)


def target(value: Any) -> str:
    """The resource that a reference means; of a function's alias, the function."""
    return str(value["Ref"] if "Ref" in value else value["Fn::GetAtt"][0]).removesuffix(".Alias")


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _mappings(template: Template) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Event sources that are queues: their name, queue and function, and their properties."""
    for name, source in resources(template, "AWS::Lambda::EventSourceMapping"):
        if not _is_stream(source):
            yield name, target(source["EventSourceArn"]), target(source["FunctionName"]), source


def _is_stream(source: dict[str, Any]) -> bool:
    return bool(source["EventSourceArn"]["Fn::GetAtt"][1] == "StreamArn")


def _streams(template: Template) -> Iterator[tuple[str, dict[str, Any]]]:
    """Event sources that are streams: their name and properties."""
    for name, source in resources(template, "AWS::Lambda::EventSourceMapping"):
        if _is_stream(source):
            yield name, source


def visibility_is_six_times_the_timeout(template: Template) -> list[str]:
    """A message must not come back while its consumer still works on it, or the event source retries it."""
    wrong = []
    for profile in template["Mappings"]["Timing"]:
        for name, queue, function, _ in _mappings(template):
            visible = in_profile(
                template, template["Resources"][queue]["Properties"].get("VisibilityTimeout", 30), profile
            )
            timeout = in_profile(template, template["Resources"][function]["Properties"]["Timeout"], profile)
            if visible < 6 * timeout:
                wrong.append(f"{profile}: {name}: {queue} hides messages {visible} s, less than 6 x {timeout} s")
    return wrong


def what_is_lost_was_not_merely_hidden(template: Template) -> list[str]:
    """The sweeper may send a photo again only when the queue would have delivered it again."""
    rows = template["Mappings"]["Timing"].items()
    return [f"{name}: LostAfter" for name, row in rows if row["LostAfter"] <= row["BatchesVisibility"]]


def a_timeout_fits_what_waits_for_it(template: Template) -> list[str]:
    """The splitter answers before API Gateway gives up, the VLM before the batch function ends, a sweep before the next."""
    wrong = []
    for name, row in template["Mappings"]["Timing"].items():
        if row["SplitterTimeout"] >= GATEWAY_LIMIT_S or row["ApiTimeout"] >= GATEWAY_LIMIT_S:
            wrong.append(f"{name}: API Gateway gives up after {GATEWAY_LIMIT_S} s")
        if not row["VlmStall"] < row["VlmFirstToken"] < row["VlmTimeout"]:
            wrong.append(f"{name}: a stall is noticed no sooner than a whole answer that does not come")
        if row["VlmTimeout"] + 10 > row["BatchTimeout"]:
            wrong.append(f"{name}: a VLM answer may outlast the batch function")
        if row["SweeperTimeout"] >= 60:
            wrong.append(f"{name}: sweeps overlap")
    return wrong


def the_load_on_the_vlm_is_bounded(template: Template) -> list[str]:
    """Invocations times photos in flight never exceed what the server takes."""
    parameters, bound = template["Parameters"], template["Metadata"]["VlmServer"]["MaxNumSeqs"]
    sources = {queue: source for _, queue, function, source in _mappings(template) if function == "BatchFunction"}
    source, bulk = sources["BatchesQueue"], sources["BulkQueue"]
    wrong = []
    if source.get("ScalingConfig", {}).get("MaximumConcurrency") != {"Ref": "VlmMaxConcurrency"}:
        wrong.append("the batches event source is not bounded by VlmMaxConcurrency")
    if source["BatchSize"] != 1 or bulk["BatchSize"] != 1:
        wrong.append("an invocation of the batch function takes several batches")
    if bulk.get("ScalingConfig", {}).get("MaximumConcurrency") != {"Ref": "BulkMaxConcurrency"}:
        wrong.append("the bulk event source is not bounded by BulkMaxConcurrency")
    variables = template["Resources"]["BatchFunction"]["Properties"]["Environment"]["Variables"]
    for variable, parameter in (("PHOTOS_IN_FLIGHT", "PhotosInFlight"), ("BULK_PHOTOS_IN_FLIGHT", "BulkPhotosInFlight")):
        if variables[variable] != {"Ref": parameter}:
            wrong.append(f"{variable} is not what {parameter} says")
    waited_for = parameters["VlmMaxConcurrency"]["Default"] * parameters["PhotosInFlight"]["Default"]
    unwaited = parameters["BulkMaxConcurrency"]["Default"] * parameters["BulkPhotosInFlight"]["Default"]
    if waited_for + unwaited > bound:
        wrong.append(f"more than {bound} requests in flight")
    if parameters["PhotosPerBatch"]["Default"] > parameters["PhotosInFlight"]["Default"]:
        wrong.append("photos wait inside a batch")
    return wrong


def event_sources_report_single_failures(template: Template) -> list[str]:
    """One bad record must not repeat the others."""
    sources = resources(template, "AWS::Lambda::EventSourceMapping")
    return [name for name, source in sources if source.get("FunctionResponseTypes") != ["ReportBatchItemFailures"]]


def streams_are_read_until_all_is_done(template: Template) -> list[str]:
    """A change is handed over until it is done; what is given up is kept for people, and holds up nothing for days."""
    wrong = []
    for name, source in _streams(template):
        if source.get("StartingPosition") != "TRIM_HORIZON":
            wrong.append(f"{name}: what changes before Lambda begins to read is told to nobody")
        if source.get("MaximumRetryAttempts") != -1 or source.get("BisectBatchOnFunctionError") is not True:
            wrong.append(f"{name}: a few failures lose it")
        if not 3600 <= source.get("MaximumRecordAgeInSeconds", -1) < DAY_S:
            wrong.append(f"{name}: it expires in the stream, and nobody is told")
        if source.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination") != {"Fn::GetAtt": ["ParkedQueue", "Arn"]}:
            wrong.append(f"{name}: what is given up is lost")
        if source.get("MaximumBatchingWindowInSeconds") != 0:
            wrong.append(f"{name}: it waits for others")
        if not source.get("FilterCriteria"):
            wrong.append(f"{name}: every write invokes its function")
    return wrong


def completions_are_published_encrypted_and_by_tls(template: Template) -> list[str]:
    """Topics are encrypted, signed with SHA-256, and refuse plain HTTP."""
    guarded = set()
    for _, policy in resources(template, "AWS::SNS::TopicPolicy"):
        if _refuses_plain_http(policy["PolicyDocument"]):
            guarded |= {target(topic) for topic in policy["Topics"]}
    wrong = []
    for name, topic in resources(template, "AWS::SNS::Topic"):
        wrong += [f"{name}: {wanted}" for wanted in ("KmsMasterKeyId", "SignatureVersion") if wanted not in topic]
        wrong += [] if name in guarded else [f"{name}: plain HTTP"]
    return wrong


def event_sources_are_bounded(template: Template) -> list[str]:
    """Without a bound, throttling uses up receives, and good messages end in the dead-letter queue."""
    return [
        name for name, *_, source in _mappings(template) if "MaximumConcurrency" not in source.get("ScalingConfig", {})
    ]


def chains_of_deferrals_may_go_on(template: Template) -> list[str]:
    """
    Lambda ends a chain in which a function is called some 16 times, which an outage makes of every photo that waits.

    A function that sends messages to another one and gets some of its back is part of such a chain, and needs leave. One
    that sends to itself only, as the splitter its quiet checks, does so once for an upload: there the guard must stay.
    """
    sends = {name: _sends_to(template, function) for name, function in resources(template, "AWS::Serverless::Function")}
    wrong = []
    for name in sends:
        others = sends[name] - {name}
        in_chain = any(name in _reached(sends, other) for other in others)
        allowed = template["Resources"][name]["Properties"].get("RecursiveLoop", "Terminate") == "Allow"
        if in_chain != allowed:
            wrong.append(f"{name}: RecursiveLoop must {'' if in_chain else 'not '}be Allow")
    return wrong


def _sends_to(template: Template, function: dict[str, Any]) -> set[str]:
    """The functions that read the queues to which a function may send; itself included, if it may."""
    queues = set()
    for statement in _statements(template, function):
        if "sqs:SendMessage" in _as_list(statement["Action"]):
            queues |= {target(queue) for queue in _as_list(statement["Resource"])}
    return {reader for _, queue, reader, _ in _mappings(template) if queue in queues}


def _reached(sends: dict[str, set[str]], start: str) -> set[str]:
    """The functions that a message of a function may come to, over however many others."""
    reached: set[str] = set()
    ahead = {start}
    while ahead:
        reached |= ahead
        ahead = {following for name in ahead for following in sends[name]} - reached
    return reached


def _policies(template: Template, function: dict[str, Any]) -> list[Any]:
    """What SAM makes a function's role of, or what stands in its own role."""
    if "Role" not in function:
        return list(function["Policies"])
    role = template["Resources"][target(function["Role"])]["Properties"]
    return [policy["PolicyDocument"] for policy in role["Policies"]]


def _statements(template: Template, function: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What a function may do, statements that depend on a condition included."""
    for policy in _policies(template, function):
        for statement in policy["Statement"] if isinstance(policy, dict) else ():
            if "Fn::If" not in statement:
                yield statement
                continue
            yield from (branch for branch in statement["Fn::If"][1:] if "Action" in branch)


def queues_end_in_dead_letters(template: Template) -> list[str]:
    """Every queue that a function reads has a dead-letter queue, and each chain ends where an alarm watches."""
    queues = dict(resources(template, "AWS::SQS::Queue"))
    read = {queue for _, queue, _, _ in _mappings(template)}
    watched = {target(alarm["Dimensions"][0]["Value"]) for _, alarm in resources(template, "AWS::CloudWatch::Alarm")}
    dead = {
        target(queue["RedrivePolicy"]["deadLetterTargetArn"]) for queue in queues.values() if "RedrivePolicy" in queue
    }
    wrong = [f"{name}: no dead-letter queue" for name in read if "RedrivePolicy" not in queues[name]]
    wrong += [
        f"{name}: kept for less than 14 days"
        for name in dead
        if queues[name].get("MessageRetentionPeriod") != FOURTEEN_DAYS_S
    ]
    wrong += [f"{name}: no alarm" for name in dead - watched]
    for name in read & queues.keys():
        least = 3 if name in dead else 5
        if "RedrivePolicy" in queues[name] and queues[name]["RedrivePolicy"]["maxReceiveCount"] < least:
            wrong.append(f"{name}: fewer than {least} receives")
    return wrong


def queues_are_encrypted(template: Template) -> list[str]:
    """With keys that SQS manages, at least."""
    return [
        name for name, queue in resources(template, "AWS::SQS::Queue") if queue.get("SqsManagedSseEnabled") is not True
    ]


def only_tls_is_let_in(template: Template) -> list[str]:
    """Queues and bucket refuse plain HTTP."""
    guarded = set()
    for _, policy in resources(template, "AWS::SQS::QueuePolicy"):
        if _refuses_plain_http(policy["PolicyDocument"]):
            guarded |= {target(queue) for queue in policy["Queues"]}
    for _, policy in resources(template, "AWS::S3::BucketPolicy"):
        if _refuses_plain_http(policy["PolicyDocument"]):
            guarded.add(target(policy["Bucket"]))
    kinds = ("AWS::SQS::Queue", "AWS::S3::Bucket")
    return [name for kind in kinds for name, _ in resources(template, kind) if name not in guarded]


def _refuses_plain_http(document: dict[str, Any]) -> bool:
    return any(
        statement["Effect"] == "Deny"
        and statement["Principal"] == "*"
        and statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
        and statement["Action"] in ("sqs:*", "s3:*", "sns:Publish")
        for statement in document["Statement"]
    )


def the_bucket_is_private_and_encrypted(template: Template) -> list[str]:
    """Photos show people's homes."""
    wrong = []
    for name, bucket in resources(template, "AWS::S3::Bucket"):
        block = bucket.get("PublicAccessBlockConfiguration", {})
        switches = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
        wrong += [f"{name}: {switch}" for switch in switches if block.get(switch) is not True]
        wrong += [
            f"{name}: {wanted}" for wanted in ("BucketEncryption", "LifecycleConfiguration") if wanted not in bucket
        ]
        if bucket.get("OwnershipControls") != {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}:
            wrong.append(f"{name}: ACLs")
    return wrong


def only_the_bucket_may_send_uploads(template: Template) -> list[str]:
    """The grant to S3 names bucket and account, or anybody's bucket could send events."""
    wrong = []
    for name, policy in resources(template, "AWS::SQS::QueuePolicy"):
        for statement in policy["PolicyDocument"]["Statement"]:
            condition = statement.get("Condition", {})
            scoped = "aws:SourceArn" in condition.get("ArnEquals", {}) and "aws:SourceAccount" in condition.get(
                "StringEquals", {}
            )
            if statement["Effect"] == "Allow" and not scoped:
                wrong.append(f"{name}: {statement.get('Sid')}")
    return wrong


def the_table_is_safe(template: Template) -> list[str]:
    """On demand, encrypted, recoverable, kept, and cleaned by TTL."""
    wanted = {
        "BillingMode": "PAY_PER_REQUEST",
        "SSESpecification": {"SSEEnabled": True},
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        "TimeToLiveSpecification": {"AttributeName": "ttl", "Enabled": True},
    }
    wrong = []
    for name, table in resources(template, "AWS::DynamoDB::Table"):
        wrong += [f"{name}: {key}" for key, value in wanted.items() if table.get(key) != value]
    for name, resource in template["Resources"].items():
        if (
            resource["Type"] in ("AWS::DynamoDB::Table", "AWS::S3::Bucket")
            and (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy"))
            != ("RetainExceptOnCreate", "Retain")
        ):
            wrong.append(f"{name}: DeletionPolicy")
    return wrong


def _is_of_web_sockets(template: Template, route: dict[str, Any]) -> bool:
    return bool(template["Resources"][target(route["ApiId"])]["Properties"]["ProtocolType"] == "WEBSOCKET")


#: The page is had by whoever has not signed in yet; it holds nothing of any DR.
PUBLIC = ("GET /", "GET /page/{version}/{file}")


def every_route_wants_authorisation(template: Template) -> list[str]:
    """IAM, or a token where an issuer is set; nothing for the page alone."""
    wrong = []
    for name, route in resources(template, "AWS::ApiGatewayV2::Route"):
        # What comes on a connection comes from who was let in.
        on_a_connection = _is_of_web_sockets(template, route) and route["RouteKey"] != "$connect"
        if route["RouteKey"] in PUBLIC and route.get("AuthorizationType") == "NONE":
            continue
        by_token = "CUSTOM" if _is_of_web_sockets(template, route) else "JWT"
        if not on_a_connection and route.get("AuthorizationType") != {"Fn::If": ["UseJwt", by_token, "AWS_IAM"]}:
            wrong.append(name)
    return wrong + [name for name, _ in resources(template, "AWS::Lambda::Url")]


def _managed(template: Template, function: dict[str, Any]) -> list[Any]:
    """What AWS's own policies let a function do beside logging, and network interfaces in a VPC."""
    if "Role" not in function:
        return []
    role = template["Resources"][target(function["Role"])]["Properties"]
    own = "arn:${AWS::Partition}:iam::aws:policy/service-role/AWSLambda"
    logs = {"Fn::Sub": f"{own}BasicExecutionRole"}
    interfaces = {"Fn::Sub": f"{own}VPCAccessExecutionRole"}
    allowed = [logs, {"Fn::If": ["InVpc", interfaces, {"Ref": "AWS::NoValue"}]}]
    return [policy for policy in role.get("ManagedPolicyArns", []) if policy not in allowed]


def a_function_in_a_vpc_has_a_role_of_its_own(template: Template) -> list[str]:
    """Or SAM lets it make network interfaces in a stack that has no VPC as well."""
    return [
        name
        for name, function in resources(template, "AWS::Serverless::Function")
        if "VpcConfig" in function and "Role" not in function
    ]


def policies_are_least_privilege(template: Template) -> list[str]:
    """Each function's statements name actions and resources; no managed policy comes in by the back door."""
    wrong = []
    for name, function in resources(template, "AWS::Serverless::Function"):
        for policy in _policies(template, function):
            if not isinstance(policy, dict) or "Statement" not in policy:
                wrong.append(f"{name}: {policy} is not spelled out")
                continue
        for statement in _statements(template, function):
            wrong += [f"{name}: {action}" for action in _as_list(statement["Action"]) if "*" in action]
            # X-Ray's have no resource, nor has reading metrics.
            if not all(action.startswith("xray:Put") or action == "cloudwatch:GetMetricData" for action in _as_list(statement["Action"])):
                wrong += [
                    f"{name}: {statement['Sid']}: any resource" for it in _as_list(statement["Resource"]) if it == "*"
                ]
        wrong += [f"{name}: {managed}" for managed in _managed(template, function)]
        if any(event["Type"] == "SQS" for event in function.get("Events", {}).values()):
            wrong.append(f"{name}: SAM's SQS event lets it read every queue")
    return wrong


#: The keys of the table that functions may write which people reach, but for those of their own.
_OWN_KEYS = {
    "ApiFunction": ("CACHE", "CACHE#*", "PLACE#*", "NOTES#*", "CLAIM#*", "KNOWN#*", "REVIEWS#*"),
    "NotifierFunction": ("CONNECTION#*", "WATCH#*", "PRINCIPAL#*", "CARDS#*", "COUNTS#*"),
}


def who_is_called_by_people_writes_keys_of_its_own_only(template: Template) -> list[str]:
    """Whoever gets hold of one changes what people say, since when answers are used, and who is connected."""
    return [wrong for name, keys in _OWN_KEYS.items() for wrong in _writes_beside(template, name, keys)]


def _writes_beside(template: Template, name: str, own: tuple[str, ...]) -> list[str]:
    wrong = []
    for statement in _statements(template, template["Resources"][name]["Properties"]):
        if not any("Put" in it or "Update" in it or "Write" in it or "Delete" in it for it in _as_list(statement["Action"])):
            continue
        if statement["Effect"] == "Deny":
            continue
        if statement["Action"] == "s3:PutObject":
            # By addresses that it signs for the app.
            if statement["Resource"] != {"Fn::Sub": "${PhotosBucket.Arn}/photos/*"}:
                wrong.append(f"{statement['Sid']}: other objects than photos")
            continue
        condition = statement.get("Condition", {})
        keys = condition.get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys", [])
        if not keys or not set(keys) <= set(own):
            wrong.append(f"{statement['Sid']}: other keys than its own")
        if condition.get("Null") != {"dynamodb:LeadingKeys": "false"}:
            wrong.append(f"{statement['Sid']}: a request without keys is let through")
    return wrong


_WRITES = ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem")
_A_REVIEW = "REVIEWS#DR1730550"


def nobody_changes_what_people_decided(template: Template) -> list[str]:
    """Only the API may put a review, and nobody, whatever else it may do, may update or delete one."""
    wrong = []
    for name, function in resources(template, "AWS::Serverless::Function"):
        statements = list(_statements(template, function))
        may = {action for action in _WRITES if _may_write(statements, f"dynamodb:{action}", _A_REVIEW)}
        meant = {"PutItem"} if name == "ApiFunction" else set()
        wrong += [f"{name}: {action} of reviews" for action in sorted(may - meant)]
        wrong += [f"{name}: can't write reviews" for _ in meant - may]
    return wrong


def _may_write(statements: list[dict[str, Any]], action: str, key: str) -> bool:
    """Whether a policy lets an item of the table be written: something allows it, and nothing denies it."""
    about = [it for it in statements if action in _as_list(it["Action"]) and _concerns(it.get("Condition", {}), key)]
    effects = {statement["Effect"] for statement in about}
    return "Allow" in effects and "Deny" not in effects


def _concerns(condition: dict[str, Any], key: str) -> bool:
    """Whether a statement with this condition is about an item of this key."""
    operators = ("ForAllValues:StringLike", "ForAnyValue:StringLike")
    patterns = [condition[it]["dynamodb:LeadingKeys"] for it in operators if it in condition]
    return all(any(fnmatchcase(key, pattern) for pattern in any_of) for any_of in patterns)


#: Where copies of photos lie that are made for people's eyes.
_PICTURES = "seen/"


def pictures_are_copies_of_days(template: Template) -> list[str]:
    """They go after days, nobody is told of them as of uploads, and only who decodes photos makes them."""
    bucket = template["Resources"]["PhotosBucket"]["Properties"]
    rules = [rule for rule in bucket["LifecycleConfiguration"]["Rules"] if rule.get("Prefix") == _PICTURES]
    wrong = [] if [rule.get("ExpirationInDays", 99) < 31 for rule in rules] == [True] else ["pictures are kept"]
    for told in bucket["NotificationConfiguration"]["QueueConfigurations"]:
        prefixes = [rule["Value"] for rule in told.get("Filter", {"S3Key": {"Rules": []}})["S3Key"]["Rules"]]
        if not prefixes or _PICTURES.startswith(prefixes[0]):
            wrong.append("pictures are told of as uploads")
    for name, function in resources(template, "AWS::Serverless::Function"):
        for statement in _statements(template, function):
            if "s3:PutObject" in _as_list(statement["Action"]) and _PICTURES in str(statement["Resource"]):
                wrong += [] if name == "BatchFunction" else [f"{name} makes pictures"]
    return wrong


def photos_outlast_the_verdicts_that_they_prove(template: Template) -> list[str]:
    """Photos go some day, and none before a verdict that rests on it."""
    rules = template["Resources"]["PhotosBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    enabled = [rule for rule in rules if rule["Status"] == "Enabled"]
    expire = [rule for rule in enabled if rule.get("ExpirationInDays") == {"Ref": "PhotoRetentionDays"}]
    of_photos = [rule for rule in enabled if rule.get("Prefix") != _PICTURES]
    replaced = [rule["NoncurrentVersionExpiration"]["NoncurrentDays"] for rule in of_photos if "NoncurrentVersionExpiration" in rule]
    wrong = [] if sorted(str(rule.get("Prefix")) for rule in expire) == ["/photos/", "photos/"] else ["photos are kept for ever"]
    variables = template["Resources"]["SplitterFunction"]["Properties"]["Environment"]["Variables"]
    kept = variables["VERDICT_RETENTION_DAYS"]
    if replaced != [kept] or kept != {"Ref": "VerdictRetentionDays"}:
        wrong.append("a verdict outlives photos that were replaced")
    return wrong


def logs_are_kept_for_a_set_time(template: Template) -> list[str]:
    """Each function writes to a log group of ours, and each log group forgets."""
    groups = dict(resources(template, "AWS::Logs::LogGroup"))
    wrong = [f"{name}: RetentionInDays" for name, group in groups.items() if "RetentionInDays" not in group]
    for name, function in resources(template, "AWS::Serverless::Function"):
        if function.get("LoggingConfig", {}).get("LogGroup", {}).get("Ref") not in groups:
            wrong.append(f"{name}: no log group of its own")
    return wrong


def a_web_socket_s_log_has_a_role(template: Template) -> list[str]:
    """API Gateway refuses the stage where account and region have none; and what all APIs share outlasts the stack."""
    everything = template["Resources"]
    web_sockets = {name for name, api in resources(template, "AWS::ApiGatewayV2::Api") if api["ProtocolType"] == "WEBSOCKET"}
    settings = dict(resources(template, "AWS::ApiGateway::Account"))
    makes = {"Fn::Equals": [{"Ref": "MakeApiLogRole"}, "true"]}
    wrong = [] if template["Parameters"].get("MakeApiLogRole", {}).get("Default") == "true" else ["a first deploy fails"]
    for name, stage in resources(template, "AWS::ApiGatewayV2::Stage"):
        if target(stage["ApiId"]) not in web_sockets or "AccessLogSettings" not in stage:
            continue
        match stage.get("Description"):
            case {"Fn::If": [condition, {"Fn::Sub": str(said)}, _]} if template["Conditions"][condition] == makes:
                wrong += [] if any(f"${{{one}}}" in said for one in settings) else [f"{name}: before the setting"]
            case _:
                wrong.append(f"{name}: before the setting")
    for name, setting in settings.items():
        role = target(setting["CloudWatchRoleArn"])
        if everything[name].get("DependsOn") not in web_sockets:
            wrong.append(f"{name}: an account without any API has no settings")
        if not any("AmazonAPIGatewayPushToCloudWatchLogs" in str(arn) for arn in everything[role]["Properties"]["ManagedPolicyArns"]):
            wrong.append(f"{role}: may write no log")
        for kept in (name, role):
            policies = {everything[kept].get(policy) for policy in ("DeletionPolicy", "UpdateReplacePolicy")}
            if policies != {"Retain"}:
                wrong.append(f"{kept}: goes, and other APIs write no log")
            if template["Conditions"].get(everything[kept].get("Condition")) != makes:
                wrong.append(f"{kept}: takes the place of what the account has")
    return wrong


def only_the_functions_filter_their_logs(template: Template) -> list[str]:
    """Lambda would drop what lies below INFO of lines in JSON, whatever LogLevel says."""
    common = template["Globals"]["Function"]
    wrong = [] if common["Environment"]["Variables"].get("RUST_LOG") == {"Ref": "LogLevel"} else ["LogLevel"]
    for name, function in [("Globals", common), *resources(template, "AWS::Serverless::Function")]:
        config = {**common["LoggingConfig"], **function.get("LoggingConfig", {})}
        if (config.get("LogFormat"), config.get("ApplicationLogLevel")) != ("JSON", "TRACE"):
            wrong.append(f"{name}: Lambda drops lines")
    return wrong


def the_key_stays_in_its_secret(template: Template) -> list[str]:
    """The VLM's key is in no function's environment, and CloudFormation does not show it."""
    wrong = [] if template["Parameters"]["VlmApiKey"].get("NoEcho") is True else ["VlmApiKey is echoed"]
    for name, function in resources(template, "AWS::Serverless::Function"):
        if {"Ref": "VlmApiKey"} in function.get("Environment", {}).get("Variables", {}).values():
            wrong.append(f"{name}: the key is in its environment")
    return wrong


def functions_are_called_by_their_alias(template: Template) -> list[str]:
    """Or what calls it stays with the release that was deployed last when the alias goes back to the one before."""
    wrong = []
    for name, resource in template["Resources"].items():
        properties = resource["Properties"]
        if resource["Type"] == "AWS::ApiGatewayV2::Integration":
            called = properties["IntegrationUri"]
        elif resource["Type"] == "AWS::ApiGatewayV2::Authorizer" and "AuthorizerUri" in properties:
            called = properties["AuthorizerUri"]
        elif resource["Type"] in ("AWS::Lambda::EventSourceMapping", "AWS::Lambda::Permission"):
            called = properties["FunctionName"]
        else:
            continue
        if not str(_called(called).get("Ref", "")).endswith(".Alias"):
            wrong.append(f"{name}: calls what was deployed last, not the alias")
    return wrong


def _called(uri: dict[str, Any]) -> dict[str, Any]:
    """What an address calls: itself, or what its `${Function}` stands for."""
    match uri:
        case {"Fn::Sub": [str(address), {"Function": dict(function)}]} if "functions/${Function}/invocations" in address:
            return function
        case _:
            return uri


def every_route_may_call_its_function(template: Template) -> list[str]:
    """Or API Gateway answers 500, which the emulator does not."""
    called = {
        name: target(_called(integration["IntegrationUri"]))
        for name, integration in resources(template, "AWS::ApiGatewayV2::Integration")
    }
    rights = [
        (target(right["FunctionName"]), str(right["SourceArn"]["Fn::Sub"]))
        for _, right in resources(template, "AWS::Lambda::Permission")
        if right["Principal"] == "apigateway.amazonaws.com"
    ]
    allowed = [(function, source.partition("${HttpApi}/*/")[2]) for function, source in rights]
    of_web_sockets = {function for function, source in rights if source.endswith("${EventsApi}/*")}
    wrong = []
    for name, route in resources(template, "AWS::ApiGatewayV2::Route"):
        asked = str(route["RouteKey"]).replace(" /", "/")
        function = called[str(route["Target"]["Fn::Sub"]).removeprefix("integrations/${").removesuffix("}")]
        if _is_of_web_sockets(template, route) and function in of_web_sockets:
            continue
        if not any(function == of and fnmatchcase(asked, pattern) for of, pattern in allowed):
            wrong.append(f"{name}: may not call {function}")
    return wrong


def every_release_is_a_version(template: Template) -> list[str]:
    """A new name of the release publishes a version of each function, and the versions before stay."""
    common = template["Globals"]["Function"]
    wrong = [] if common.get("AutoPublishAlias") == "live" else ["no alias"]
    release = {"Ref": "Release"}
    if common["Environment"]["Variables"].get("RELEASE") != release:
        wrong.append("Lambda publishes no version of what is like the last one")
    for name, function in resources(template, "AWS::Serverless::Function"):
        if function.get("VersionDescription") != release:
            wrong.append(f"{name}: a new release replaces no version")
        if function.get("AutoPublishAliasAllProperties") is not True:
            wrong.append(f"{name}: a changed line of the template publishes nothing")
        if template["Resources"][name].get("UpdateReplacePolicy") != "Retain" or "DeletionPolicy" in template["Resources"][name]:
            wrong.append(f"{name}: the version before does not stay")
    return wrong


def every_function_is_traced(template: Template) -> list[str]:
    """X-Ray sees each function, and a function with a role of its own may tell it."""
    wrong = [] if template["Globals"]["Function"].get("Tracing") == "Active" else ["Tracing"]
    for name, function in resources(template, "AWS::Serverless::Function"):
        allowed = {action for statement in _statements(template, function) for action in _as_list(statement["Action"])}
        if "Role" in function and not {"xray:PutTraceSegments", "xray:PutTelemetryRecords"} <= allowed:
            wrong.append(f"{name}: may not tell X-Ray")
    return wrong


def functions_are_native(template: Template) -> list[str]:
    """provided.al2023, for the architecture that the parameter names."""
    common = template["Globals"]["Function"]
    wrong = [] if common["Runtime"] == "provided.al2023" else ["Runtime"]
    wrong += [] if common["Architectures"] == [{"Ref": "Architecture"}] else ["Architectures"]
    return wrong + ([] if template["Parameters"]["Architecture"]["Default"] == "x86_64" else ["Architecture"])


CHECKS: tuple[Check, ...] = (
    visibility_is_six_times_the_timeout,
    what_is_lost_was_not_merely_hidden,
    a_timeout_fits_what_waits_for_it,
    the_load_on_the_vlm_is_bounded,
    event_sources_report_single_failures,
    event_sources_are_bounded,
    streams_are_read_until_all_is_done,
    completions_are_published_encrypted_and_by_tls,
    chains_of_deferrals_may_go_on,
    queues_end_in_dead_letters,
    queues_are_encrypted,
    only_tls_is_let_in,
    the_bucket_is_private_and_encrypted,
    only_the_bucket_may_send_uploads,
    the_table_is_safe,
    every_route_wants_authorisation,
    policies_are_least_privilege,
    a_function_in_a_vpc_has_a_role_of_its_own,
    who_is_called_by_people_writes_keys_of_its_own_only,
    nobody_changes_what_people_decided,
    photos_outlast_the_verdicts_that_they_prove,
    pictures_are_copies_of_days,
    logs_are_kept_for_a_set_time,
    a_web_socket_s_log_has_a_role,
    only_the_functions_filter_their_logs,
    the_key_stays_in_its_secret,
    functions_are_called_by_their_alias,
    every_route_may_call_its_function,
    every_release_is_a_version,
    every_function_is_traced,
    functions_are_native,
)
