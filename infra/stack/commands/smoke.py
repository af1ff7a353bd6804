"""`infra/local smoke`: whether a stack works, after a deploy."""

from __future__ import annotations

import argparse
import json
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from .. import build, target
from ..errors import StackError
from ..smoke import Smoke


def run(arguments: argparse.Namespace) -> int:
    """Says what it found; an error is an exit code other than 0."""
    if not arguments.no_build:
        build.only(build.SAMPLE_PHOTOS)
    try:
        found = Smoke(target.of(arguments), arguments.within).run()
    except (BotoCoreError, ClientError) as error:
        raise StackError(f"AWS refused: {error}.", "Check AWS_PROFILE, AWS_REGION and your rights.") from None
    print(json.dumps(found) if arguments.json else text(found))
    return 0


def text(found: dict[str, Any]) -> str:
    """What a person wants to know."""
    health, evaluation = found["health"], found["evaluation"]
    asks = ", ".join(f"{name.removesuffix('_version')} {value}" for name, value in health["asks_with"].items())
    knows = ", ".join(f"{name.removesuffix('s')} {', '.join(map(str, of))}" for name, of in health["knows"].items())
    took = (evaluation["timings"] or {}).get("total_ms", 0) / 1000
    return "\n".join(
        [
            f"release   {health['release']} (version {health['function_version']} of the API's function)",
            f"asks with {asks}",
            f"knows     {knows.replace('_', ' ')}",
            f"VLM       {health['vlm']['state']}",
            f"evaluated {len(evaluation['photos'])} photos of {found['dr_number']} in {took:.1f} s, and cleaned up",
        ]
    )
