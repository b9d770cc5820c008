"""FakeSecretsManager: one generated secret that can be rotated, behind the client's interface."""

from typing import Any

from botocore.exceptions import ClientError


class FakeSecretsManager:
    """What `relay.adapters.secrets.cached.Secrets` asks of the client; `reads` counts."""

    def __init__(self, current: str = "the first secret") -> None:
        self.stages = {"AWSCURRENT": current}
        self.reads = 0

    def get_secret_value(self, *, SecretId: str, VersionStage: str) -> dict[str, Any]:  # noqa: N803 - as AWS names them
        """ResourceNotFoundException for a stage that has no version."""
        self.reads += 1
        if VersionStage not in self.stages:
            error: Any = {"Code": "ResourceNotFoundException", "Message": f"{SecretId} {VersionStage}"}
            raise ClientError({"Error": error}, "GetSecretValue")
        return {"SecretString": self.stages[VersionStage]}

    def rotate(self, secret: str) -> None:
        """The current secret becomes the previous one."""
        self.stages = {"AWSCURRENT": secret, "AWSPREVIOUS": self.stages["AWSCURRENT"]}
