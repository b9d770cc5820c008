"""Comet Relay's own package: what every function shares."""

import gc

from relay.config import on_lambda

if on_lambda():
    gc.disable()  # until bootstrap.prepare(): an INIT makes hardly any garbage, and looking for it takes a thirtieth of its time
