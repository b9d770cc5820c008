"""Text that every service takes."""

from typing import Any

import pytest

from relay.domain.text import fitted, is_fit

UNFIT = ["\ud800", "\udfff", "\ufffe", "\uffff"]


@pytest.mark.parametrize("character", UNFIT)
def test_an_unfit_character_is_replaced_wherever_it_is(character: str) -> None:
    document = {f"a{character}": [{"b": f"{character}c"}]}
    assert not is_fit(document)
    assert fitted(document) == {"a\ufffd": [{"b": "\ufffdc"}]}
    assert is_fit(fitted(document))


@pytest.mark.parametrize("text", ["", "a", "für 🐈", "\0\x1f\x7f", "\ufffd", "\ud7ff\ue000", "\U0010ffff"])
def test_other_text_stays_as_it_is(text: str) -> None:
    document: dict[str, Any] = {text: [text, 1, None]}
    assert is_fit(document)
    assert fitted(document) == document
