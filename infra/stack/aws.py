"""Clients of the local AWS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config

from .environment import REGION

_CONFIG = Config(
    retries={"total_max_attempts": 2, "mode": "standard"},
    connect_timeout=3,
    max_pool_connections=32,
    s3={"addressing_style": "path"},
    proxies={},
)


@dataclass(frozen=True)
class Aws:
    """Where the local AWS is, and the certificates to trust if it speaks TLS."""

    endpoint: str
    trust: str | None = None

    def client(self, service: str) -> Any:
        """A client with the emulator's root key."""
        session = boto3.session.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)
        return session.client(service, endpoint_url=self.endpoint, verify=self.trust or True, config=_CONFIG)
