"""The files of a study, which appear whole or not at all."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ascribe.errors import FileError, need
from ascribe.report.page import page
from ascribe.report.study import Study

if TYPE_CHECKING:
    import pyarrow as pa

PAGE, VALUES, MODEL, RECIPE = "report.html", "attributions.parquet", "model.safetensors", "config.json"
FORMULAS = ("formula.txt", "formula.tex", "formula.py")


def write(study: Study, out: Path) -> None:
    """Write report.html, attributions.parquet, model.safetensors and config.json into a folder; formula.*, if any.

    They are written beside it first and moved in at the end. Other files in the folder stay, but not the formula of a
    former network where this one has none. Raises FileError.
    """
    with replacing(out, () if study.formula else FORMULAS) as folder:
        (folder / PAGE).write_text(page(study), encoding="utf-8")
        need("pyarrow.parquet", extra="table").write_table(values_table(study), folder / VALUES)
        if study.kan is not None:
            study.kan.save(folder / MODEL)
        else:
            need("safetensors.torch", extra="table").save_file(study.weights, folder / MODEL)
        # safetensors writes for the owner alone; the files belong together.
        (folder / MODEL).chmod((folder / PAGE).stat().st_mode)
        if study.formula is not None:
            texts = ("\n".join(study.formula.lines) + "\n", study.formula.latex, study.formula.python)
            for name, text in zip(FORMULAS, texts, strict=True):
                (folder / name).write_text(text, encoding="utf-8")
        (folder / RECIPE).write_text(json.dumps(study.recipe, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def check_folder(out: Path) -> None:
    """Raises FileError, before any work is done, when files could not be written there."""
    place = out.absolute()
    while not os.path.lexists(place):
        place = place.parent
    if not place.is_dir():
        raise FileError(f"{place} is a file, so no folder can be made there; choose another with --out.")
    if not os.access(place, os.W_OK | os.X_OK):
        raise FileError(f"nothing may be written in {place}; choose another folder with --out.")


@contextmanager
def replacing(out: Path, stale: Sequence[str] = ()) -> Iterator[Path]:
    """A new folder beside `out` whose files move there when the block ends well, and vanish when it does not.

    Files there of the names in `stale` are deleted then.
    """
    out = out.absolute()
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        folder = out.parent / f".{out.name}-{secrets.token_hex(4)}"
        folder.mkdir()
    except OSError as error:
        raise FileError(
            f"nothing can be written to {out}: {error.strerror}; choose another folder with --out."
        ) from error
    try:
        yield folder
        with uninterrupted():
            if out.exists():
                for file in folder.iterdir():
                    file.replace(out / file.name)
                for name in stale:
                    (out / name).unlink(missing_ok=True)
            else:
                folder.replace(out)
    except OSError as error:
        raise FileError(f"the report could not be written to {out}: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Ctrl-C does nothing while files that belong together move. Signals are the main thread's alone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def values_table(study: Study) -> pa.Table:
    """One row for each explained row: its number in the table, prediction, truth, every method's values and errors."""
    pa = need("pyarrow", extra="table")
    place = {row: position for position, row in enumerate(study.test_rows.tolist())}
    positions = [place[row] for row in study.explained_rows.tolist()]
    columns: dict[str, object] = {"row": study.explained_rows}
    for name, values in (("prediction", study.predicted), ("truth", study.true)):
        chosen = values[positions]
        columns[name] = [study.classes[code] for code in chosen] if study.classes else chosen
    for method, attribution in study.comparison.attributions.items():
        values, error = attribution.per_feature(), attribution.error_per_feature()
        for index, name in enumerate(attribution.names):
            columns[f"{method}: {name}"] = values[:, index].numpy()
            if error is not None:
                columns[f"{method}: {name} (error)"] = error[:, index].numpy()
        columns.setdefault("output", attribution.output.numpy())
        columns[f"{method}: reference"] = attribution.reference.numpy()
    return pa.table(columns)
