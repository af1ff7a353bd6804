"""`infra/local status`: which stacks run."""

from __future__ import annotations

import argparse

from .. import state


def run(_arguments: argparse.Namespace) -> int:
    """Prints a line for each."""
    running = [(name, description) for name in state.names() if (description := state.Folder(name).running())]
    for name, description in running:
        vlm = "simulated VLM" if description.vlm_simulated else description.vlm_url
        print(f"{name}: {description.endpoint}, {vlm}, timing {description.timing}, process {description.owner_pid}")
    if not running:
        print("No stack is up.")
    return 0
