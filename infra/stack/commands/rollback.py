"""`infra/local rollback`: has the release before answer again, at once."""

from __future__ import annotations

import argparse
import json

from botocore.exceptions import BotoCoreError, ClientError

from .. import releases, target
from ..errors import StackError


def run(arguments: argparse.Namespace) -> int:
    """Says which versions are live now."""
    stack = target.of(arguments)
    client = stack.client("lambda")
    try:
        functions = releases.read(client, stack.outputs)
        release = arguments.to or releases.before(functions)
        moved = releases.go_to(client, functions, release)
    except (BotoCoreError, ClientError) as error:
        raise StackError(
            f"AWS refused: {error}.", "Say it again once that is mended: what was done stays, and is not done twice."
        ) from None
    if arguments.json:
        print(json.dumps({"stack": stack.name, "release": release, "functions": moved}))
        return 0
    for one in moved:
        print(f"{one['function']:<11} version {one['from']} ({one['from_release']}) → {one['to']} ({release})")
    print(
        f"Release {release} is live. The template's other resources stay as they are: check that release out and"
        " deploy it when there is time."
    )
    return 0
