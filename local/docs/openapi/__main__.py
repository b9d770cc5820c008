"""`make openapi`: writes docs/openapi.json. With --check, it only reports whether the file is up to date."""

import argparse
import json
import sys

from local.docs.openapi.document import document
from local.stack import ROOT

FILE = ROOT / "docs" / "openapi.json"


def main(arguments: list[str] | None = None) -> int:
    """Returns 0 if the file is up to date or was written, 1 if --check finds it stale."""
    parser = argparse.ArgumentParser(prog="python -m local.docs.openapi", description=__doc__)
    parser.add_argument("--check", action="store_true", help="do not write; exit with 1 if the file is stale")
    options = parser.parse_args(arguments)
    text = json.dumps(document(), indent=1, ensure_ascii=False) + "\n"
    if FILE.exists() and FILE.read_text() == text:
        return 0
    if options.check:
        print(f"{FILE.relative_to(ROOT)} is stale. Run `make openapi`.", file=sys.stderr)
        return 1
    FILE.write_text(text)
    print(f"written: {FILE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
