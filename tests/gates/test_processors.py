"""`sam build` makes one layer of dependencies for each processor, whatever the processor of this machine."""

from pathlib import Path

import pytest

from benchmarks.artefacts import DEPENDENCIES
from local.emulator.artefacts import BUILD, build
from tests.support.cloudformation import load_template

_MACHINE = slice(18, 20)
"""Where an ELF file names its processor: https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html (`e_machine`)."""
_MACHINES = {"arm64": b"\xb7\x00", "x86_64": b"\x3e\x00"}


def files(architecture: str) -> dict[str, Path]:
    """The files of the built layer by their paths, which do not name the processor."""
    build()
    folder = BUILD / DEPENDENCIES[architecture]
    names = {"arm64": "aarch64", "x86_64": "x86_64"}
    return {
        str(path.relative_to(folder)).replace(names[architecture], "PROCESSOR"): path
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("architecture", _MACHINES)
def test_compiled_modules_are_for_the_layers_processor(architecture: str) -> None:
    compiled = [path for path in files(architecture).values() if path.read_bytes()[:4] == b"\x7fELF"]
    assert compiled
    assert {path.read_bytes()[_MACHINE] for path in compiled} == {_MACHINES[architecture]}
    layer = load_template()["Resources"][DEPENDENCIES[architecture]]["Properties"]
    assert layer["CompatibleArchitectures"] == [architecture]


def test_both_processors_get_the_same_modules() -> None:
    arm, x86 = ({name for name in files(each) if name.endswith((".py", ".pyc", ".so"))} for each in _MACHINES)
    assert arm == x86


def test_there_is_a_layer_for_every_architecture_of_the_template() -> None:
    assert set(DEPENDENCIES) == set(load_template()["Parameters"]["Architecture"]["AllowedValues"]) == set(_MACHINES)
