"""`infra/local mutate`: takes out one check after another and shows which test notices."""

from __future__ import annotations

import argparse
import json

from .. import build, mutations
from ..errors import StackError
from ..say import say


def run(arguments: argparse.Namespace) -> int:
    """Fails if nobody noticed one."""
    chosen, unnoticed, rows = mutations.mutations(arguments.only), 0, []
    if not chosen:
        names = ", ".join(mutation.name for mutation in mutations.mutations([""]))
        raise StackError("No check has such a name.", f"These there are: {names}.")
    build.build()
    for number, tried in enumerate(mutations.run(chosen), start=1):
        unnoticed += tried.noticed is None
        rows.append({"check": tried.mutation.name, "noticed": tried.noticed})
        say(f"{number}/{len(chosen)} {tried.mutation.name}: {tried.noticed or 'NOBODY NOTICED'}")
    if arguments.json:
        print(json.dumps(rows))
    else:
        print(f"{len(chosen)} checks taken out one by one, {unnoticed} unnoticed")
    return 1 if unnoticed else 0
