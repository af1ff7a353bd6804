"""The stack that command-line arguments ask for."""

from __future__ import annotations

import argparse

from ..local_stack import Options


def of(arguments: argparse.Namespace) -> Options:
    """The arguments of the group "the stack"."""
    return Options(
        name=arguments.name,
        auth=arguments.auth,
        timing=arguments.timing,
        vlm_url=arguments.vlm_url,
        vlm_model=arguments.vlm_model,
        simulation=["--latency", arguments.latency] if arguments.latency else [],
        build=not arguments.no_build,
    )
