"""Which file of a crate uses which other, read off its paths.

A file that declares modules (`mod.rs`, `lib.rs`, `main.rs`) and passes names of theirs on (`pub use`)
does not use them.
"""

from __future__ import annotations

import re
from pathlib import Path

#: `use` with everything up to its semicolon; the names that it passes on are no use of theirs.
_USE = re.compile(r"^\s*(?P<passed_on>pub(?:\([^)]*\))?\s+)?use\s+(?P<path>[^;]+);", re.MULTILINE)
#: A path in the code itself, such as `crate::run::start::start(…)`.
_PATH = re.compile(r"\b(?:crate|super|self)(?:::\w+)+")
_NAME = re.compile(r"[A-Za-z_]\w*")
_COMMENT = re.compile(r"//[^\n]*")
Module = tuple[str, ...]


def uses(source: Path) -> dict[Module, set[Module]]:
    """The modules of the crate whose code lies in `source`, each with those that it uses."""
    files = {_module(file, source): file for file in sorted(source.rglob("*.rs")) if not _is_test(file)}
    return {module: _used(module, file, set(files)) for module, file in files.items()}


def circles(graph: dict[Module, set[Module]]) -> list[list[Module]]:
    """Groups of modules that use each other, directly or through others (Tarjan's strong components)."""
    index: dict[Module, int] = {}
    low: dict[Module, int] = {}
    stack: list[Module] = []
    found: list[list[Module]] = []

    def visit(module: Module) -> None:
        index[module] = low[module] = len(index)
        stack.append(module)
        for other in sorted(graph[module]):
            if other not in index:
                visit(other)
                low[module] = min(low[module], low[other])
            elif other in stack:
                low[module] = min(low[module], index[other])
        if low[module] == index[module]:
            at = stack.index(module)
            group = stack[at:]
            del stack[at:]
            if len(group) > 1:
                found.append(sorted(group))

    for module in sorted(graph):
        if module not in index:
            visit(module)
    return found


def _module(file: Path, source: Path) -> Module:
    parts = file.relative_to(source).with_suffix("").parts
    return parts[:-1] if parts[-1] in ("mod", "lib", "main") else parts


def _is_test(file: Path) -> bool:
    return file.stem in ("tests", "fixtures") or file.stem.endswith("_tests")


def _used(module: Module, file: Path, modules: set[Module]) -> set[Module]:
    code = _COMMENT.sub("", file.read_text().split("#[cfg(test)]")[0])
    is_folder = file.stem in ("mod", "lib", "main")
    paths: set[Module] = set()
    for use in _USE.finditer(code):
        if not use["passed_on"]:
            paths.update(_expanded(use["path"]))
    paths.update(tuple(path.split("::")) for path in _PATH.findall(_USE.sub("", code)))
    resolved = (_resolved(path, module, is_folder, modules) for path in paths)
    return {other for other in resolved if other is not None and other != module}


def _expanded(path: str) -> list[Module]:
    """`a::{b, c::d}` as `a::b` and `a::c::d`."""
    path = path.strip()
    if "{" not in path:
        return [tuple(_NAME.findall(path.split(" as ")[0]))]
    before, _, rest = path.partition("{")
    inside = rest[: rest.rindex("}")]
    prefix = tuple(_NAME.findall(before))
    return [prefix + part for item in _items(inside) for part in _expanded(item)]


def _items(inside: str) -> list[str]:
    items, depth, item = [], 0, ""
    for letter in inside:
        depth += (letter == "{") - (letter == "}")
        if letter == "," and depth == 0:
            items.append(item)
            item = ""
        else:
            item += letter
    return [item for item in [*items, item] if item.strip()]


def _resolved(path: Module, module: Module, is_folder: bool, modules: set[Module]) -> Module | None:
    """The module that a path leads into; none if it leads out of the crate."""
    here = module
    if path[:1] == ("crate",):
        here, path = (), path[1:]
    elif path[:1] == ("self",):
        path = path[1:]
    elif path[:1] == ("super",):
        while path[:1] == ("super",):
            here, path = here[:-1], path[1:]
    elif not (is_folder and here + path[:1] in modules):
        return None
    while path and here + path[:1] in modules:
        here, path = here + path[:1], path[1:]
    return here if here in modules else None
