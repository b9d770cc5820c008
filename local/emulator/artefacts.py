"""Builds the template with SAM if anything changed, uploads the code to the emulator, and translates the template."""

import hashlib
import io
import json
import os
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import yaml

from local.stack import REGION, ROOT, emulator_client

BUILD = ROOT / ".aws-sam" / "build"
STAMP = ROOT / ".aws-sam" / "inputs.sha256"
TOOLS = ROOT / ".local" / "venvs"
BUCKET = "artefacts"
_INPUTS = ("template.yaml", "samconfig.toml", "functions", "layers")
_CODE = ("CodeUri", "ContentUri")


def build() -> bool:
    """Run `sam build`, unless the last build had the same inputs. Returns whether it ran."""
    inputs = _digest()
    if (BUILD / "template.yaml").exists() and STAMP.exists() and STAMP.read_text() == inputs:
        return False
    sam_build(ROOT)
    STAMP.write_text(inputs)
    return True


def sam_build(folder: Path) -> Path:
    """Run `sam build` for the template in a folder. Returns the folder of the result. Raises RuntimeError with SAM's output."""
    environment = os.environ | {"SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": REGION}
    built = subprocess.run(
        [str(TOOLS / "sam" / "bin" / "sam"), "build"],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if built.returncode:
        raise RuntimeError(f"sam build failed:\n{built.stdout}")
    return folder / ".aws-sam" / "build"


def translate_template(endpoint_url: str, parameters: dict[str, str], build: Path = BUILD) -> dict[str, Any]:
    """Upload the code of a built template to the emulator's S3, and return the template as CloudFormation.

    Raises RuntimeError if it cannot be translated.
    """
    template = yaml.safe_load((build / "template.yaml").read_text())
    _upload_code(template, endpoint_url, build)
    done = subprocess.run(
        [str(TOOLS / "emulator" / "bin" / "python"), "-m", "local.emulator.translate"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "AWS_DEFAULT_REGION": REGION},
        input=json.dumps({"template": template, "parameters": parameters}),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"the template could not be translated:\n{done.stderr}")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def upload(endpoint_url: str, key: str, content: bytes) -> str:
    """Upload a file to the bucket of artefacts. Returns its URL."""
    emulator_client("s3", endpoint_url).put_object(Bucket=BUCKET, Key=key, Body=content)
    return f"{endpoint_url}/{BUCKET}/{key}"


def _upload_code(template: dict[str, Any], endpoint_url: str, build: Path) -> None:
    """Upload every code folder that the template names, and replace it by the S3 object's URI."""
    emulator_client("s3", endpoint_url).create_bucket(Bucket=BUCKET)
    for name, resource in template["Resources"].items():
        properties = resource.get("Properties", {})
        for key in _CODE:
            if key in properties:
                upload(endpoint_url, f"{name}.zip", _zipped(build / properties[key]))
                properties[key] = f"s3://{BUCKET}/{name}.zip"


def _zipped(folder: Path) -> bytes:
    """A zip file of the folder. It is not compressed, because each cold start in the emulator unpacks it again."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED, strict_timestamps=False) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder))
    return buffer.getvalue()


def _digest() -> str:
    """One hash of all files that `sam build` reads."""
    digest = hashlib.sha256()
    for path in sorted(path for name in _INPUTS for path in _files(ROOT / name)):
        digest.update(f"{path.relative_to(ROOT)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return [each for each in path.rglob("*") if each.is_file() and "__pycache__" not in each.parts]
