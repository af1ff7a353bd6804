"""The stack that command-line arguments ask for."""

from __future__ import annotations

import argparse

from dataclasses import replace

from .. import build, vlm_check
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
        parameters={"Looks": "false"} if arguments.no_looks else {},
    )


def checked(arguments: argparse.Namespace) -> Options:
    """The same, once a VLM that the person named has shown what it can do.

    Before anything else is built: who mistyped an address waits for one small program only.
    """
    wanted = of(arguments)
    if not wanted.vlm_url:
        return wanted
    if wanted.build:
        build.only(build.VLM_CHECK)
    with step("asked the VLM"):
        found = vlm_check.check(wanted.vlm_url, wanted.vlm_model)
    vlm_check.show(found)
    return replace(wanted, found=found)
