"""The whole OpenAPI document."""

import tomllib
from typing import Any

from local.docs.openapi import answers, kling, own, schemas
from local.stack import ROOT

_DESCRIPTION = """\
Kling's API through Comet Relay. A Kling client changes only its base URL and its key. `/v1/…` is the same as `/kling/v1/…`.

Responses have Kling's envelope, and `code` 0 means success. In requests, null and blank text mean that a field is absent. \
Unknown fields are forwarded to the provider. Rules that involve several fields are in the description of their object.

Each change of a task is also published as an event on an EventBridge bus. The events' JSON Schemas are in `events/schemas/`.
"""


def document() -> dict[str, Any]:
    """The OpenAPI 3.1 document."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Comet Relay",
            "version": project["version"],
            "summary": project["description"],
            "description": _DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [
            {
                "url": "https://{domain}",
                "description": "The output ApiUrl of the stack",
                "variables": {"domain": {"default": "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com"}},
            }
        ],
        "security": [{"key": []}, {"jwt": []}],
        "tags": kling.TAGS + own.TAGS,
        "paths": kling.paths() | own.paths(),
        "components": {
            "securitySchemes": _SECURITY,
            "parameters": answers.PARAMETERS,
            "headers": answers.HEADERS,
            "responses": answers.responses(),
            "callbacks": answers.CALLBACKS,
            "schemas": schemas.components(kling.models()),
        },
    }


_SECURITY = {
    "key": {"type": "http", "scheme": "bearer", "description": "A key of this relay"},
    "jwt": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "As at Kling: HS256 with the secret key. `iss` is the access key. `exp` and `nbf` have a leeway of 30 s.",
    },
}
