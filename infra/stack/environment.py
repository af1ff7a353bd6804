"""The environment of what runs in the stack: local AWS only, whatever the person's own environment says."""

from __future__ import annotations

import os
from pathlib import Path

from .tls import Certificate

REGION = "us-east-1"
ACCOUNT = "000000000000"
_LOOPBACK = "127.0.0.1,localhost"
#: Passed on as they are. Credentials, profiles and endpoints of real accounts are not.
_PASSED_ON = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "http_proxy",
    "https_proxy",
    "SSL_CERT_FILE",
)


def aws(endpoint: str) -> dict[str, str]:
    """What an AWS SDK needs to talk to the emulator, and to nothing else."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def base() -> dict[str, str]:
    """The person's environment, reduced to what is harmless. Loopback is never asked of a proxy."""
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {**passed, "NO_PROXY": _LOOPBACK, "no_proxy": _LOOPBACK}


def emulator(endpoint: str, scratch: Path) -> dict[str, str]:
    """The emulator's environment; the functions inherit it. All that it writes goes under `scratch`."""
    return {
        **base(),
        **aws(endpoint),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": endpoint.rpartition(":")[2],
        "TMPDIR": str(scratch),
        "STATE_DIR": str(scratch / "state"),
        "S3_DATA_DIR": str(scratch / "s3"),
        # Lambda sets this for functions with LogFormat JSON; the emulator does not.
        "AWS_LAMBDA_LOG_FORMAT": "JSON",
        # Idle environments of functions are kept: tests come in bursts, and a start costs more than a wait.
        "LAMBDA_WARM_TTL_SECONDS": "3600",
    }


def enforcing(certificate: Certificate) -> dict[str, str]:
    """What the emulator needs on top of it to enforce IAM, which the template's policies allow over TLS only."""
    return {
        "AUTH": "true",
        "USE_SSL": "1",
        "MINISTACK_SSL_CERT": str(certificate.certificate),
        "MINISTACK_SSL_KEY": str(certificate.key),
        **trusting(certificate.bundle),
    }


def trusting(bundle: Path) -> dict[str, str]:
    """Has SDKs trust the emulator's certificate."""
    return {"SSL_CERT_FILE": str(bundle), "AWS_CA_BUNDLE": str(bundle)}
