"""Checks the secrets, and whether the provider accepts the relay's key."""

from collections.abc import Iterator

from botocore.exceptions import ClientError

from relay.adapters.http.provider import HttpProviderApi
from relay.domain.errors import ProviderError, ProviderTaskMissingError, UnreadableSnapshotError
from relay.providers.registry import PROVIDERS
from relay_cli.doctor.deployment import Deployment
from relay_cli.doctor.findings import Finding, broken, fine, warning

_TIMEOUT = 15.0  # seconds
_KEY_CODES = frozenset({1000, 1001, 1002})
_ACCOUNT_CODES = frozenset({1100, 1101, 1102, 1103, 1304})
_NO_TASK = "relay-doctor-no-such-task"
_PUT = "aws secretsmanager put-secret-value --secret-id {} --secret-string …"


def secrets(deployment: Deployment) -> Iterator[Finding]:
    """Each secret of the stack has a current version. The check does not read the values."""
    manager = deployment.client("secretsmanager")
    for name, secret_id in deployment.of_type("SecretsManager::Secret").items():
        try:
            described = manager.describe_secret(SecretId=secret_id)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            yield broken("secrets", f"{name} is missing", "deploy again; the relay then polls for the results of running tasks")
            continue
        stages = [stage for stages in described.get("VersionIdsToStages", {}).values() for stage in stages]
        if "DeletedDate" in described:
            restore = f"aws secretsmanager restore-secret --secret-id {secret_id}"
            yield broken("secrets", f"{name} is scheduled for deletion", restore)
        elif "AWSCURRENT" not in stages:
            yield broken("secrets", f"{name} has no current version", _PUT.format(secret_id))
        else:
            yield fine("secrets", f"{name} exists")


def provider_key(deployment: Deployment) -> Iterator[Finding]:
    """The provider accepts the relay's key. The check queries a task that does not exist, which is free."""
    secret_id = deployment.parameters["CometApiKeySecretName"]
    put = _PUT.format(secret_id)
    try:
        key = deployment.client("secretsmanager").get_secret_value(SecretId=secret_id)["SecretString"].strip()
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        yield broken(
            "provider",
            f"the secret {secret_id} does not exist",
            put.replace("put-secret-value --secret-id", "create-secret --name"),
        )
        return
    if not key or len(key.split()) != 1 or key.startswith("{"):
        yield broken("provider", f"the secret {secret_id} is not a plain key", put)
        return
    yield _query_provider(deployment.parameters["ProviderUrl"], key, put)


def _query_provider(url: str, key: str, put: str) -> Finding:
    provider = next(iter(PROVIDERS.values()))  # the key is that of all
    operation = next(iter(provider.operations.values()))
    request = provider.query_request(operation, _NO_TASK)
    try:
        provider.read_queried(operation, HttpProviderApi(url, lambda: key).send(request, timeout=_TIMEOUT))
    except ProviderTaskMissingError:
        return fine("provider", f"{url} accepts the key")
    except UnreadableSnapshotError:
        return fine("provider", f"{url} responds")
    except ProviderError as error:
        return _finding_of(url, error, put)
    return fine("provider", f"{url} accepts the key")


def _finding_of(url: str, error: ProviderError, put: str) -> Finding:
    if error.status in {401, 403} or error.code in _KEY_CODES:
        return broken("provider", f"{url} rejects the key: {error.message}", put)
    if error.code in _ACCOUNT_CODES:
        return broken("provider", f"{url}: {error.message}", "check the provider account: balance, resource packs, IP allowlist")
    advice = "no action needed: tasks wait in the queue resubmissions until the provider responds again"
    return warning("provider", f"{url}: {error.message}", advice)
