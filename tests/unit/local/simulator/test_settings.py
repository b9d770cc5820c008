"""The simulator's settings."""

from local.simulator.common.settings import Settings


def test_a_number_that_was_set_whole_may_be_a_fraction_the_next_time() -> None:
    assert Settings().changed({"speed": 5}).changed({"speed": 2.5}).speed == 2.5
