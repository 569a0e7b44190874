"""Tables from files and frames: what is read, how columns are treated, and what is said about bad ones."""

from __future__ import annotations

import datetime
import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ascribe.errors import FileError, InputError
from ascribe.tables.encoder import Encoder, count_missing
from ascribe.tables.read import read
from ascribe.tables.split import split
from ascribe.tables.target import read_target

FRAME = {"rooms": [3, 4, 7], "colour": ["red", "blue", None]}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_delimiters(tmp_path: Path, delimiter: str):
    path = tmp_path / "t.csv"
    path.write_text(f"\ufeffrooms{delimiter}colour\n3{delimiter}red\n4{delimiter}\n", encoding="utf-8")
    table = read(path)
    assert table.column_names == ["rooms", "colour"]
    assert table["colour"].to_pylist() == ["red", None]


def test_csv_types_are_chosen_from_all_values(tmp_path: Path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n" + "1,2\n" * 400_000 + "1.5,?\n")
    table = read(path)
    assert table["a"].type == pa.float64()
    assert table["b"].null_count == 1


def test_other_doors(tmp_path: Path):
    pq.write_table(pa.table(FRAME), tmp_path / "named.oddly")
    with gzip.open(tmp_path / "t.csv.gz", "wt") as file:
        file.write("rooms,colour\n3,red\n4,blue\n7,\n")
    sources = [tmp_path / "named.oddly", str(tmp_path / "t.csv.gz"), pd.DataFrame(FRAME), pl.DataFrame(FRAME)]
    for source in sources:
        assert read(source).to_pydict() == FRAME


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty; name"),
        (b"a,b\n", "no rows"),
        (b"a\n1\n2\n", "one column"),
        (b"a,a\n1,2\n", "several columns called 'a'"),
        (b"a,b\n1,2\n3\n", "is no table"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "neither CSV nor Parquet"),
        (b"PAR1 and nothing else", "is no table"),
        (b"\n\n", "is no table|one column"),
    ],
)
def test_what_is_no_table(tmp_path: Path, content: bytes, says: str):
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    with pytest.raises((FileError, InputError), match=says) as caught:
        read(path)
    assert "\n" not in str(caught.value)


def test_missing_file_folder_and_wrong_type(tmp_path: Path):
    with pytest.raises(FileError, match="there is no file"):
        read(tmp_path / "none.csv")
    with pytest.raises(FileError, match="is a folder"):
        read(tmp_path)
    with pytest.raises(InputError, match="pass a path or a data frame"):
        read([1, 2])


