"""An issuer of tokens for a local stack: its discovery document and keys over HTTP, a sign-in with one user for each
role (authorization code with PKCE), and any token, good or bad.

# Invariants
- It listens on this machine only, and its key goes with the process: no token of it is good anywhere else.
- Whoever can reach it may sign in as anybody: its users have no passwords.
- It sends nobody to another machine: codes go to pages of this one.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import urllib3
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

#: Whom good tokens are for.
AUDIENCE = "local"
#: Who the page is.
CLIENT_ID = "page"
#: Who can sign in: a name, and the role that it has.
USERS = {"tom": "technician", "vera": "viewer", "rita": "reviewer", "olaf": "operator"}
#: What programs of this machine may: infra/local itself.
PROGRAM_SCOPE = "evaluations/operator"
_PROGRAM = "infra-local"
_KEY_ID = "local-1"
_GOOD_FOR_S = 3600
_CODES_GOOD_FOR_S = 60
_HERE = ("127.0.0.1", "localhost")


class Issuer:
    """One, for as long as it is not closed."""

    def __init__(self, good_for_s: int = _GOOD_FOR_S) -> None:
        self._key = new_key()
        self.good_for_s = good_for_s
        #: Whether who signs in is given a refresh token; else a page asks anew, in a frame.
        self.gives_refresh_tokens = True
        self._codes: dict[str, dict[str, Any]] = {}
        self._refresh: dict[str, dict[str, Any]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self) -> Issuer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """It answers no more."""
        self._server.shutdown()
        self._server.server_close()

    def claims(self, scope: str, subject: str = "anna") -> dict[str, Any]:
        """What a good token with this scope says."""
        now = int(time.time())
        return {
            "iss": self.url, "sub": subject, "aud": AUDIENCE, "scope": scope, "iat": now, "exp": now + self.good_for_s,
            "jti": secrets.token_hex(8),
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

    def documents(self) -> dict[str, Any]:
        """What is had without signing in."""
        public = self._key.public_key().public_numbers()
        key = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": _KEY_ID, "n": _number(public.n), "e": _number(public.e)}
        return {
            "/.well-known/openid-configuration": {
                "issuer": self.url,
                "jwks_uri": f"{self.url}/keys",
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "end_session_endpoint": f"{self.url}/logout",
                "response_types_supported": ["code"],
                "code_challenge_methods_supported": ["S256"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
            },
            "/keys": {"keys": [key]},
        }

    def code(self, asked: dict[str, str], user: str) -> str:
        """For one who signs in: what the page swaps for tokens."""
        code = secrets.token_urlsafe(16)
        self._codes[code] = {**asked, "user": user, "until": time.time() + _CODES_GOOD_FOR_S}
        return code

    def swapped(self, form: dict[str, str]) -> dict[str, Any] | None:
        """The tokens for a code, or for a refresh token; each is good once. A program of this machine is an operator."""
        if form.get("grant_type") == "client_credentials":
            return {"access_token": self.token(PROGRAM_SCOPE, _PROGRAM), "token_type": "Bearer", "expires_in": self.good_for_s}
        if form.get("grant_type") == "refresh_token":
            given = self._refresh.pop(form.get("refresh_token", ""), None)
            return self._tokens(given) if given else None
        given = self._codes.pop(form.get("code", ""), None)
        verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if not given or given["until"] < time.time() or _encoded(verifier) != given.get("code_challenge"):
            return None
        same = all(form.get(name) == given.get(name) for name in ("redirect_uri", "client_id"))
        return self._tokens(given) if same else None

    def _tokens(self, given: dict[str, Any]) -> dict[str, Any]:
        user = given["user"]
        wanted = given.get("scope", "").split()
        # Of the roles that the page asks for each user has one.
        scope = " ".join(name for name in wanted if "/" not in name or name.endswith(f"/{USERS[user]}"))
        about = self.claims(scope, user) | {"aud": given["client_id"], "name": user.capitalize()}
        about |= {"nonce": given["nonce"]} if "nonce" in given else {}
        tokens = {
            "access_token": self.token(scope, user),
            "id_token": self.signed(about),
            "token_type": "Bearer",
            "expires_in": self.good_for_s,
            "scope": scope,
        }
        if self.gives_refresh_tokens:
            tokens["refresh_token"] = secrets.token_urlsafe(16)
            self._refresh[tokens["refresh_token"]] = given
        return tokens


def program_token(url: str) -> str:
    """A token for a program of this machine, of the issuer at this address."""
    pool = urllib3.PoolManager(timeout=urllib3.Timeout(5.0), retries=False)
    reply = pool.request("POST", f"{url}/token", body=b"grant_type=client_credentials")
    return str(json.loads(reply.data)["access_token"])


def new_key() -> rsa.RSAPrivateKey:
    """A key of somebody."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _handler(issuer: Issuer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            asked = {name: values[0] for name, values in parse_qs(url.query).items()}
            if url.path == "/authorize":
                self._authorize(asked)
            elif url.path == "/logout":
                self._leave(asked)
            else:
                document = issuer.documents().get(url.path)
                self._answer(200 if document else 404, "application/json", json.dumps(document or {}))

        def do_POST(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            form = {name: values[0] for name, values in parse_qs(self.rfile.read(length).decode()).items()}
            tokens = issuer.swapped(form) if self.path == "/token" else None
            refused = {"error": "invalid_grant"}
            self._answer(200 if tokens else 400, "application/json", json.dumps(tokens or refused))

        def do_OPTIONS(self) -> None:
            self._answer(204, "text/plain", "")

        def _authorize(self, asked: dict[str, str]) -> None:
            back = asked.get("redirect_uri", "")
            if urlsplit(back).hostname not in _HERE:
                self._answer(400, "text/plain", "Pages of this machine only may have people signed in here.")
            elif (user := asked.pop("user", None) or self._known()) in USERS:
                code = issuer.code(asked, str(user))
                where = urlencode({"code": code, "state": asked.get("state", "")})
                cookie = f"user={user}; HttpOnly; SameSite=Lax; Path=/"
                self._answer(302, "text/plain", "", location=f"{back}?{where}", set_cookie=cookie)
            elif asked.get("prompt") == "none":
                where = urlencode({"error": "login_required", "state": asked.get("state", "")})
                self._answer(302, "text/plain", "", location=f"{back}?{where}")
            else:
                self._answer(200, "text/html; charset=utf-8", _page(asked))

        def _leave(self, asked: dict[str, str]) -> None:
            back = asked.get("post_logout_redirect_uri", "")
            cookie = "user=; Max-Age=0; Path=/"
            if urlsplit(back).hostname in _HERE:
                self._answer(302, "text/plain", "", location=back, set_cookie=cookie)
            else:
                self._answer(200, "text/plain", "You are signed out.", set_cookie=cookie)

        def _known(self) -> str | None:
            return self.headers.get("cookie", "").partition("user=")[2].partition(";")[0] or None

        def _answer(self, status: int, kind: str, text: str, **headers: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.send_header("access-control-allow-origin", "*")
            self.send_header("access-control-allow-headers", "*")
            self.send_header("cache-control", "no-store")
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Says nothing: it is asked all the time."""

    return Handler


def _page(asked: dict[str, str]) -> str:
    """Who one wants to be."""
    hidden = "".join(
        f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">' for name, value in asked.items()
    )
    users = "".join(
        f'<p><button name="user" value="{name}">{name.capitalize()}, {role}</button></p>' for name, role in USERS.items()
    )
    return (
        '<!doctype html><html lang="en"><meta name="viewport" content="width=device-width">'
        "<title>Sign in (local)</title><style>body{font:18px system-ui;max-width:24em;margin:10vh auto;padding:0 1em}"
        "button{font:inherit;width:100%;padding:.8em;text-align:left}</style>"
        f"<h1>Who are you?</h1><p>A local stack: no passwords.</p><form>{hidden}{users}</form></html>"
    )


def _number(value: int) -> str:
    return _encoded(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
