"""Runs on the emulator's interpreter: a SAM template on stdin, the CloudFormation template that it means on stdout."""

import json
import sys
from typing import Any

from samtranslator.translator.transform import transform  # type: ignore[import-not-found]


class NoManagedPolicies:
    """Our policies are statements; none is named by an AWS managed policy's short name."""

    def load(self) -> dict[str, str]:
        """Nothing to look up, so that nothing is asked at AWS."""
        return {}


def main() -> None:
    """Translate with the parameters' values beside the template: {"template": …, "parameters": …}."""
    given: dict[str, Any] = json.load(sys.stdin)
    json.dump(transform(given["template"], given["parameters"], NoManagedPolicies()), sys.stdout)


if __name__ == "__main__":
    main()