def treated() -> pa.Table:
    rows = 40
    return pa.table(
        {
            "number": pa.array([None, float("inf"), *np.linspace(0, 1, rows - 2)]),
            "flag": pa.array([True, False] * (rows // 2)),
            "two": pa.array([5, 9] * (rows // 2)),
            "colour": pa.array(["red"] * 20 + ["blue"] * 10 + [None] * 10).dictionary_encode(),
            "many": pa.array([f"level {i % 19 if i < 38 else i}" for i in range(rows)] * 1),
            "day": pa.array([datetime.date(2020, 1, 1) + datetime.timedelta(days=i) for i in range(rows)]),
            "instant": pa.array([datetime.datetime(2020, 1, 1, 12) + datetime.timedelta(days=i) for i in range(rows)]),
            "same": pa.array(["x"] * rows),
            "nothing": pa.nulls(rows),
            "id": pa.array(range(1, rows + 1)),
            "text": pa.array([f"remark {i}" for i in range(rows)]),
            "nested": pa.array([[i] for i in range(rows)]),
        }
    )


def test_every_kind_of_column_is_treated_as_said():
    table = treated()
    encoder = Encoder.learn(table, table.column_names, np.arange(40))
    kinds = {encoding.column.name: encoding.column.kind for encoding in encoder.encodings}
    assert kinds == {
        "number": "numeric", "flag": "binary", "two": "binary", "colour": "category", "many": "category", "day": "date",
        "instant": "date", "same": "constant", "nothing": "dropped", "id": "dropped", "text": "dropped",
        "nested": "dropped",
    }  # fmt: skip
    values = dict(zip(encoder.features, encoder.encode(table).T, strict=True))
    assert values["number"][0] == values["number"][1] == pytest.approx(0.5)
    assert values["number is missing"].tolist() == [1, 1] + [0] * 38
    assert values["flag = true"].tolist() == [1, 0] * 20
    assert values["two"].tolist() == [5, 9] * 20
    assert values["colour = red"].sum() == 20
    assert values["colour = (missing)"].sum() == 10
    assert values["day"].tolist() == list(range(40))
    assert values["instant"].tolist() == [day + 0.5 for day in range(40)]
    assert sum(f.startswith("many = ") for f in encoder.features) == 21
    assert values["many = (other)"].sum() == 1
    assert np.bincount(encoder.groups).tolist() == [2, 1, 1, 3, 21, 1, 1]
    assert encoder.players == ("number", "flag", "two", "colour", "many", "day", "instant")
    assert all(encoding.treatment.endswith(".") for encoding in encoder.encodings)
    assert [count_missing(table[name]) for name in ("number", "colour", "nothing", "nested")] == [2, 10, 40, 0]
    assert encoder.encodings[0].summary(table["number"]) == "0 to 1, median 0.5"
    assert encoder.encodings[3].summary(table["colour"]) == "red 67%, blue 33%"
    assert encoder.encodings[5].summary(table["day"]) == "2020-01-01 to 2020-02-09, median 2020-01-20"


def test_unseen_values_do_not_break_the_encoding():
    table = pa.table({"colour": ["red", "blue", "red", None], "rooms": [1.0, 2.0, 3.0, None]})
    encoder = Encoder.learn(table, ["colour", "rooms"], np.arange(3))
    assert encoder.encode(table)[3].tolist() == [0.0, 2.0]


def test_the_test_rows_teach_nothing():
    table = pa.table({"a": [1.0, 2.0, 4.0, 1e9], "b": ["x", "y", "x", "z"]})
    first = Encoder.learn(table, ["a", "b"], np.arange(3))
    second = Encoder.learn(table.slice(0, 3), ["a", "b"], np.arange(3))
    assert first == second


def test_no_column_left():
    with pytest.raises(InputError, match="no column is left"):
        Encoder.learn(pa.table({"same": ["x"] * 30}), ["same"], np.arange(30))


def test_plain_takes_numbers_only():
    table = pa.table({"a": [1.0, None, 3.0], "b": ["x", "y", "z"]})
    assert Encoder.plain(table, ["a"], np.arange(3)).encode(table).tolist() == [[1.0], [2.0], [3.0]]
    with pytest.raises(InputError, match="--drop 'b'"):
        Encoder.plain(table, ["a", "b"], np.arange(3))


def test_targets():
    table = pa.table(
        {
            "price": [1.5, None, 2.5, float("nan")],
            "sold": [True, False, None, True],
            "stars": [1, 2, 3, 3],
            "x": [1] * 4,
        }
    )
    price = read_target(table, "price")
    assert (price.task, price.values.tolist(), price.rows.tolist()) == ("regression", [1.5, 2.5], [0, 2])
    assert price.notes == ("2 rows have no value of price (missing or infinite); they are left out.",)
    sold = read_target(table, "sold")
    assert (sold.classes, sold.values.tolist()) == (("false", "true"), [1, 0, 1])
    stars = read_target(table, "stars")
    assert (stars.task, stars.classes) == ("classification", ("1", "2", "3"))
    assert "--task regression" in stars.notes[0]
    assert read_target(table, "stars", "regression").values.tolist() == [1, 2, 3, 3]


@pytest.mark.parametrize(
    ("name", "task", "says"),
    [
        ("prise", None, "did you mean 'price'"),
        ("zzzzzz", None, "no column is called 'zzzzzz'. The columns are: price, name"),
        ("name", None, "10,000 classes in 10,000 rows"),
        ("price", "classification", "10,000 classes"),
        ("name", "regression", "leave out --task"),
        ("same", None, "is always 3;"),
        ("empty", None, "without any value"),
        ("day", None, "of numbers or of classes is needed"),
    ],
)
def test_bad_targets(name: str, task: str, says: str):
    rows = 10_000
    table = pa.table(
        {
            "price": np.arange(rows) / 2,
            "name": [f"n{i}" for i in range(rows)],
            "same": [3] * rows,
            "empty": pa.nulls(rows),
            "day": pa.array([datetime.date(2020, 1, 1)] * rows),
        }
    )
    with pytest.raises(InputError, match=says):
        read_target(table, name, task)


def test_split_parts_are_whole_and_seeded():
    classes = np.array([0] * 90 + [1] * 10)
    parts = split(100, 1, classes)
    together = np.concatenate([parts.training, parts.validation, parts.test])
    assert sorted(together.tolist()) == list(range(100))
    assert np.bincount(classes[parts.test]).tolist() == [18, 2]
    assert (split(100, 1, classes).test == parts.test).all()
    assert (split(100, 2, classes).test != parts.test).any()


def test_too_few_rows():
    with pytest.raises(InputError, match="has 2 rows"):
        split(2, 0)
    with pytest.raises(InputError, match="too few rows a class"):
        split(20, 0, np.arange(20) // 2)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_texts_in_any_usual_encoding(tmp_path, encoding):
    (tmp_path / "t.csv").write_text("größe,ort\n1,Köln\n2,Ulm\n", encoding=encoding)
    assert read(tmp_path / "t.csv").to_pydict() == {"größe": [1, 2], "ort": ["Köln", "Ulm"]}


def test_decimal_commas(tmp_path):
    (tmp_path / "t.csv").write_text("a;b\n1,5;x\n-2,25;y\n")
    assert read(tmp_path / "t.csv")["a"].to_pylist() == [1.5, -2.25]


def test_summaries_are_written_for_people():
    table = pa.table({"people": [3.0, 35682.0, 1166.5], "east": [-124.35, -114.31, -118.5], "sex": [1, 2, 1]})
    encoder = Encoder.learn(table, table.column_names, np.arange(3))
    said = [encoding.summary(table[encoding.column.name]) for encoding in encoder.encodings]
    assert said == ["3 to 35,682, median 1166", "−124.3 to −114.3, median −118.5", "1 in 67%, 2 in 33%"]
