"""FakeProviderIds: the tenants of ids in a dictionary."""

from collections.abc import Collection


class FakeProviderIds:
    """ProviderIds. `given_to`: the tenant of each provider and id."""

    def __init__(self) -> None:
        self.given_to: dict[tuple[str, str], str] = {}

    def record(self, tenant: str, provider: str, ids: Collection[str], *, expires_at: int) -> None:  # noqa: ARG002 - keeps them
        """The first tenant keeps an id."""
        for each in ids:
            self.given_to.setdefault((provider, each), tenant)

    def tenant_of(self, provider: str, provider_id: str) -> str | None:
        """As it was recorded."""
        return self.given_to.get((provider, provider_id))
