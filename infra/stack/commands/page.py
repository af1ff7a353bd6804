"""`infra/local page`: copies the libraries that the page has of others anew, and checks its modules by the API's types."""

from __future__ import annotations

import argparse

from .. import page
from ..errors import StackError
from ..say import say


def run(arguments: argparse.Namespace) -> int:
    """Says what does not fit."""
    page.vendor()
    if faults := page.faults():
        raise StackError(f"The page's modules do not fit the API or each other:\n{faults}")
    say("The page's modules fit the API and each other.")
    return 0
