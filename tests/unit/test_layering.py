"""The structure of the code: what the import contracts cannot say by themselves, and that they catch what they are for."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from relay.providers.registry import ENTRIES
from tests.support.cloudformation import ROOT

LAYER = ROOT / "layers" / "relay"
PACKAGE = LAYER / "relay"
MODULES = {
    ".".join(path.relative_to(LAYER).with_suffix("").parts): path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"
}
IMPORT_CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]


def imports_of(path: Path) -> set[str]:
    """Every module of the layer that a file imports, also inside functions.

    A provider imports its request models by their names in its table of operations: `import_module` of `requests.{module}`.
    The registry imports the providers by their names.
    """
    found = {f"relay.providers.{name}.translator" for name in ENTRIES} if path.name == "registry.py" else set[str]()
    provider = re.search(r"/providers/(\w+)/", path.as_posix())
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif provider and isinstance(node, ast.Constant) and isinstance(node.value, str):
            named = re.findall(r"^(\w+)\.\w+$", node.value)
            found |= {f"relay.providers.{provider[1]}.requests.{module}" for module in named}
    return found & MODULES.keys()


def reachable(start: Path) -> set[str]:
    """The modules of the layer that a file needs, directly or not."""
    found: set[str] = set()
    waiting = imports_of(start)
    while waiting:
        found |= waiting
        waiting = {each for name in waiting for each in imports_of(MODULES[name])} - found
    return found


def test_every_module_of_the_layer_is_reachable_from_a_function() -> None:
    needed = {name for app in (ROOT / "functions").glob("*/app.py") for name in reachable(app)}

    assert MODULES.keys() - needed == set(), "tools of the operator belong into cli/relay_cli/operator"


def lint_of_a_copy(tmp_path: Path, file: str = "", statement: str = "") -> subprocess.CompletedProcess[str]:
    """The import contracts checked in a copy of the code that has another provider and this statement in this file."""
    for folder in ("layers/relay", "cli", "local"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", ".venv", "node_modules"))
    pyproject = (ROOT / "pyproject.toml").read_text()
    (tmp_path / "pyproject.toml").write_text(re.sub(r'(layers = \["registry", "[^"]+)(", "base)', r"\1 | another\2", pyproject))
    another = tmp_path / "layers/relay/relay/providers/another"
    another.mkdir()
    (another / "__init__.py").touch()
    (another / "translator.py").write_text('"""Another provider."""\n')
    if file:
        changed = tmp_path / file
        changed.write_text(f"{changed.read_text()}\n{statement}\n")
    return subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"],
        cwd=tmp_path,
        env={"PYTHONPATH": f"{tmp_path}/layers/relay:{tmp_path}/cli:{tmp_path}", "PATH": ""},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_another_provider_keeps_every_contract(tmp_path: Path) -> None:
    run = lint_of_a_copy(tmp_path)

    assert run.returncode == 0, run.stdout + run.stderr
    assert f"Contracts: {len(IMPORT_CONTRACTS)} kept, 0 broken." in run.stdout


@pytest.mark.parametrize(
    ("file", "statement", "contract"),
    [
        ("layers/relay/relay/providers/another/translator.py", "import relay.providers.kling.tasks", "Providers are independent"),
        ("layers/relay/relay/providers/kling/tasks.py", "import relay.providers.another.translator", "Providers are independent"),
        ("layers/relay/relay/providers/base.py", "import relay.providers.another.translator", "Providers are independent"),
        ("layers/relay/relay/domain/task.py", "import relay.ports", "Imports go inwards"),
        ("layers/relay/relay/usecases/view.py", "import botocore", "No I/O and no framework inside"),
        ("cli/relay_cli/operator/keys.py", "import rich", "Operator code knows no terminal"),
        ("cli/relay_cli/operator/keys.py", "import typer", "Operator code knows no terminal"),
        ("cli/relay_cli/operator/redrive.py", "import relay_cli.output", "Operator code knows no terminal"),
        ("cli/relay_cli/operator/redrive.py", "import relay_cli.tables", "Operator code knows no terminal"),
    ],
)
def test_a_forbidden_import_breaks_its_contract(tmp_path: Path, file: str, statement: str, contract: str) -> None:
    run = lint_of_a_copy(tmp_path, file, statement)

    assert run.returncode == 1, run.stdout + run.stderr
    assert re.search(rf"{re.escape(contract)}.* BROKEN", run.stdout), run.stdout


def test_a_provider_that_is_not_in_the_contract_breaks_it() -> None:
    (contract,) = (each for each in IMPORT_CONTRACTS if each["name"] == "Providers are independent")
    providers = {path.parent.name for path in (PACKAGE / "providers").glob("*/__init__.py")}

    assert contract["exhaustive"]
    assert set(contract["layers"][1].split(" | ")) == providers == ENTRIES.keys()


MAKERS = {"httpx.Client", "httpx.AsyncClient", "httpx.stream", "httpx.request", "urllib.request", "urlopen", "build_opener"}
MAKERS |= {f"httpx.{method}" for method in ("get", "options", "head", "post", "put", "patch", "delete")}


def makes_a_client(path: Path) -> bool:
    """Whether a file makes an HTTP client that keeps cookies, or names what would."""
    tree = ast.parse(path.read_text())
    imported = {
        f"{node.module}.{alias.name}" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    named = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute | ast.Name)}
    return bool(MAKERS & (imported | named))


def test_every_http_client_of_the_layer_is_made_without_cookies() -> None:
    operator = (ROOT / "cli" / "relay_cli" / "operator").rglob("*.py")
    makers = {path.name for path in (*MODULES.values(), *(ROOT / "functions").rglob("*.py"), *operator) if makes_a_client(path)}

    assert makers == {"client.py"}, "use stateless_client: one process serves all tenants"


@pytest.mark.parametrize("code", ["import httpx\nhttpx.get('')", "from httpx import Client", "import httpx\nx = httpx.Client"])
def test_another_way_to_make_a_client_is_noticed(tmp_path: Path, code: str) -> None:
    (tmp_path / "module.py").write_text(code)

    assert makes_a_client(tmp_path / "module.py")


def test_the_architecture_explains_every_module_on_a_line_of_its_own() -> None:
    (tree,) = re.findall(r"^```\n(.*?)^```$", section("Modules"), re.MULTILINE | re.DOTALL)
    explained = re.findall(r"^([\w/]+\.py) {2,}\S", tree, re.MULTILINE)

    assert sorted(explained) == sorted(str(path.relative_to(PACKAGE)) for path in MODULES.values())
    assert tree.count(".py") == len(explained), "one module a line"
    assert [line for line in tree.splitlines() if len(line) > 120] == []


def test_the_layers_of_the_architecture_are_those_that_are_checked() -> None:
    (layers,) = (each["layers"] for each in IMPORT_CONTRACTS if each["name"] == "Imports go inwards")

    assert f"`{' > '.join(layers)}`" in section("Modules").replace("\n", " ")


def section(heading: str) -> str:
    """A section of ARCHITECTURE.md."""
    text = (ROOT / "ARCHITECTURE.md").read_text()
    return text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


KNOWS_PROVIDERS = {
    "cli/relay_cli/doctor/provider.py": "the codes of an account",
    "local/docs/openapi": "describes one provider's paths and models",
    "local/gateway.py": "the demo and the tests submit a video",
    "local/trial.py": "the demo submits a video",
}
"""What still names a provider outside its package, and why."""


def test_only_its_own_packages_name_a_provider() -> None:
    names = re.compile(rf"\b({'|'.join(ENTRIES)})", re.IGNORECASE)
    sources = [path for folder in ("layers/relay/relay", "functions", "cli", "local") for path in (ROOT / folder).rglob("*.py")]
    naming = {path.relative_to(ROOT).as_posix() for path in sources if names.search(path.read_text())}
    own = re.compile(r"/(providers|protocol)/(registry\.py|(" + "|".join(ENTRIES) + r")/)")
    foreign = {path for path in naming if not own.search(path) and not any(path.startswith(known) for known in KNOWS_PROVIDERS)}
    assert foreign == set()
