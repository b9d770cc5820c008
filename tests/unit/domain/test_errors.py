"""The error tree: drawn as it is, and mapped where it leaves the relay."""

import re

import pytest

from relay.domain import errors
from relay.domain.errors import CallbackNotAuthenticError, ClientError, RelayError
from relay.entrypoint.http import STATUS, status_of


def real_tree(root: type[RelayError]) -> list[tuple[int, str]]:
    """(depth, name) of `root` and all that derive from it, in the order of their definition."""
    return _branch(root, 0)


def _branch(kind: type[RelayError], depth: int) -> list[tuple[int, str]]:
    own = [child for child in kind.__subclasses__() if child.__module__ == errors.__name__]
    return [(depth, kind.__name__), *(line for child in own for line in _branch(child, depth + 1))]


def drawn_tree() -> list[tuple[int, str]]:
    """The same of the docstring's drawing: four characters a level."""
    lines = [re.match(r"([│├└─ ]*)(\w+Error)\b", line) for line in (errors.__doc__ or "").splitlines()]
    return [(len(found.group(1)) // 4, found.group(2)) for found in lines if found]


def all_of(root: type[RelayError]) -> list[type[RelayError]]:
    return [getattr(errors, name) for _, name in real_tree(root)]


def test_the_tree_is_drawn_as_it_is() -> None:
    assert drawn_tree() == real_tree(RelayError)


def test_every_error_is_in_the_tree() -> None:
    defined = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}

    assert defined == {name for _, name in real_tree(RelayError)}


@pytest.mark.parametrize("kind", all_of(ClientError), ids=lambda kind: kind.__name__)
def test_every_client_error_has_a_status_and_a_code_of_the_provider(kind: type[ClientError]) -> None:
    assert kind in STATUS
    assert 400 <= STATUS[kind] < 500
    assert 1000 <= kind("no").code < 1400


def test_only_what_the_client_can_mend_has_a_status_below_500() -> None:
    for kind in all_of(RelayError):
        expected = issubclass(kind, ClientError) or kind is CallbackNotAuthenticError
        assert (status_of(kind("no")) < 500) == expected, kind


def test_a_forged_token_looks_like_a_task_that_is_not_there() -> None:
    assert status_of(CallbackNotAuthenticError("no")) == status_of(errors.TaskNotFoundError("no")) == 404


def test_a_code_can_be_given() -> None:
    assert errors.AuthenticationError("no", 1001).code == 1001
