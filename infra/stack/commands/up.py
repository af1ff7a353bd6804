"""`infra/local up`: keeps a stack up, says where everything is, and shows the functions' logs."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from .. import environment, stop, vlm
from ..build import FUNCTIONS
from ..deploy import STACK_NAME
from ..errors import StackError
from ..issuer import USERS, Issuer
from ..local_stack import LocalStack, attach, running
from ..releases import ALIAS
from ..say import say
from . import options

_LOOKS_EVERY_S = 0.5


def run(arguments: argparse.Namespace) -> int:
    """Stays until Ctrl-C, `infra/local down`, or the end of a part of the stack."""
    if attach(arguments.name):
        raise StackError(f"The stack {arguments.name} runs already.", "End it with infra/local down, or say --name.")
    wanted = options.checked(arguments)
    with Issuer() as issuer, running(replace(wanted, issuer=issuer.url)) as stack:
        stay(stack)
    return 0


def stay(stack: LocalStack) -> None:
    """Shows endpoints and logs until the process is told to end."""
    stack.keep()
    say(endpoints(stack))
    say("Logs follow; Ctrl-C ends everything.\n")
    stack.logs.listen(say)
    while True:
        stack.check()
        stop.wait(_LOOKS_EVERY_S)


def endpoints(stack: LocalStack) -> str:
    """Where everything is."""
    about, outputs = stack.description, stack.outputs
    kind = "simulated" if about.vlm_simulated else "real"
    name = stack.folder.name
    return f"""
The stack {name} is up.
  AWS        {about.endpoint}   (any key; region {environment.REGION})
  page       {stack.page}   ({signing_in(about.issuer)})
  API        {stack.page.rstrip("/")}   ({calling(about.issuer)})
  photos     s3://{outputs["BucketName"]}/photos/DR…/
  VLM        {vlm.shown(about.vlm_url)}   ({kind}, {about.vlm_model})
  variables  {write_environment(stack)}   (set -a; . this file; set +a)
  logs       {stack.folder.path / "logs"}
  evaluate   infra/local evaluate DR1730550 DR1733758 DR1734014{"" if name == "local" else f" --name {name}"}"""


def signing_in(issuer: str | None) -> str:
    """How somebody signs in on the page."""
    if not issuer:
        return "nobody can sign in: callers sign"
    return "sign in as " + ", ".join(f"{name.capitalize()}, {role}" for name, role in USERS.items())


def calling(issuer: str | None) -> str:
    """What a request must bring."""
    return f"tokens of {issuer}" if issuer else "signed with SigV4, service execute-api"


def write_environment(stack: LocalStack) -> Path:
    """A file of variables for an AWS command line, and for functions that run outside the stack."""
    path = stack.folder.path / "env"
    path.write_text("".join(f"{name}='{value}'\n" for name, value in variables(stack).items()))
    return path


def variables(stack: LocalStack) -> dict[str, str]:
    """What the deployed functions have in their environments: they agree where they share one."""
    about, client = stack.description, stack.aws.client("lambda")
    deployed: dict[str, str] = {}
    for function in FUNCTIONS:
        name = f"{STACK_NAME}-{function}"
        found = client.get_function_configuration(FunctionName=name, Qualifier=ALIAS)
        deployed |= found["Environment"]["Variables"]
    return {
        **environment.aws(about.endpoint),
        **(environment.trusting(Path(about.trust)) if about.trust else {}),
        **deployed,
        "API_ID": stack.outputs["ApiId"],
    }
