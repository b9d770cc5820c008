"""Comet Relay's own package: what every function shares."""

import gc

from relay.config import on_lambda

if on_lambda():
    gc.disable()  # until bootstrap.prepare_at_init(): INIT creates hardly any garbage, and collecting takes 3 % of its time
