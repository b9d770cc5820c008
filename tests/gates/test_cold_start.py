"""Gates on the built artefacts that no noise can shake: instructions, bytecode, modules, bytes. `make gates` runs them."""

import json
import runpy
import ssl
from pathlib import Path

import pytest
import trustme

from benchmarks.artefacts import FUNCTIONS, Mounted, layer_bytes
from benchmarks.cold_start import FIRST_REQUEST, GOALS, LAYERS, compiled_at_import
from benchmarks.instructions import INIT, of_function
from tests.support.cloudformation import ROOT, load_template

ALLOWANCE = 1.003
"""Instruction counts repeat within 0.3 %."""
NEVER = ("pydantic", "boto3", "s3transfer", "jwt", "anyio", "aws_xray_sdk")
HTTPX = {"SubmitTask", "ResubmitTasks", "ReconcileTasks", "ArchiveResults", "DeliverWebhooks"}
RESOLVER = {"SubmitTask", "QueryTasks", "CancelTask"}


def loaded(mount: Mounted, function: str, code: str = INIT) -> set[str]:
    """The modules in memory after `code`."""
    done = mount.run(function, f"{code}\nimport json, sys; print(json.dumps(sorted(sys.modules)))")
    return set(json.loads(done.stdout))


def wrongly_loaded(mount: Mounted, function: str, code: str = INIT) -> set[str]:
    """What a function loads at INIT and must not."""
    forbidden = {*NEVER, *(() if function in HTTPX else ("httpx",))}
    forbidden |= set() if function in RESOLVER else {"aws_lambda_powertools.event_handler", "asyncio"}
    return forbidden & loaded(mount, function, code)


def test_every_function_is_measured() -> None:
    of_template = {name for name, each in load_template()["Resources"].items() if each["Type"] == "AWS::Serverless::Function"}
    assert set(FUNCTIONS) == of_template


@pytest.mark.parametrize("function", FUNCTIONS)
def test_nothing_is_compiled_at_import(mount: Mounted, function: str) -> None:
    assert compiled_at_import(mount, function) == []


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_loads_at_init_what_it_needs_only(mount: Mounted, function: str) -> None:
    assert wrongly_loaded(mount, function) == set()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_garbage_collector_works_after_init(mount: Mounted, function: str) -> None:
    assert (
        mount.run(function, f"{INIT}\nimport gc; print(gc.isenabled(), gc.get_freeze_count() > 10_000)").stdout == "True True\n"
    )


def test_an_eager_import_is_noticed(mount: Mounted) -> None:
    assert wrongly_loaded(mount, "ReceiveCallback", f"import httpx; {INIT}") == {"httpx"}


@pytest.mark.parametrize("function", GOALS)
def test_init_keeps_its_budget_of_of_function(mount: Mounted, baseline: float, function: str) -> None:
    assert of_function(mount, function) / baseline <= GOALS[function].target * ALLOWANCE


def test_request_models_in_the_callbacks_function_break_its_budget(mount: Mounted, baseline: float) -> None:
    assert of_function(mount, "ReceiveCallback", INIT + FIRST_REQUEST) / baseline > GOALS["ReceiveCallback"].target * ALLOWANCE


def test_the_layers_keep_their_budget() -> None:
    assert layer_bytes() / 1e6 <= LAYERS.target


def test_the_layer_trusts_whom_certifi_trusts(mount: Mounted) -> None:
    certifi = mount.root / "opt" / "python" / "certifi"
    bundle = ssl.create_default_context(cafile=certifi / "cacert.pem").get_ca_certs(binary_form=True)
    by_hash = [ssl.PEM_cert_to_DER_cert(path.read_text()) for path in (certifi / "by_hash").iterdir()]
    assert sorted(by_hash) == sorted(bundle)


def test_a_peer_is_verified_by_an_authority_of_the_folder(tmp_path: Path) -> None:
    """As by the bundle: OpenSSL finds a certificate by the name that trim.py gives it."""
    trim = runpy.run_path(str(ROOT / "layers" / "dependencies" / "trim.py"))
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "bundle.pem"))
    trim["hash_certificates"](tmp_path / "bundle.pem", tmp_path / "by_hash")

    assert handshake(authority, ssl.create_default_context(capath=tmp_path / "by_hash"))
    assert not handshake(trustme.CA(), ssl.create_default_context(capath=tmp_path / "by_hash"))


def handshake(authority: trustme.CA, client_context: ssl.SSLContext) -> bool:
    """Whether a client trusts a server with a certificate of the authority; no socket is opened."""
    server_context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("results.example.com").configure_cert(server_context)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname="results.example.com")
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    for side in (client, server, client):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLCertVerificationError:
            return False
    return client.version() is not None
