"""Plain English, as far as a program can check it: short lines, short sentences, and no phrase that readers stumbled over."""

import re
from pathlib import Path

import pytest

from tests.support.cloudformation import ROOT
from tests.support.documents import cells, docstring_paragraphs, docstrings, files, paragraphs, prose_lines, sentences, words

LONGEST_LINE = 120
MOST_WORDS = 30
PHRASES = {
    "for good": "say finally, or that it is not retried",
    "is told|are told|be told|was told|were told|told of": "name who gets what: an event, a webhook, a response",
    "answered at once": "synchronous",
    "what came of|comes? of|came of": "name the result",
    "that is none|that are none": "say what it is not",
    "says? to a pipe": "output when piped",
    "is asked for|are asked for|is asked about|are asked about": "the relay queries the provider for it",
    "nobody knows|nobody can tell": "unknown",
    "as it stands|as they stand|how it stands|how it stood|how they stand": "its current status, or unchanged",
    "what failed for|deal with what": "dead letters",
    "passes with time|pass with time": "temporary",
    "take no .* place|takes? the place of": "use, replace",
    "is it well|what happens now": "is it healthy, what is being published",
    "of two deliveries": "if SQS delivers a message twice",
    "not a change that": "does not bump the version",
    "last of all": "runs last",
    "at equal rank": "if the rank is the same",
}
DOCUMENTS = [path for path in files("*.md") if path != ROOT / "CHANGELOG.md"]
MODULES = files("*.py", "layers", "functions", "cli", "local")

each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
each_module = pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))


def _too_long(texts: list[str]) -> list[str]:
    return [each for text in texts for each in sentences(text) if words(each) > MOST_WORDS]


def _stumbles(texts: list[str]) -> list[str]:
    """Each phrase that was found, with what to write and the sentence that it is in."""
    found = [(phrase, advice, each) for text in texts for each in sentences(text) for phrase, advice in PHRASES.items()]
    return [
        f"{phrase!r} (write: {advice}): {each}"
        for phrase, advice, each in found
        if re.search(rf"\b({phrase})\b", each, re.IGNORECASE)
    ]


@each_document
def test_lines_of_prose_have_at_most_120_characters(document: Path) -> None:
    assert [line for line in prose_lines(document.read_text()) if len(line) > LONGEST_LINE] == []


@each_document
def test_sentences_have_at_most_30_words(document: Path) -> None:
    text = document.read_text()
    assert _too_long([*paragraphs(text), *cells(text)]) == []


@each_document
def test_no_phrase_makes_a_reader_stumble(document: Path) -> None:
    text = document.read_text()
    assert _stumbles([*paragraphs(text), *cells(text)]) == []


@each_module
def test_sentences_of_docstrings_have_at_most_30_words(module: Path) -> None:
    found = [(line, _too_long(docstring_paragraphs(text))) for line, text in docstrings(module)]
    assert [each for each in found if each[1]] == []


@each_module
def test_no_phrase_in_a_docstring_makes_a_reader_stumble(module: Path) -> None:
    found = [(line, _stumbles(docstring_paragraphs(text))) for line, text in docstrings(module)]
    assert [each for each in found if each[1]] == []


def test_every_document_and_module_is_looked_at() -> None:
    names = {str(path.relative_to(ROOT)) for path in [*DOCUMENTS, *MODULES]}
    assert names >= {"README.md", "docs/api.md", "docs/adr/README.md", "local/README.md", "functions/submit_task/app.py"}
    assert len(MODULES) > 100


def test_the_checks_see_what_they_look_for() -> None:
    text = (
        "# Head\n\nIt is refused for good. The end.\n\n- one\n- two\n  more\n\n```\ncode for good\n```\n\n    make up\n\n"
        "<b>html</b>\n[a]: https://example.com\n\n| cell | `x y` is told |\n|---|---|\n"
    )
    assert paragraphs(text) == ["Head", "It is refused for good. The end.", "one", "two more"]
    assert cells(text) == ["cell", "`x y` is told"]
    assert sentences("Run `a. b` now. See [the page](x.md)! Done") == ["Run code now.", "See the page!", "Done"]
    assert _stumbles(paragraphs(text)) == ["'for good' (write: say finally, or that it is not retried): It is refused for good."]
    assert len(_stumbles(cells(text))) == 1
    assert _too_long([" ".join(["word"] * MOST_WORDS)]) == []
    assert len(_too_long([" ".join(["word"] * (MOST_WORDS + 1)) + ". Short."])) == 1
    assert [line for line in prose_lines(text) if "for good" in line] == ["It is refused for good. The end."]
    assert docstring_paragraphs("One\n    line.\n\n    ├── a tree for good\n    two") == ["One line.", "two"]
