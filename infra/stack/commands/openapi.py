"""`infra/local openapi`: writes the OpenAPI document anew, from the types of the API."""

from __future__ import annotations

import argparse
import os

from .. import process
from ..errors import StackError
from ..paths import REPO

#: The test that holds the document to the types writes it if told so.
_TEST = "the_document_is_that_of_the_types"
_WRITE = "OPENAPI_WRITE"


def run(arguments: argparse.Namespace) -> int:
    """It is the workspace that is built, as everywhere: of a package alone cargo would choose other features."""
    command = ["cargo", "test", "--workspace", "--bin", "api", "--locked", "--quiet", _TEST]
    if process.run(command, cwd=REPO, env={**os.environ, _WRITE: "1"}).returncode != 0:
        raise StackError("The document was not written.", "Cargo's message is above.")
    return 0
