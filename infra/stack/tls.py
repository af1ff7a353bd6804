"""A certificate for the emulator, made anew for each stack that enforces IAM.

The template's policies refuse what does not come over TLS, and an emulator that enforces policies enforces these too.
"""

from __future__ import annotations

import shutil
import ssl
from dataclasses import dataclass
from pathlib import Path

from .errors import StackError
from .process import run


@dataclass(frozen=True)
class Certificate:
    """The emulator's certificate, its key, and a bundle of all that clients should trust."""

    certificate: Path
    key: Path
    bundle: Path


def make(folder: Path) -> Certificate:
    """Makes a certificate for 127.0.0.1 with openssl."""
    if not shutil.which("openssl"):
        raise StackError("--auth needs openssl to make a certificate.", "Install openssl.")
    made = Certificate(folder / "emulator.crt", folder / "emulator.key", folder / "trusted.pem")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=local stack"]
    command += ["-addext", "basicConstraints=critical,CA:FALSE", "-addext", "extendedKeyUsage=serverAuth"]
    command += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    command += ["-keyout", str(made.key), "-out", str(made.certificate)]
    done = run(command, capture=True)
    if done.returncode != 0:
        raise StackError(f"openssl could not make a certificate: {done.stderr.strip()}")
    system = ssl.get_default_verify_paths().cafile
    roots = Path(system).read_bytes() if system else b""
    made.bundle.write_bytes(roots + b"\n" + made.certificate.read_bytes())
    return made
