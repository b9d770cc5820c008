"""Settings: the only reader of the environment. Every field is an environment variable of template.yaml."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class SettingsError(Exception):
    """An environment variable is missing or has an invalid value."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Settings:
    """A function's configuration. Durations in seconds, sizes in bytes. A comparison would be generated at each cold start."""

    tasks_table: str
    api_keys_table: str
    results_bucket: str
    event_bus: str
    resubmissions_queue_url: str
    archives_queue_url: str
    archives_dead_letters_url: str
    webhooks_table: str
    webhook_retries_queue_url: str
    webhook_dead_letters_url: str
    webhook_secret_id: str
    callback_secret_id: str
    client_secret_id: str
    provider_secret_id: str
    provider_url: str = "https://api.cometapi.com"
    public_url: str = ""
    """The base of the relay's callback URLs; empty: the domain of the client's request."""
    allow_loopback: bool = False
    """Results and callbacks on http://127.0.0.1 are allowed. Only the local configuration sets it."""
    aws_endpoint_url: str = ""
    """The URL of an AWS emulator, or empty; botocore reads the variable itself. Its host is allowed like loopback."""
    external_ids_honoured: bool = True
    """The provider finds a task by our id. False: a create of unknown outcome is never resent, lest it be paid twice."""
    prompt_limit: int = 2500
    negative_prompt_limit: int = 2500
    submit_timeout: int = 20
    submits_per_minute: int = 0
    """The limit of keys that have none of their own; 0: no limit."""
    task_deadline: int = 86_400
    first_poll_after: int = 120
    retention_days: int = 90
    foreign_provider_ids: str = "allow"
    """Whether a request may name ids of the provider that no task of this relay was given: allow or refuse."""
    inline_request_bytes: int = 4096
    archive_attempts: int = 8
    """The delivery of an archiving message from which a failure is the last one. SQS counts throttled deliveries too."""
    results_delayed_after: int = 60
    """After this time without stored files, a success is announced with the provider's URLs."""
    max_result_bytes: int = 5_368_709_120
    result_url_seconds: int = 3600
    webhook_timeout: int = 15
    webhook_retry_seconds: str = "5,300,1800,7200,18000,36000,50400,72000,86400"
    """Seconds to wait after each webhook attempt. There is one attempt more than there are numbers."""
    webhook_url_seconds: int = 86_400
    """Lifetime of the result URLs in webhooks."""
    secret_ttl: int = 300

    @property
    def webhook_schedule(self) -> tuple[int, ...]:
        """`webhook_retry_seconds` as numbers."""
        return tuple(int(seconds) for seconds in self.webhook_retry_seconds.split(","))

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read every field from the variable of the same name in capitals (empty = missing); raises SettingsError."""
        values: dict[str, str | int | bool] = {}
        for field in fields(cls):
            text = environment.get(field.name.upper())
            if text:
                values[field.name] = _parsed(field.name, str(field.type), text)
        try:
            return cls(**values)  # type: ignore[arg-type]
        except TypeError as error:
            raise SettingsError(f"{error}: set the variable of that name in capitals, see template.yaml") from None


def on_lambda(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this is a function's environment, with every variable set before the first import."""
    return "LAMBDA_TASK_ROOT" in environment


def names_authorities(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether botocore is to trust a bundle of the environment: a company's proxy may sign with an authority of its own."""
    return "REQUESTS_CA_BUNDLE" in environment


def log_level(environment: Mapping[str, str] = os.environ) -> str | None:
    """The template's LogLevel: DEBUG, INFO, WARN or ERROR; None outside of Lambda."""
    return environment.get("POWERTOOLS_LOG_LEVEL")


def _parsed(name: str, kind: str, text: str) -> str | int | bool:
    if kind == "int":
        if not text.isdecimal():
            raise SettingsError(f"{name.upper()} must be a whole number, got {text!r}")
        return int(text)
    if kind == "bool":
        if text not in {"true", "false"}:
            raise SettingsError(f"{name.upper()} must be true or false, got {text!r}")
        return text == "true"
    return text.rstrip("/") if name in {"provider_url", "public_url"} else text
