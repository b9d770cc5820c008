"""The secrets are there, and the provider takes its key."""

from collections.abc import Iterator

from botocore.exceptions import ClientError

from relay.adapters.http.provider import HttpProviderApi
from relay.domain.errors import ProviderError, ProviderTaskMissingError, UnreadableSnapshotError
from relay.providers.kling.translator import Kling
from relay_cli.doctor.deployment import Deployment
from relay_cli.doctor.findings import Finding, broken, fine, warning

_TIMEOUT = 15.0
_KEY_CODES = frozenset({1000, 1001, 1002})
_ACCOUNT_CODES = frozenset({1100, 1101, 1102, 1103, 1304})
_OPERATION = "videos/text2video"
_NO_TASK = "relay-doctor-no-such-task"
_PUT = "aws secretsmanager put-secret-value --secret-id {} --secret-string …"


def secrets(deployment: Deployment) -> Iterator[Finding]:
    """Each secret of the stack has a current version. Their values are not read."""
    manager = deployment.client("secretsmanager")
    for name, secret_id in deployment.of_type("SecretsManager::Secret").items():
        try:
            described = manager.describe_secret(SecretId=secret_id)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            yield broken("secrets", f"{name} is gone", "deploy again; callbacks of running tasks are then polled for")
            continue
        stages = [stage for stages in described.get("VersionIdsToStages", {}).values() for stage in stages]
        if "DeletedDate" in described:
            restore = f"aws secretsmanager restore-secret --secret-id {secret_id}"
            yield broken("secrets", f"{name} is going to be deleted", restore)
        elif "AWSCURRENT" not in stages:
            yield broken("secrets", f"{name} has no current version", _PUT.format(secret_id))
        else:
            yield fine("secrets", f"{name} is there")


def provider_key(deployment: Deployment) -> Iterator[Finding]:
    """Ask the provider for a task that does not exist: what it says of the key costs nothing."""
    secret_id = deployment.parameters["CometApiKeySecretName"]
    put = _PUT.format(secret_id)
    try:
        key = deployment.client("secretsmanager").get_secret_value(SecretId=secret_id)["SecretString"].strip()
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        yield broken(
            "provider",
            f"the secret {secret_id} is not there",
            put.replace("put-secret-value --secret-id", "create-secret --name"),
        )
        return
    if not key or len(key.split()) != 1 or key.startswith("{"):
        yield broken("provider", f"the secret {secret_id} is no plain key", put)
        return
    yield _asked(deployment.parameters["ProviderUrl"], key, put)


def _asked(url: str, key: str, put: str) -> Finding:
    kling = Kling()
    request = kling.query_request(kling.operations[_OPERATION], _NO_TASK)
    try:
        kling.read_queried(HttpProviderApi(url, lambda: key).send(request, timeout=_TIMEOUT))
    except ProviderTaskMissingError:
        return fine("provider", f"{url} takes the key")
    except UnreadableSnapshotError:
        return fine("provider", f"{url} answers")
    except ProviderError as error:
        return _judged(url, error, put)
    return fine("provider", f"{url} takes the key")


def _judged(url: str, error: ProviderError, put: str) -> Finding:
    if error.status in {401, 403} or error.code in _KEY_CODES:
        return broken("provider", f"{url} refuses the key: {error.message}", put)
    if error.code in _ACCOUNT_CODES:
        return broken("provider", f"{url}: {error.message}", "look at the account at the provider: balance, packs, allow-list")
    told = f"{url}: {error.message}"
    return warning("provider", told, "tasks wait in the queue resubmissions until the provider answers again")
