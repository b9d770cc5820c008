"""The whole OpenAPI document. A provider may describe its paths in `openapi.json`, beside its simulator."""

import json
import tomllib
from typing import Any

from local.docs.openapi import answers, kling, own, schemas
from local.stack import ROOT

_PROTOCOLS = ROOT / "local" / "simulator" / "protocol"
_DESCRIPTION = """\
The providers' own APIs through Comet Relay. A client changes only its base URL and its key. `/v1/…` is the same as \
`/kling/v1/…`, except for videos that the relay does not know.

Kling's and the relay's responses have Kling's envelope, and `code` 0 means success. In Kling's requests, null and blank \
text mean that a field is absent. Unknown fields are forwarded to the provider. Rules that involve several fields are in \
the description of their object.

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
        "tags": kling.TAGS + _gathered("tags") + own.TAGS,
        "paths": kling.paths() | dict(_gathered("paths")) | own.paths(),
        "components": {
            "securitySchemes": _SECURITY,
            "parameters": answers.PARAMETERS,
            "headers": answers.HEADERS,
            "responses": answers.responses(),
            "callbacks": answers.CALLBACKS,
            "schemas": schemas.components(kling.models()) | dict(_gathered("schemas")),
        },
    }


def _gathered(part: str) -> list[Any]:
    """The tags, or the items of paths or schemas, of every provider with a description."""
    described = [json.loads(path.read_text())[part] for path in sorted(_PROTOCOLS.glob("*/openapi.json"))]
    return [each for one in described for each in (one.items() if isinstance(one, dict) else one)]


_SECURITY = {
    "key": {"type": "http", "scheme": "bearer", "description": "A key of this relay"},
    "jwt": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "As at Kling: HS256 with the secret key. `iss` is the access key. `exp` and `nbf` have a leeway of 30 s.",
    },
}
