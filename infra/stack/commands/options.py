"""The stack that command-line arguments ask for."""

from __future__ import annotations

import argparse

from .. import vlm, vlm_check
from ..local_stack import Options
from ..say import step


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


def checked(arguments: argparse.Namespace) -> Options:
    """The same, once a VLM that the person named has said that it would answer."""
    wanted = of(arguments)
    if wanted.vlm_url:
        real = vlm.real(wanted.vlm_url, wanted.vlm_model)
        with step("asked the VLM"):
            vlm_check.check(real.url, real.model, vlm.api_key())
    return wanted
