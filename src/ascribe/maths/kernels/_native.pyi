"""The types of csrc/module.cpp."""

from collections.abc import Sequence

def isa() -> str: ...
def available() -> list[str]: ...
def use(isa: str) -> None: ...

Strided = tuple[int, int, int]
Coefficients = tuple[int, int, int, int]

class Layer:
    def __init__(
        self,
        twice: bool,
        sizes: tuple[int, int, int, int, int, int, int],
        x: Strided,
        knots: int,
        base: Strided,
        coef: Coefficients,
        scale: Strided,
        mask: Strided,
    ) -> None: ...

def forward(layer: Layer, y: Strided, mean: int, covariance: int, threads: int) -> None: ...
def backward(
    layer: Layer,
    gy: Strided,
    pull: Strided,
    mean: int,
    covariance: int,
    drift: int,
    centre: int,
    gx: Strided,
    to_base: Strided,
    to_coef: Coefficients,
    to_scale: Strided,
    threads: int,
) -> None: ...
def spreads(layer: Layer, covariance: int, smoothing: float, to: Strided) -> None: ...
def deviations(twice: bool, x: Strided, n: int, columns: int, mean: int, deviation: int) -> None: ...
def sparsity(
    twice: bool,
    root: Strided,
    deviation: int,
    inputs: int,
    outputs: int,
    by: tuple[float, float, float, float],
    pull: Strided,
    stiffness: Strided,
    to_deviation: int,
) -> float: ...
def design(layer: Layer, derivative: int, to: int, threads: int) -> None: ...

class Table:
    def __init__(
        self,
        sizes: tuple[int, int, int, int, int, int],
        addresses: tuple[int, int, int, int, int, int],
        arity: list[int],
    ) -> None: ...

class Network:
    def __init__(self, twice: bool, tables: list[Table], columns: list[int]) -> None: ...
    def run(self, n: int, x: Strided, y: int, threads: int) -> bool: ...

Stage = tuple[int, int, int, int, int, int, int, int, int, int, int, int, int]

class Objective32:
    def __init__(self, stages: Sequence[Stage], n: int, output: int, label: int, free: int, count: int) -> None: ...
    def evaluate(
        self,
        vector: int,
        gradient: int,
        stiffness: int,
        by: tuple[float, float, float, float],
        penalised: bool,
        threads: int,
    ) -> tuple[float, float]: ...

class Objective64:
    def __init__(self, stages: Sequence[Stage], n: int, output: int, label: int, free: int, count: int) -> None: ...
    def evaluate(
        self,
        vector: int,
        gradient: int,
        stiffness: int,
        by: tuple[float, float, float, float],
        penalised: bool,
        threads: int,
    ) -> tuple[float, float]: ...
