"""The simulated providers."""

from local.simulator.account.account import Account
from local.simulator.common.settings import Settings
from local.simulator.protocol.kling.operations import OPERATIONS
from local.simulator.protocol.kling.provider import Kling
from local.simulator.protocol.replicate.provider import Replicate

PROVIDERS = (Kling(), Replicate())
_SEED_OPERATION = OPERATIONS["videos/text2video"]


def make_account(seed: int, api_key: str, settings: Settings) -> Account:
    """An account at all of them."""
    return Account(seed=seed, api_key=api_key, settings=settings, providers=PROVIDERS, seed_operation=_SEED_OPERATION)
