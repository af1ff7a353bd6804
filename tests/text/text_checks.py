"""Checks of the project's Markdown: its lines are short, and what it names is there.

Each check takes a document and the repository's files, and gives what it found: "line: what is wrong".
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

#: The most characters of a line of text. Tables and code can't be broken, so they may be longer.
WIDEST = 120

_FENCE = re.compile(r"^\s*(```|~~~)")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`]+)`")
#: A path from the top of the repository, as far as it holds no placeholder. Ignored files begin with a dot.
_PATH = re.compile(r"(?:(?:shared|functions|tests|infra)/\w[\w./-]*|\.(?:ci|github)/[\w./-]+)")
#: Tests are named as sentences: four words and more. Shorter names may be fields, and metrics, and anything.
_TEST = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+){3,}")
_DEFINED = re.compile(r"\b(?:fn|def) ([a-z0-9_]+)")


@dataclass(frozen=True)
class Repository:
    """The files of a checkout: those that git tracks, and new ones that it does not ignore."""

    root: Path
    files: frozenset[str]

    @classmethod
    def at(cls, root: Path) -> Repository:
        """The checkout in this folder."""
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout.split("\0")
        return cls(root, frozenset(name for name in listed if name and (root / name).is_file()))

    def documents(self) -> Iterator[Document]:
        """Its Markdown files."""
        for name in sorted(self.files):
            if name.endswith(".md"):
                yield Document(name, (self.root / name).read_text(encoding="utf-8"))

    def has(self, path: str) -> bool:
        """Whether there is a file or a folder of this name."""
        folder = path.rstrip("/") + "/"
        return path in self.files or any(name.startswith(folder) for name in self.files)

    @cached_property
    def functions(self) -> frozenset[str]:
        """The names of all functions, in Rust and in Python."""
        sources = [name for name in self.files if name.endswith((".rs", ".py"))]
        texts = ((self.root / name).read_text(encoding="utf-8") for name in sources)
        return frozenset(function for text in texts for function in _DEFINED.findall(text))


@dataclass(frozen=True)
class Document:
    """A Markdown file."""

    name: str
    text: str

    def prose(self) -> Iterator[tuple[int, str]]:
        """Its lines outside of code blocks, with their numbers."""
        within = False
        for number, line in enumerate(self.text.splitlines(), start=1):
            if _FENCE.match(line):
                within = not within
            elif not within:
                yield number, line

    def code(self) -> Iterator[tuple[int, str]]:
        """What stands in backticks in its lines."""
        for number, line in self.prose():
            for code in _CODE.findall(line):
                yield number, code


Check = Callable[[Document, Repository], list[str]]


def lines_are_short(document: Document, _: Repository) -> list[str]:
    """No line is longer than `WIDEST`, tables and code aside."""
    text = ((number, line) for number, line in document.prose() if not line.lstrip().startswith("|"))
    return [f"{number}: {len(line)} characters" for number, line in text if len(line) > WIDEST]


def links_lead_somewhere(document: Document, repository: Repository) -> list[str]:
    """A link to a file of the repository finds it."""
    links = ((number, link) for number, line in document.prose() for link in _LINK.findall(line))
    near = ((number, link) for number, link in links if "://" not in link and not link.startswith(("#", "mailto:")))
    return [f"{number}: {link}" for number, link in near if not repository.has(_target(document, link))]


def named_paths_exist(document: Document, repository: Repository) -> list[str]:
    """A path in backticks that begins at the top of the repository is there."""
    paths = ((number, code) for number, code in document.code() if _PATH.fullmatch(code))
    return [f"{number}: {path}" for number, path in paths if not repository.has(path)]


def named_tests_exist(document: Document, repository: Repository) -> list[str]:
    """What the documents about tests name as a test is one."""
    if not document.name.startswith("tests/"):
        return []
    tests = ((number, code) for number, code in document.code() if _TEST.fullmatch(code))
    return [f"{number}: {test}" for number, test in tests if test not in repository.functions]


ALL: tuple[Check, ...] = (lines_are_short, links_lead_somewhere, named_paths_exist, named_tests_exist)


def _target(document: Document, link: str) -> str:
    parts: list[str] = []
    for part in (PurePosixPath(document.name).parent / link.split("#")[0]).parts:
        if part == "..":
            parts[-1:] = []
        else:
            parts.append(part)
    return "/".join(parts)
