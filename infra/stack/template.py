"""Reads template.yaml, CloudFormation's short tags included, and points its functions at uploaded code."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml

from .paths import TEMPLATE


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's tags."""


def _tag(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = str(value).split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _tag)


def load(path: Path = TEMPLATE) -> dict[str, Any]:
    """The template as values; `!Ref X` is `{"Ref": "X"}`."""
    return yaml.load(path.read_text(), Loader=_Loader)  # a SafeLoader with tags


def functions(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The functions by the name of their code folder."""
    found = {}
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            found[Path(resource["Properties"]["CodeUri"]).name] = resource
    return found


def with_code(template: dict[str, Any], bucket: str, keys: dict[str, str]) -> dict[str, Any]:
    """The template with each function's CodeUri at the zip uploaded for it, as `aws cloudformation package` does."""
    packaged = copy.deepcopy(template)
    for name, resource in functions(packaged).items():
        resource["Properties"]["CodeUri"] = {"Bucket": bucket, "Key": keys[name]}
    return packaged
