"""Capacity units, as AWS documents them: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html"""

from typing import Any

import pytest

from benchmarks.counting import item_bytes, units


def item(size: int) -> dict[str, Any]:
    """An item of `size` bytes."""
    return {"a": {"S": "x" * (size - 1)}}


@pytest.mark.parametrize(
    ("value", "size"),
    [({"S": "é"}, 2), ({"S": ""}, 0), ({"N": "7"}, 2), ({"N": "-1795467325347"}, 8), ({"N": "1.5"}, 2)],
)
def test_an_item_is_as_large_as_its_names_and_values(value: dict[str, str], size: int) -> None:
    assert item_bytes({"name": value}) == 4 + size


@pytest.mark.parametrize(("size", "consistent", "reads"), [(1, True, 1), (4096, True, 1), (4097, True, 2), (4097, False, 1)])
def test_a_get_reads_blocks_of_four_kilobytes(size: int, *, consistent: bool, reads: float) -> None:
    assert units("GetItem", {"ConsistentRead": consistent}, {"Item": item(size)}) == ({}, reads)


def test_a_get_that_finds_nothing_is_half_a_unit_all_the_same() -> None:
    assert units("GetItem", {}, {}) == ({}, 0.5)


def test_a_query_pays_for_what_it_looks_at() -> None:
    found = {"Items": [item(1000)] * 10, "Count": 10, "ScannedCount": 100}
    assert units("Query", {}, found) == ({}, 12.5)
    assert units("Query", {}, found | {"ScannedCount": 10}) == ({}, 1.5)


def test_a_batch_pays_for_each_item_by_itself() -> None:
    assert units("BatchGetItem", {}, {"Responses": {"t": [item(10), item(5000)]}}) == ({}, 1.5)


def test_a_write_pays_for_the_table_and_for_each_index() -> None:
    used = {"Table": {"CapacityUnits": 1.0}, "GlobalSecondaryIndexes": {"due": {"CapacityUnits": 2.0}}}
    assert units("UpdateItem", {"TableName": "t"}, {"ConsumedCapacity": used}) == ({"table": 1.0, "due": 2.0}, 0.0)


def test_a_refused_condition_pays_for_the_item_that_is_there() -> None:
    refused = {"__type": "ConditionalCheckFailedException", "Item": item(1500)}
    assert units("UpdateItem", {"TableName": "t"}, refused) == ({"table": 2.0}, 0.0)


def test_other_services_have_no_units() -> None:
    assert units("PutEvents", {}, {}) == ({}, 0.0)
