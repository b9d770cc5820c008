"""Reads a SAM template from stdin and writes it to stdout as CloudFormation. Runs in the emulator's environment."""

import json
import sys
from typing import Any

from samtranslator.translator.transform import transform  # type: ignore[import-not-found]


class NoManagedPolicies:
    """An empty list of AWS managed policies. The template's policies are statements and name none of them."""

    def load(self) -> dict[str, str]:
        """An empty table, so no request is sent to AWS."""
        return {}


def main() -> None:
    """Translate the object {"template": …, "parameters": …} from stdin."""
    given: dict[str, Any] = json.load(sys.stdin)
    json.dump(transform(given["template"], given["parameters"], NoManagedPolicies()), sys.stdout)


if __name__ == "__main__":
    main()
