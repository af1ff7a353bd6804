"""Clients of the local AWS."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.config import Config

from .environment import REGION

_CONFIG = Config(
    retries={"max_attempts": 3, "mode": "standard"},
    max_pool_connections=32,
    s3={"addressing_style": "path"},
    proxies={},
)


def client(service: str, endpoint: str) -> Any:
    """A client with the emulator's root key."""
    session = boto3.session.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)
    return session.client(service, endpoint_url=endpoint, config=_CONFIG)
