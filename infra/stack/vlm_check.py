"""Asks a VLM, before anything is built or deployed, whether it would answer the functions.

The functions wait for a VLM that is away, as they should; who mistyped an address should not.

# Invariants
- It is asked as the functions ask: the key as a bearer token, no proxy, no redirect followed.
- Only a refusal is an error. A server that is busy, that has no list of models, or that takes a
  model it does not list, is a good one. One that lists its models to all may yet refuse the key.
"""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

from .errors import StackError
from .say import say

#: For the list of models, which even a busy server has at hand.
_LISTS_WITHIN_S = 10.0
#: For an answer of one token; a server that is busy for longer is not a wrong one.
_ANSWERS_WITHIN_S = 10.0
_NO_KEY = "none"
_MOST_CHARACTERS = 300
_MOST_MODELS = 20
_ASK_FOR_URL = "Check --vlm-url, and that the server runs."


@dataclass(frozen=True)
class Reply:
    """What a server said: the status, the text, and the text's JSON if it is some."""

    status: int
    text: str
    body: Any

    def __str__(self) -> str:
        words = " ".join(self.text.split())
        return f"HTTP {self.status}{f': {words[:_MOST_CHARACTERS]}' if words else ''}"


def check(url: str, model: str, key: str) -> None:
    """Raises, with what the server answered, if it would take no request of the functions."""
    listed = _ask(url, "/v1/models", key, _LISTS_WITHIN_S)
    if listed is None:
        said = f"The VLM at {url} did not answer /v1/models within {_LISTS_WITHIN_S:.0f} s."
        raise StackError(said, _ASK_FOR_URL)
    _raise_if_refused(url, key, listed)
    models = _models(listed)
    message = {"role": "user", "content": "Say yes."}
    question = {"model": model, "messages": [message], "max_tokens": 1}
    answer = _ask(url, "/v1/chat/completions", key, _ANSWERS_WITHIN_S, question)
    if answer is None:
        say(f"The VLM at {url} is slow: no answer within {_ANSWERS_WITHIN_S:.0f} s. Going on …")
        return
    _raise_if_refused(url, key, answer)
    _raise_if_unknown(url, model, models, answer)
    _raise_if_no_server(url, answer, known=model in models)


def _raise_if_refused(url: str, key: str, reply: Reply) -> None:
    if reply.status in (401, 403):
        which = "wants a key" if key == _NO_KEY else "refuses the key"
        raise StackError(
            f"The VLM at {url} {which}: {reply}.", "The key is read from the variable VLM_API_KEY."
        )


def _raise_if_unknown(url: str, model: str, models: list[str], answer: Reply) -> None:
    """A server may take a model that it does not list, but hardly refuses one that it has."""
    refused = answer.status in (400, 404, 422) and model not in models
    named = isinstance(answer.body, dict) and model in json.dumps(answer.body, ensure_ascii=False)
    if refused and (models or named):
        more = " …" if len(models) > _MOST_MODELS else ""
        has = f"it has {', '.join(models[:_MOST_MODELS])}{more}" if models else "it lists none"
        said = f"The VLM at {url} has no model {model}; {has}. It says {answer}."
        raise StackError(said, "Say --vlm-model.")


def _raise_if_no_server(url: str, answer: Reply, *, known: bool) -> None:
    """Who lists the model is one, unless it says that it has no such path."""
    spoken = isinstance(answer.body, dict)
    wrong = answer.status in (404, 405, 501) or 300 <= answer.status < 400
    silent = answer.status == 200 and not (spoken and "choices" in answer.body)
    if wrong or silent or not (spoken or known) or (answer.status == 502 and not known):
        said = f"At {url} no server answers /v1/chat/completions: {answer}."
        raise StackError(said, _ASK_FOR_URL)


def _models(reply: Reply) -> list[str]:
    entries = (
        reply.body.get("data") if reply.status == 200 and isinstance(reply.body, dict) else None
    )
    if not isinstance(entries, list):
        return []
    return [str(entry["id"]) for entry in entries if isinstance(entry, dict) and "id" in entry]


def _ask(
    url: str, path: str, key: str, within_s: float, question: dict[str, Any] | None = None
) -> Reply | None:
    """What it says; none if it takes its time."""
    headers = {"content-type": "application/json"}
    if key != _NO_KEY:
        headers["authorization"] = f"Bearer {key}"
    body = json.dumps(question).encode() if question else None
    try:
        request = urllib.request.Request(url + path, body, headers)
        with _direct().open(request, timeout=within_s) as reply:
            return _reply(reply.status, reply.read())
    except urllib.error.HTTPError as error:
        return _reply(error.code, error.read())
    except TimeoutError:
        return None
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        reason = getattr(reason, "strerror", None) or reason
        if isinstance(reason, TimeoutError):
            reason = f"no connection within {within_s:.0f} s"
        raise StackError(f"The VLM at {url} can't be reached: {reason}.", _ASK_FOR_URL) from None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Makes an answer of a redirect, as the functions do."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _direct() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect())


def _reply(status: int, content: bytes) -> Reply:
    text = content.decode(errors="replace")
    try:
        return Reply(status, text, json.loads(text))
    except ValueError:
        return Reply(status, text, None)
