"""The reader of `bench small-print`. Each line of standard input is a JPEG, each line of standard output what it says.

A request is `{"jpeg": base64}`, its answer `{"lines": [text, …]}` or `{"error": text}`. The engine's weights come with
its package; nothing is fetched.
"""

from __future__ import annotations

import base64
import json
import os
import sys

os.environ.setdefault("OMP_NUM_THREADS", "1")

from rapidocr import RapidOCR  # noqa: E402  (threads are counted when it is imported)

#: Lines that the engine doubts more than this are given all the same: the bench counts what is right.
_LEAST_SCORE = 0.0


def _engine() -> RapidOCR:
    return RapidOCR(
        params={
            "Global.log_level": "error",
            "Global.text_score": _LEAST_SCORE,
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
        }
    )


def _read(engine: RapidOCR, line: str) -> dict[str, object]:
    try:
        found = engine(base64.b64decode(json.loads(line)["jpeg"]))
    except Exception as error:  # noqa: BLE001  (whatever it is, the next photo is read)
        return {"error": f"{type(error).__name__}: {error}"}
    return {"lines": list(found.txts or ())}


def main() -> None:
    """Answers until standard input ends."""
    engine = _engine()
    for line in sys.stdin:
        print(json.dumps(_read(engine, line)), flush=True)


if __name__ == "__main__":
    main()
