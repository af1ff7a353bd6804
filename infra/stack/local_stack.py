"""A stack that runs in this process's care, or one that somebody else runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from . import build, deploy, emulator, issuer, package, vlm
from .api import Api
from .aws import Aws
from .errors import StackError
from .logs import LogCollector
from .process import Process, stop_all
from .say import say, step
from .state import Description, Folder


@dataclass(frozen=True)
class Options:
    """How a stack is to be."""

    name: str = "local"
    auth: bool = False
    timing: str = "standard"
    vlm_url: str | None = None
    vlm_model: str = "Qwen/Qwen3-VL-8B-Instruct"
    simulation: list[str] = field(default_factory=list)
    parameters: dict[str, str] = field(default_factory=dict)
    build: bool = True
    #: Who signs people in, and gives callers tokens; without one they sign.
    issuer: str | None = None
    #: What was found of a real VLM (vlm_check).
    found: dict[str, Any] | None = None


class LocalStack:
    """A running stack."""

    def __init__(self, folder: Folder, description: Description, processes: list[Process]) -> None:
        self.folder = folder
        self.description = description
        self.aws = Aws(description.endpoint, description.trust)
        self.logs = LogCollector(self.aws, folder.path / "logs")
        self._processes = processes

    def api(self) -> Api:
        """Its HTTP API."""
        return Api.local(self.aws, self.outputs["ApiId"], token=self.token())

    def token(self) -> str | None:
        """A token for this process, where callers bring one."""
        return issuer.program_token(self.description.issuer) if self.description.issuer else None

    @property
    def page(self) -> str:
        """Where the page is."""
        return f"{self.aws.endpoint}/_aws/execute-api/{self.outputs['ApiId']}/$default/"

    @property
    def outputs(self) -> dict[str, str]:
        """The outputs of template.yaml."""
        return self.description.outputs

    @property
    def attached(self) -> bool:
        """Whether somebody else runs it."""
        return not self._processes

    def keep(self) -> None:
        """Lets others use it."""
        self.description.kept = True
        self.folder.write(self.description)

    def check(self) -> None:
        """Raises if a part of it has ended."""
        for process in self._processes:
            if not process.running():
                raise StackError(f"A part of the stack ended:\n{process.last_lines()}\n", f"Its log is {process.log}.")

    def stop(self) -> None:
        """Ends it, if it is ours."""
        if self._processes:
            self.logs.stop()
            stop_all(self._processes)
            self.folder.release()


def attach(name: str) -> LocalStack | None:
    """The stack of this name that somebody else keeps up."""
    folder = Folder(name)
    description = folder.running()
    return LocalStack(folder, description, []) if description and description.kept else None


def kept(name: str) -> LocalStack:
    """The stack of this name that somebody else keeps up; without one there is nothing to do."""
    stack = attach(name)
    if not stack:
        raise StackError(
            f"No stack {name} is up.",
            "Start one with infra/local up, or name a stack on AWS.",
        )
    return stack


@contextmanager
def running(options: Options) -> Iterator[LocalStack]:
    """A stack of one's own, for as long as the block lasts."""
    stack = start(options)
    try:
        yield stack
    finally:
        stack.stop()


def start(options: Options) -> LocalStack:
    """Builds, packages, starts and deploys."""
    if options.build:
        with step("built"):
            build.of_a_stack()
    with step("packaged"):
        packages = package.package_all()
    folder = _free_folder(options.name)
    processes: list[Process] = []
    try:
        return _start(folder, options, packages, processes)
    except BaseException:
        stop_all(processes)
        folder.release()
        raise


def _start(folder: Folder, options: Options, packages: list[package.Package], processes: list[Process]) -> LocalStack:
    with step("started the VLM"):
        asked = _vlm(folder, options)
        if asked.process:
            processes.append(asked.process)
    with step("started the emulator"):
        local_aws = emulator.start(folder.path, auth=options.auth)
        processes.append(local_aws.process)
    parameters = {
        "VlmBaseUrl": asked.url,
        "VlmModel": asked.model,
        "VlmApiKey": "none" if asked.simulated else vlm.api_key(),
        "VlmHeaders": "" if asked.simulated else vlm.headers(),
        "TimingProfile": options.timing,
        **_signing_in(options),
        **options.parameters,
    }
    with step("deployed template.yaml"):
        outputs = deploy.deploy(Aws(local_aws.endpoint, local_aws.trust), packages, parameters)
    description = Description(
        owner_pid=os.getpid(),
        endpoint=local_aws.endpoint,
        outputs=outputs,
        vlm_url=asked.url,
        vlm_model=asked.model,
        vlm_simulated=asked.simulated,
        code="-".join(item.digest[:8] for item in packages),
        trust=local_aws.trust,
        timing=options.timing,
        issuer=options.issuer,
        groups=[process.group for process in processes],
    )
    folder.write(description)
    stack = LocalStack(folder, description, processes)
    stack.logs.start()
    return stack


def _signing_in(options: Options) -> dict[str, str]:
    if not options.issuer:
        return {}
    return {"JwtIssuer": options.issuer, "JwtAudience": issuer.AUDIENCE, "PageClientId": issuer.CLIENT_ID}


def _vlm(folder: Folder, options: Options) -> vlm.Vlm:
    if options.vlm_url:
        return vlm.real(options.vlm_url, options.vlm_model)
    return vlm.simulated(folder.path, options.simulation)


def _free_folder(name: str) -> Folder:
    """The folder of this name, or the next free number behind it: several stacks can run side by side."""
    for number in range(1, 100):
        folder = Folder(name if number == 1 else f"{name}-{number}")
        if folder.acquire():
            if number > 1:
                say(f"A stack {name} runs already; this one is {folder.name}.")
            return folder
    raise StackError("A hundred stacks of this name run already.", "End some with infra/local down.")
