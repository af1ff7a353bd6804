"""An issuer of tokens for a local stack: its discovery document and keys over HTTP, and any token, good or bad.

# Invariants
- It listens on this machine only, and its key goes with the process: no token of it is good anywhere else.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

#: Whom good tokens are for.
AUDIENCE = "local"
_KEY_ID = "local-1"
_GOOD_FOR_S = 3600


class Issuer:
    """One, for as long as it is not closed."""

    def __init__(self) -> None:
        self._key = new_key()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self._documents))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self) -> Issuer:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def claims(self, scope: str, subject: str = "anna") -> dict[str, Any]:
        """What a good token with this scope says."""
        now = int(time.time())
        return {
            "iss": self.url, "sub": subject, "aud": AUDIENCE, "scope": scope, "iat": now, "exp": now + _GOOD_FOR_S,
        }  # fmt: skip

    def token(self, scope: str, /, subject: str = "anna", **but: Any) -> str:
        """A good token with this scope, but for these claims; None leaves one out."""
        claims = self.claims(scope, subject) | but
        return self.signed({name: value for name, value in claims.items() if value is not None})

    def signed(self, claims: dict[str, Any], key: rsa.RSAPrivateKey | None = None, **header: str) -> str:
        """A token that says this, signed by the issuer's key or another one."""
        said = {"alg": "RS256", "typ": "JWT", "kid": _KEY_ID, **header}
        text = f"{_encoded(json.dumps(said).encode())}.{_encoded(json.dumps(claims).encode())}"
        if said["alg"] == "none":
            return f"{text}."
        return f"{text}.{_encoded((key or self._key).sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    def _documents(self) -> dict[str, Any]:
        public = self._key.public_key().public_numbers()
        key = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": _KEY_ID, "n": _number(public.n), "e": _number(public.e)}
        return {
            "/.well-known/openid-configuration": {"issuer": self.url, "jwks_uri": f"{self.url}/keys"},
            "/keys": {"keys": [key]},
        }


def new_key() -> rsa.RSAPrivateKey:
    """A key of somebody."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _handler(documents: Any) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            document = documents().get(self.path)
            body = json.dumps(document or {}).encode()
            self.send_response(200 if document else 404)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Says nothing: it is asked all the time."""

    return Handler


def _number(value: int) -> str:
    return _encoded(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
