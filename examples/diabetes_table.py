"""Writes scikit-learn's bundled diabetes data as a CSV with its columns' full names and units as measured.

442 people: ten measurements at the start, and how far the disease had gone a year later (Efron et al. 2004).

    python examples/diabetes_table.py diabetes.csv
    ascribe explain diabetes.csv --target progression
"""

from __future__ import annotations

import sys
from pathlib import Path

from sklearn.datasets import load_diabetes

NAMES = {
    "age": "age",
    "sex": "sex",
    "bmi": "body mass index",
    "bp": "blood pressure",
    "s1": "total cholesterol",
    "s2": "LDL",
    "s3": "HDL",
    "s4": "cholesterol to HDL",
    "s5": "log triglycerides",
    "s6": "blood sugar",
    "target": "progression",
}


def main(path: Path) -> None:
    frame = load_diabetes(as_frame=True, scaled=False).frame.rename(columns=NAMES)
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_csv(path, index=False)
    print(f"{path}: {len(frame)} rows, {len(frame.columns)} columns")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "diabetes.csv"))
