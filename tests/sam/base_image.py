"""`python -m tests.sam.base_image`: the base image that `sam local` wants, AWS's or, without a registry, a stand-in.

The stand-in is Debian with the same Python and Lambda's runtime client, and nothing else: it lacks even the boto3 that AWS's
image brings along, so that a function finds only what the layers hold.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

from local.containers import containers
from local.stack import LOCAL, ROOT
from tests.sam import engine

RUNTIME_CLIENT = Path(__file__).parent / "runtime_client.txt"
SUITE = "trixie"
"""The Debian whose python3 is 3.13."""
PULL_SECONDS = 600
BOOTSTRAP = """\
    #!/bin/sh
    export PYTHONPATH=/var/task:/opt/python:/var/runtime
    exec python3 -m awslambdaric "$_HANDLER"
    """
UNUSED = ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/locale", "usr/share/man")


def main() -> int:
    """Make it, and say which it is."""
    try:
        with engine.running():
            print(f"{name()}: {ensure()}")
    except engine.EngineError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def name() -> str:
    """What SAM CLI calls the image of the template's runtime on this machine."""
    return f"public.ecr.aws/lambda/python:{python_version()}-{containers.architecture()}"


def python_version() -> str:
    """The runtime of every function: "3.13"."""
    found = re.search(r"^ +Runtime: python([\d.]+)$", (ROOT / "template.yaml").read_text(), re.MULTILINE)
    assert found, "template.yaml names no runtime"
    return found[1]


def ensure() -> str:
    """Where the image came from: "there", "pulled", or "stand-in", which takes about a minute."""
    if _docker("image", "inspect", name()).returncode == 0:
        return "there"
    if _docker("pull", "--quiet", name(), seconds=PULL_SECONDS).returncode == 0:
        return "pulled"
    _stand_in()
    return "stand-in"


def _stand_in() -> None:
    engine.install("debootstrap", "debian-archive-keyring", program="debootstrap")
    LOCAL.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=LOCAL, prefix="base-image-") as folder:
        root = Path(folder) / "root"
        _run("debootstrap", "--variant=minbase", "--include=python3,ca-certificates", SUITE, str(root))
        if not (root / "usr" / "bin" / f"python{python_version()}").exists():
            raise engine.EngineError(f"the python3 of Debian {SUITE} is not {python_version()}: another SUITE, please")
        _add_runtime(root)
        for path in UNUSED:
            shutil.rmtree(root / path, ignore_errors=True)
        archive = Path(folder) / "root.tar"
        _run("tar", "--create", "--file", str(archive), "--directory", str(root), ".")
        change = 'ENTRYPOINT ["/lambda-entrypoint.sh"]'
        _run("docker", "import", "--change", "WORKDIR /var/task", "--change", change, str(archive), name())


def _add_runtime(root: Path) -> None:
    """What RIE starts: the runtime client, in the place where Lambda has it."""
    runtime = root / "var" / "runtime"
    machine = "aarch64" if containers.architecture() == "arm64" else "x86_64"
    options = ["--quiet", "--no-deps", "--only-binary", ":all:", "--python-version", python_version()]
    options += ["--python-platform", f"{machine}-manylinux_2_28", "--target", str(runtime)]
    _run("uv", "pip", "install", *options, "--requirement", str(RUNTIME_CLIENT))
    for path, text in (("bootstrap", BOOTSTRAP), ("../../lambda-entrypoint.sh", "#!/bin/sh\nexec /var/runtime/bootstrap\n")):
        script = runtime / path
        script.write_text(textwrap.dedent(text))
        script.chmod(0o755)
    for path in ("var/task", "opt"):
        (root / path).mkdir(exist_ok=True)


def _docker(*arguments: str, seconds: int | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=seconds, check=False)


def _run(*command: str) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise engine.EngineError(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


if __name__ == "__main__":
    sys.exit(main())
