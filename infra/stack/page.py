"""What the page is checked and tested with: the types of the API, a browser, and the libraries that it has of others.

The page needs none of it to run: a browser loads its files as they lie in functions/api/page.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from . import node, process
from .errors import StackError
from .paths import REPO, exclusive
from .say import say

#: The page itself.
FILES = REPO / "functions" / "api" / "page"
_SOURCE = REPO / "tests" / "page"
_WANTED = ("package.json", "package-lock.json", "browser.mjs", "types.mjs", "tsconfig.json")
#: Copies of files of packages, without the line that names their source map.
_VENDORED = {
    "lit-html.js": "lit-html/lit-html.js",
    "lit-html.LICENSE.txt": "lit-html/LICENSE",
    "oidc-client-ts.min.js": "oidc-client-ts/dist/browser/oidc-client-ts.min.js",
    "oidc-client-ts.LICENSE.txt": "oidc-client-ts/LICENSE",
}
_SOURCE_MAP = re.compile(r"^//# sourceMappingURL=.*\n?", re.MULTILINE)


def home() -> Path:
    """The folder of its packages."""
    return node.packages("page", _SOURCE, _WANTED)


def browser() -> Path:
    """The browser, unpacked if it is not."""
    folder = home() / "browser"
    with exclusive("unpack-browser"):
        if not (folder / "chromium").exists():
            say(f"Unpacking the browser into {folder} (once) …")
            folder.mkdir(exist_ok=True)
            said = _node("browser.mjs", TMPDIR=str(folder))
            (folder / "unpacked.json").write_text(said)
    return folder / "chromium"


def vendored() -> dict[str, str]:
    """The libraries of others as the page is to have them, by file."""
    packages = home() / "node_modules"
    return {name: _SOURCE_MAP.sub("", (packages / path).read_text()) for name, path in _VENDORED.items()}


def vendor() -> None:
    """Copies them to the page."""
    for name, text in vendored().items():
        (FILES / "vendor" / name).write_text(text)


def faults() -> str:
    """What the types of the API, and of the page's own modules, say against them; nothing if all fits."""
    folder = home()
    checked = folder / "page"
    shutil.rmtree(checked, ignore_errors=True)
    shutil.copytree(FILES, checked, ignore=shutil.ignore_patterns("vendor"))
    for name in ("lit-html.js",):
        (checked / name).write_text('export * from "lit-html";\n')
    _node("types.mjs", str(REPO / "functions" / "api" / "openapi.json"), str(checked / "openapi.d.ts"))
    compiler = folder / "node_modules" / "typescript" / "bin" / "tsc"
    done = process.run([str(node.program()), str(compiler), "--project", str(folder)], cwd=folder, capture=True)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def _node(script: str, *arguments: str, **variables: str) -> str:
    environment = {**node.environment(), **variables}
    done = process.run([str(node.program()), script, *arguments], cwd=home(), env=environment, capture=True)
    if done.returncode != 0:
        raise StackError(f"{script} of tests/page failed:\n{done.stdout}{done.stderr}")
    return str(json.loads(done.stdout)["program"]) if script == "browser.mjs" else done.stdout
