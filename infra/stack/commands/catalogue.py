"""`infra/local catalogue`: looks at a catalogue of one's own, and publishes it to a stack."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from .. import build, catalogue, target


def run(arguments: argparse.Namespace) -> int:
    """Says what the document comes to; with `publish`, whether it was put."""
    if not arguments.no_build:
        build.only(build.VLM_CHECK)
    path = Path(arguments.file)
    found = catalogue.check(path)
    if arguments.what == "publish":
        stack = target.of(arguments)
        found["published"] = catalogue.publish(path, stack.outputs["TableName"], stack.client("dynamodb"))
    if arguments.json:
        print(json.dumps(found))
        return 0
    print("\n".join(_lines(found)))
    return 0


def _lines(found: dict[str, Any]) -> list[str]:
    tokens = found["prompt_tokens"]
    lines = [
        f"{found['version']}: {found['steps']} steps, {found['critical']} critical, {found['readings']} with a reading",
        f"its prompt has about {tokens['full']} tokens, in quick mode {tokens['quick']}",
        *(f"remark: {remark}" for remark in found["remarks"]),
    ]
    if "published" in found:
        how = "published" if found["published"] else "published before, the same"
        lines.append(f"{how}: ask with it by CatalogueVersion={found['version']}, by CatalogueRules, or by name")
    return lines
