"""Reads policies by name from stdin and writes parliament's findings to stdout. Runs in the environment of local/checks."""

import json
import sys
from typing import Any

from parliament import analyze_policy_string  # type: ignore[import-not-found]


def main() -> None:
    """Lint the object {name: policy} from stdin. The result is {name: [[issue, detail]]}, without policies that are fine."""
    policies: dict[str, Any] = json.load(sys.stdin)
    found = {name: analyze_policy_string(json.dumps(policy)).findings for name, policy in policies.items()}
    shown = {name: [[each.issue, each.detail] for each in findings] for name, findings in found.items() if findings}
    json.dump(shown, sys.stdout)


if __name__ == "__main__":
    main()
