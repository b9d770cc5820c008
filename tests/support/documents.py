"""The project's documents as prose: which files there are, their paragraphs, table cells and sentences, and docstrings."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.support.cloudformation import ROOT

_FENCE = re.compile(r"^([ \t]*)```.*?^\1```[ \t]*$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_LINK_DEFINITION = re.compile(r"^\[[^\]]+\]: ")
_LIST_ITEM = re.compile(r"^\s*(?:[-*]|\d+\.)\s+")
_DIAGRAM = re.compile(r"[├└│→]")
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')*]*\s+")


def files(pattern: str, *folders: str) -> list[Path]:
    """The project's files of these folders (all without one), without what tools have made."""
    tops = [ROOT / name for name in folders] or [path for path in ROOT.iterdir() if not path.name.startswith(".")]
    found = [each for top in tops for each in (top.rglob(pattern) if top.is_dir() else [top] if top.match(pattern) else [])]
    return sorted(
        path for path in found if not any(part.startswith((".", "node_modules")) for part in path.relative_to(ROOT).parts)
    )


def without_fences(text: str) -> str:
    """A document without its fenced blocks."""
    return _FENCE.sub("", text)


def prose_lines(text: str) -> list[str]:
    """The lines of a Markdown document that are prose: no code, table, link definition or HTML. Blank lines stay."""
    lines = _COMMENT.sub("", without_fences(text)).splitlines()
    found: list[str] = []
    for line in lines:
        is_code = line.startswith("    ") and (not found or not found[-1].strip() or found[-1] == "\N{NULL}")
        is_other = is_code or line.lstrip().startswith(("|", "<")) or _LINK_DEFINITION.match(line)
        found.append("\N{NULL}" if is_other else line)
    return ["" if line == "\N{NULL}" else line for line in found]


def paragraphs(text: str) -> list[str]:
    """The paragraphs, list items and headings of a Markdown document, each on one line."""
    found = [""]
    for line in prose_lines(text):
        if not line.strip() or line.startswith("#") or _LIST_ITEM.match(line):
            found.append("")
        found[-1] = f"{found[-1]} {_LIST_ITEM.sub('', line).strip('# ')}".strip()
        if line.startswith("#"):
            found.append("")
    return [each for each in found if each]


def cells(text: str) -> list[str]:
    """The cells of all tables of a Markdown document."""
    lines = [line.strip() for line in without_fences(text).splitlines()]
    lines = [line for line in lines if line.startswith("|") and not re.fullmatch(r"[|:\- ]+", line)]
    return [cell.strip() for line in lines for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def sentences(paragraph: str) -> list[str]:
    """The sentences of a paragraph. An inline code is one word, a link is its text."""
    text = re.sub(r"``?[^`]+``?", "code", paragraph)
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return [each for each in _SENTENCE_END.split(text) if re.search(r"\w", each)]


def words(sentence: str) -> int:
    """How many words a sentence has; a sign alone is none."""
    return sum(bool(re.search(r"\w", each)) for each in sentence.split())


def docstrings(path: Path) -> Iterator[tuple[int, str]]:
    """(line, text) of each docstring of a Python file, those of attributes and constants too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.lineno, node.value.value


def docstring_paragraphs(text: str) -> list[str]:
    """The paragraphs of a docstring, each on one line, without the lines of a diagram."""
    lines = ["" if _DIAGRAM.search(line) or line.lstrip().startswith("|") else line for line in text.splitlines()]
    return paragraphs("\n".join(line.strip() for line in lines))
