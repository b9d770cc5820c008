"""Mutation testing: changes the code in small ways and reports the changes that no unit test notices. `make mutants`.

mutmut expects the package in `src/`, so this works on a copy of the repository in `.local/mutants`.
"""

import shutil
import subprocess
import sys

from local.stack import LOCAL, ROOT

MUTMUT = "mutmut==3.8.1"
COPY = LOCAL / "mutants"
CONFIGURATION = """
[tool.mutmut]
source_paths = ["src"]
only_mutate = [
    "src/relay/domain/*",
    "src/relay/usecases/*",
    "src/relay/adapters/http/guard.py",
    "src/relay/adapters/dynamodb/tasks.py",
]
also_copy = ["layers", "cli", "functions", "events", "local", "template.yaml", "docs", "examples"]
pytest_add_cli_args = ["-p", "no:cacheprovider"]
pytest_add_cli_args_test_selection = [
    "tests/unit/domain",
    "tests/unit/usecases",
    "tests/unit/adapters/test_guard.py",
    "tests/contract/test_task_store.py",
]
"""


def copied() -> None:
    """Copy the files that git knows, with the package under `src/`."""
    shutil.rmtree(COPY, ignore_errors=True)
    COPY.mkdir(parents=True)
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, capture_output=True, check=True)
    subprocess.run(["tar", "x"], cwd=COPY, input=archive.stdout, check=True)
    package = COPY / "layers" / "relay" / "relay"
    (COPY / "src").mkdir()
    package.rename(COPY / "src" / "relay")
    package.symlink_to("../../src/relay")
    configuration = (COPY / "pyproject.toml").read_text()
    (COPY / "pyproject.toml").write_text(configuration.replace('"layers/relay", "cli"', '"src", "cli"') + CONFIGURATION)


def main() -> None:
    """Run all mutants, or those whose names match the patterns of the command line (`relay.domain.webhook*`)."""
    copied()
    mutmut = ["uv", "run", "--no-project", "--python", sys.executable, "--with", MUTMUT, "mutmut"]
    subprocess.run([*mutmut, "run", *sys.argv[1:]], cwd=COPY, check=False)
    results = subprocess.run([*mutmut, "results"], cwd=COPY, check=True, capture_output=True, text=True).stdout
    survivors = [line.strip().removesuffix(": survived") for line in results.splitlines() if line.endswith(": survived")]
    for name in survivors:
        subprocess.run([*mutmut, "show", name], cwd=COPY, check=True)
    sys.stdout.write(f"{len(survivors)} changes that no test notices\n")


if __name__ == "__main__":
    main()
