"""What an error response means for a payment: one table for all providers and for the gateways in front of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from relay.domain.errors import (
    Meaning,
    NoChannelError,
    OperatorFaultError,
    OutcomeUnknownError,
    ProviderBusyError,
    ProviderError,
    ProviderRefusedError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_MESSAGE_LIMIT = 500
_TEXTS = ("message", "msg", "detail", "error_description", "fail_reason")
_HTTP_ERRORS = range(400, 600)
_KEY = "the provider refused the relay's own key: the relay's operator must renew it"
_BALANCE = "the provider account of the relay has no balance or quota left: the relay's operator must top it up"
_ACCESS = "the provider does not let the relay in: the relay's operator must check its account and network"
_ERRORS: Mapping[Meaning, type[ProviderError]] = {
    Meaning.FINAL: ProviderRefusedError,
    Meaning.BUSY: ProviderBusyError,
    Meaning.OPERATOR: OperatorFaultError,
    Meaning.NO_CHANNEL: NoChannelError,
    Meaning.UNKNOWN: OutcomeUnknownError,
}


@dataclass(frozen=True, slots=True)
class Rule:
    """The meaning of a response; `own` replaces the provider's message, which may quote the relay's key."""

    meaning: Meaning
    own: str = ""


FINAL = Rule(Meaning.FINAL)
BUSY = Rule(Meaning.BUSY)
NO_CHANNEL = Rule(Meaning.NO_CHANNEL)
UNKNOWN = Rule(Meaning.UNKNOWN)
KEY = Rule(Meaning.OPERATOR, _KEY)
BALANCE = Rule(Meaning.OPERATOR, _BALANCE)
ACCESS = Rule(Meaning.OPERATOR, _ACCESS)

# By the words of a gateway: its code and type, and its message.
_BY_WORDS = (
    (NO_CHANNEL, re.compile(r"model_not_found|no[ _]available[ _]channel|channel_not_available|no channel")),
    (
        BALANCE,
        re.compile(
            r"insufficient[ _](user[ _])?(quota|balance|credits?|funds)|(quota|balance|credits?)( is| has)?( been)? "
            r"(not enough|insufficient|exhausted|depleted|used up)|not enough (quota|balance|credits?)"
            r"|exceeded your current quota|billing_|pre_consume_token_quota|余额不足|额度不足|额度已用尽|欠费"
        ),
    ),
)
# By its code and type alone, since a message may quote what a client wrote.
_BY_CODE = (
    (KEY, re.compile(r"(invalid|incorrect|expired|revoked|missing)_(api_)?(key|token)|authentication|unauthori[sz]ed"
                     r"|(api_)?(key|token)_(invalid|expired|revoked)")),
    (BUSY, re.compile(r"rate_?limit|too_many_requests|concurrency")),
    (FINAL, re.compile(r"invalid_(request|parameter|param|argument|input|value)|bad_request|validation|content_policy|moderation"
                       r"|^4(00|04|05|13|15|22)\b")),
)  # fmt: skip
# By HTTP status. A body that is not JSON comes from a proxy in front of the provider, not from the provider.
_BY_STATUS: Mapping[int, Rule] = {401: KEY, 402: BALANCE, 407: ACCESS, 408: UNKNOWN, 425: BUSY, 429: BUSY, 451: ACCESS}
_BY_STATUS_OF_A_PROXY: Mapping[int, Rule] = {403: ACCESS, 421: ACCESS}


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """An error response as its provider's reader found it.

    `code`: the provider's own number, 0 if there is none. `word`: the gateway's code and type as text. `is_readable`: the body
    was JSON.
    """

    status: int
    code: int = 0
    word: str = ""
    message: str = ""
    is_readable: bool = True


def error_for(response: ErrorResponse, codes: Mapping[int, Rule]) -> ProviderError:
    """The error that a response means; `codes`: the provider's own codes."""
    rule = rule_for(response, codes)
    said = response.message or f"HTTP {response.status} without a readable error"
    word = response.word.partition(" ")[0]
    if word and not word.isdecimal():
        said = f"{word}: {said}" if response.message else f"{said}: {word}"
    message = rule.own or said[:_MESSAGE_LIMIT]
    return _ERRORS[rule.meaning](message, status=response.status, code=response.code)


def rule_for(response: ErrorResponse, codes: Mapping[int, Rule]) -> Rule:
    """The provider's code decides; without one the gateway's words; then the HTTP status. What nobody understands is unknown."""
    if response.code in codes:
        return codes[response.code]
    word, message = response.word.lower().replace("-", "_"), response.message.lower()
    # A 4xx accepted nothing. Any other message must begin with the words: further on, it may quote a client's prompt, and a task
    # that may have been accepted would be sent again.
    said = re.Pattern.search if 400 <= response.status < 500 else re.Pattern.match
    by_words = [rule for rule, pattern in _BY_WORDS if pattern.search(word) or said(pattern, message)]
    by_words += [rule for rule, pattern in _BY_CODE if pattern.search(word)]
    return by_words[0] if by_words else _by_status(response.status, is_readable=response.is_readable)


def _by_status(status: int, *, is_readable: bool) -> Rule:
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if not is_readable and status in _BY_STATUS_OF_A_PROXY:
        return _BY_STATUS_OF_A_PROXY[status]
    if 300 <= status < 400:
        return ACCESS  # the provider's address is wrong: a create is never redirected
    return FINAL if 400 <= status < 500 else UNKNOWN


def read_error(status: int, document: Any) -> ErrorResponse:
    """An error response in any of the forms of providers and gateways; `document` None: the body was not JSON."""
    if not isinstance(document, dict):
        return ErrorResponse(status, is_readable=False)
    error = document.get("error") or document
    error = error if isinstance(error, dict) else {"message": error}
    given = error.get("code")
    code = _number(given)
    word = " ".join(value for value in (given if code == 0 else None, error.get("type")) if isinstance(value, str) and value)
    if 0 < code < 1000:  # an HTTP status, as gateways put it there
        status, word = (code if code in _HTTP_ERRORS and not 400 <= status < 500 else status), f"{code} {word}".strip()
        code = code if error is document else 0
    message = next((text for name in _TEXTS if isinstance(text := error.get(name), str) and text), "")
    return ErrorResponse(status, code=code, word=word, message=message)


def _number(value: Any) -> int:
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 10:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
