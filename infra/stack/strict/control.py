"""The routes by which the layer is asked and told, under `/_strict/` of the emulator:

    GET    /_strict/meter             what was counted (`meter.py`)
    POST   /_strict/meter/reset       counts from zero
    GET    /_strict/refusals          what was refused, by the layer or the emulator, in its order
    DELETE /_strict/refusals?first=3  forgets those from the fourth on
    GET    /_strict/faults            {"met": {"UpdateItem": 2}}
    POST   /_strict/faults            {"operation": "TransactWriteItems", "code": "TransactionConflict", "count": 2},
                                      or "hang_s" for a code; "match" is a text that the body must hold (`faults.py`)
    DELETE /_strict/faults            no more faults
    POST   /_strict/minute            {"seconds": 2}: so long takes a minute of the alarms (`watch.py`)
    POST   /_strict/chain             {"limit": 3}: invocations of a function in one chain of calls; 16 on AWS
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

from .faults import Fault
from .layer import Layer

PREFIX = "/_strict/"
_OK, _DONE, _UNKNOWN, _WRONG = 200, 204, 404, 400


def answer(layer: Layer, method: str, path: str, query: str, body: bytes) -> tuple[int, Any]:
    """Status and body of an answer."""
    try:
        told = json.loads(body) if body else {}
        return _answer(layer, method, path.removeprefix(PREFIX), parse_qs(query), told)
    except (KeyError, TypeError, ValueError) as error:
        return _WRONG, {"message": f"not understood: {error}"}


def _answer(
    layer: Layer, method: str, route: str, query: dict[str, list[str]], told: dict[str, Any]
) -> tuple[int, Any]:
    match method, route:
        case "GET", "meter":
            return _OK, layer.meter.read()
        case "POST", "meter/reset":
            layer.meter.reset()
        case "GET", "refusals":
            return _OK, layer.refusals.read()
        case "DELETE", "refusals":
            layer.refusals.forget(int(query.get("first", ["0"])[0]))
        case "GET", "faults":
            return _OK, {"met": dict(layer.faults.met)}
        case "POST", "faults":
            layer.faults.add(Fault(**told))
        case "DELETE", "faults":
            layer.faults.clear()
        case "POST", "minute":
            layer.watch.minute_s = float(told["seconds"])
        case "POST", "chain":
            layer.chain_limit = int(told["limit"])
        case _:
            return _UNKNOWN, {"message": "no such route"}
    return _DONE, None
