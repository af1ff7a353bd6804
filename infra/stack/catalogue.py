"""Catalogues of one's own: looked at as documents, and put where the functions find them.

# Invariants
- A document is refused by its schema, or by the program that the functions read it with, before
  anything is written.
- What is published under a version never changes: the same document again is no change, another
  one is refused.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
from botocore.exceptions import BotoCoreError, ClientError

from .build import VLM_CHECK, binary
from .errors import StackError
from .paths import REPO
from .process import run

SCHEMA = REPO / "shared" / "evaluation" / "catalogue.schema.json"
_SHIPPED = REPO / "shared" / "evaluation" / "src" / "catalogues"


def check(path: Path) -> dict[str, Any]:
    """What the document comes to: version, steps, tokens of its prompt, remarks."""
    _fits(path, _read(path))
    done = run([str(binary(VLM_CHECK)), "--catalogue", str(path)], capture=True)
    try:
        said: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        raise StackError(f"{path} could not be looked at: {done.stderr.strip()}") from None
    if problem := said.get("error"):
        raise StackError(f"{path} can't be published: {problem}.", "Nothing was published.")
    return said


def publish(path: Path, table: str, dynamodb: Any) -> bool:
    """Puts a document into the table of a stack; false if it stands there already."""
    version, document = check(path)["version"], path.read_text()
    item = {**_key(version), "document": {"S": document}}
    try:
        dynamodb.put_item(TableName=table, Item=item, ConditionExpression="attribute_not_exists(pk)")
    except ClientError as error:
        if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
            return _is_the_same(version, document, table, dynamodb)
        raise _unreachable(table, error) from None
    except BotoCoreError as error:
        raise _unreachable(table, error) from None
    return True


def _is_the_same(version: str, document: str, table: str, dynamodb: Any) -> bool:
    found = dynamodb.get_item(TableName=table, Key=_key(version), ConsistentRead=True)["Item"]
    if json.loads(found["document"]["S"]) != json.loads(document):
        raise StackError(
            f"Another catalogue is published as {version}, and verdicts rest on it.",
            "Give this one another version.",
        )
    return False


def _key(version: str) -> dict[str, Any]:
    return {"pk": {"S": f"CATALOGUE#{version}"}, "sk": {"S": "PUBLISHED"}}


def _unreachable(table: str, error: Exception) -> StackError:
    return StackError(
        f"The table {table} can't be written: {error}.",
        "It takes dynamodb:PutItem and dynamodb:GetItem. Check AWS_PROFILE and AWS_REGION.",
    )


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise StackError(f"{path} can't be read: {error}.") from None
    except ValueError as error:
        raise StackError(f"{path} is no JSON: {error}.", f"Begin with one of {_SHIPPED}.") from None


def _fits(path: Path, document: Any) -> None:
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text()))
    errors = sorted(validator.iter_errors(document), key=lambda error: list(map(str, error.absolute_path)))
    if not errors:
        return
    said = "\n".join(f"  {_place(error)}: {_words(error)}" for error in errors[:10])
    more = f"\n  and {len(errors) - 10} more" if len(errors) > 10 else ""
    raise StackError(f"{path} is no catalogue:\n{said}{more}", f"The schema is {SCHEMA.relative_to(REPO)}.")


def _place(error: Any) -> str:
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path]
    return "".join(parts).lstrip(".") or "the document"


def _words(error: Any) -> str:
    if error.validator == "contains":
        return "no step is critical, so quick mode would ask nothing"
    if list(error.absolute_path)[-1:] == ["reads"]:
        return "reads is a serial, power_dbm, dr_number or housing_type, with its own fields"
    return str(error.message)[:200]
