"""`make openapi`: write docs/openapi.json; with --check, say whether it is what would be written."""

import argparse
import json
import sys

from local.docs.openapi.document import document
from local.stack import ROOT

FILE = ROOT / "docs" / "openapi.json"


def main(arguments: list[str] | None = None) -> int:
    """0 when the file is as it should be."""
    parser = argparse.ArgumentParser(prog="python -m local.docs.openapi", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args(arguments)
    text = json.dumps(document(), indent=1, ensure_ascii=False) + "\n"
    if FILE.exists() and FILE.read_text() == text:
        return 0
    if options.check:
        print(f"{FILE.relative_to(ROOT)} is stale: make openapi", file=sys.stderr)
        return 1
    FILE.write_text(text)
    print(f"written: {FILE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
