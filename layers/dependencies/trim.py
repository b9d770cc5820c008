"""Leaves out of the layer what no function uses: `python trim.py FOLDER`, with FOLDER also on the path.

A third of a minimal cold start is botocore's data: the endpoints of 470 services, and models with their documentation. Of it
remains what clients for the operations in operations.json read. tests/unit/test_trimmed_layer.py holds it against the whole.
"""

import json
import shutil
import ssl
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from botocore.loaders import Loader

OPERATIONS: dict[str, list[str]] = json.loads((Path(__file__).parent / "operations.json").read_text())
UNUSED = (
    "bin",
    "**/*.pyi",  # for type checkers
    ".lock",
    "*.dist-info/RECORD",
    "boto3*",  # the functions use botocore's clients
    "s3transfer*",
    "anyio*",  # httpx takes it for asynchronous clients only
    "dateutil/zoneinfo",
    "pydantic/v1",
    "pydantic/mypy.py",
    "aws_lambda_powertools/event_handler/openapi/swagger_ui/*.min.*",
    *(f"aws_lambda_powertools/utilities/{name}" for name in (
        "auth_alpha", "batch", "circuit_breaker", "data_masking", "feature_flags", "idempotency", "kafka", "parameters", "parser",
        "streaming", "validation",
    )),
)  # fmt: skip
_DOCUMENTATION = {"documentation", "documentationUrl"}
_WHOLE = ("partitions", "sdk-default-configuration")


def trimmed(loader: Loader, operations: Mapping[str, list[str]] = OPERATIONS) -> Iterator[tuple[str, Any]]:
    """(path below botocore/data, document) of everything that clients for these operations read."""
    prefixes = set()
    for service, names in operations.items():
        model = loader.load_service_model(service, "service-2")
        version = loader.determine_latest_version(service, "service-2")
        prefixes.add(model["metadata"]["endpointPrefix"])
        yield f"{service}/{version}/service-2.json", _trimmed_model(model, names)
        yield f"{service}/{version}/endpoint-rule-set-1.json", loader.load_service_model(service, "endpoint-rule-set-1")
    yield "endpoints.json", _trimmed_endpoints(loader.load_data("endpoints"), prefixes)
    yield "_retry.json", _trimmed_retries(loader.load_data("_retry"), prefixes)
    for name in _WHOLE:
        yield f"{name}.json", loader.load_data(name)


def _trimmed_model(model: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    """A model with these operations only, the shapes that they reach and every error, and no documentation."""
    operations = {name: model["operations"][name] for name in names}
    shapes: dict[str, Any] = {}
    wanted = [name for operation in operations.values() for name in _references(operation)]
    wanted += [name for name, shape in model["shapes"].items() if shape.get("exception")]
    while wanted:
        name = wanted.pop()
        if name not in shapes:
            shapes[name] = model["shapes"][name]
            wanted += _references(shapes[name])
    kept = {name: shape for name, shape in model["shapes"].items() if name in shapes}  # in the order of the whole
    # Only these: of a client's parameters botocore reads the documentation too.
    return {**model, "operations": _undocumented(operations, names=True), "shapes": _undocumented(kept, names=True)}


def _trimmed_endpoints(endpoints: Mapping[str, Any], prefixes: set[str]) -> dict[str, Any]:
    """Every region of every partition, for these endpoint prefixes."""
    partitions = [
        {**partition, "services": {name: each for name, each in partition["services"].items() if name in prefixes}}
        for partition in endpoints["partitions"]
    ]
    return {**endpoints, "partitions": partitions}


def _trimmed_retries(retries: Mapping[str, Any], prefixes: set[str]) -> dict[str, Any]:
    """The rules of the legacy mode, for these endpoint prefixes and for all."""
    return {**retries, "retry": {name: each for name, each in retries["retry"].items() if name in {"__default__", *prefixes}}}


def _references(value: Any) -> list[str]:
    """The names of the shapes that an operation or a shape names, at whatever depth."""
    if isinstance(value, list):
        return [name for each in value for name in _references(each)]
    if not isinstance(value, dict):
        return []
    own = [value["shape"]] if isinstance(value.get("shape"), str) else []
    return own + [name for each in value.values() for name in _references(each)]


def _undocumented(value: Any, *, names: bool = False) -> Any:
    """Without documentation; where keys are `names` of members, one may be called so."""
    if isinstance(value, list):
        return [_undocumented(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _undocumented(each, names=not names and key == "members")
        for key, each in value.items()
        if names or key not in _DOCUMENTATION
    }


def hash_certificates(bundle: Path, folder: Path) -> None:
    """The certificates of `bundle` one by one, named `{hash of the subject}.{number}`, as OpenSSL looks them up."""
    folder.mkdir()
    numbers: Counter[str] = Counter()
    context = ssl.create_default_context(cafile=bundle)
    for der in context.get_ca_certs(binary_form=True):
        pem = ssl.DER_cert_to_PEM_cert(der)
        command = ["openssl", "x509", "-noout", "-subject_hash"]
        name = subprocess.run(command, input=pem, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603
        (folder / f"{name}.{numbers[name]}").write_text(pem)
        numbers[name] += 1


def main(folder: Path) -> None:
    """Trim the packages in `folder`, in place."""
    if shutil.which("openssl"):  # without it the functions read the whole bundle, as certifi ships it
        hash_certificates(folder / "certifi" / "cacert.pem", folder / "certifi" / "by_hash")
    data = folder / "botocore" / "data"
    documents = dict(trimmed(Loader(include_default_search_paths=False, extra_search_paths=[str(data)])))
    for path in [data, *(path for pattern in UNUSED for path in folder.glob(pattern))]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for name, document in documents.items():
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_text(json.dumps(document, separators=(",", ":"), ensure_ascii=False))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
