"""Kling's operations that make images from several pictures, or from one that grows: what is refused, and what is doubtful."""

import pytest

from tests.unit.providers.kling.bodies import URL, Body, check, fixture, refusal

MANY, OMNI, EXPAND = "images/multi-image2image", "images/omni-image", "images/editing/expand"


@pytest.mark.parametrize(
    ("operation", "patch", "message"),
    [
        (MANY, {"subject_image_list": []}, "subject_image_list: expected at least 1 items; got 0"),
        (MANY, {"subject_image_list": [{"subject_image": URL}] * 5}, "subject_image_list: expected at most 4 items; got 5"),
        (MANY, {"scene_image": "a street"}, "scene_image: expected an upload, an http(s) URL or raw base64"),
        (OMNI, {"prompt": ""}, "prompt: expected a value; got nothing"),
        (OMNI, {"series_amount": 10}, "series_amount: expected a whole number from 2 to 9, or 'auto'; got 10"),
        (OMNI, {"image_list": [{"image": URL}] * 11}, "image_list: expected at most 10 items; got 11"),
        (OMNI, {"resolution": "8k"}, "resolution: expected one of 1k, 2k, 4k; got '8k'"),
        (EXPAND, {"up_expansion_ratio": None}, "up_expansion_ratio: expected a value; got nothing"),
        (EXPAND, {"left_expansion_ratio": 2.1}, "left_expansion_ratio: expected a number from 0 to 2; got 2.1"),
        (
            EXPAND,
            {"up_expansion_ratio": 1, "left_expansion_ratio": 1},
            "up_expansion_ratio: expected a new area of at most 3 times the old one; got 4.62",
        ),
    ],
)
def test_a_wrong_field_is_refused_by_name(operation: str, patch: Body, message: str) -> None:
    assert message in refusal(operation, fixture(operation) | patch)


def test_a_picture_may_become_three_times_as_large_and_no_larger() -> None:
    sides = {"up_expansion_ratio": 0, "down_expansion_ratio": 0, "left_expansion_ratio": 2, "right_expansion_ratio": 0}

    assert check(EXPAND, fixture(EXPAND) | sides).warnings == ()
    assert "of at most 3 times" in refusal(EXPAND, fixture(EXPAND) | sides | {"right_expansion_ratio": 0.01})


def test_the_amount_of_a_series_is_doubtful_without_one() -> None:
    assert check(OMNI, fixture(OMNI) | {"series_amount": "auto", "result_type": "series"}).warnings == ()
    assert check(OMNI, fixture(OMNI) | {"series_amount": 2}).warnings == (
        "series_amount: documented only together with result_type 'series'",
    )
