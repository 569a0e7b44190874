"""kan.utils: data sets with pykan's numbers for the same seed, derivatives, and small things for formulas."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, SupportsFloat

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from ascribe.compat.pykan._expressions import expression
from ascribe.compat.pykan._library import SYMBOLIC_LIB as SYMBOLIC_LIB
from ascribe.compat.pykan._library import add_symbolic as add_symbolic
from ascribe.compat.pykan._names import names_of
from ascribe.compat.pykan._protected import f_arccos as f_arccos
from ascribe.compat.pykan._protected import f_arcsin as f_arcsin
from ascribe.compat.pykan._protected import f_arctanh as f_arctanh
from ascribe.compat.pykan._protected import f_exp as f_exp
from ascribe.compat.pykan._protected import f_inv as f_inv
from ascribe.compat.pykan._protected import f_inv2 as f_inv2
from ascribe.compat.pykan._protected import f_inv3 as f_inv3
from ascribe.compat.pykan._protected import f_inv4 as f_inv4
from ascribe.compat.pykan._protected import f_inv5 as f_inv5
from ascribe.compat.pykan._protected import f_invsqrt as f_invsqrt
from ascribe.compat.pykan._protected import f_log as f_log
from ascribe.compat.pykan._protected import f_power1d5 as f_power1d5
from ascribe.compat.pykan._protected import f_sqrt as f_sqrt
from ascribe.compat.pykan._protected import f_tan as f_tan
from ascribe.core.arguments import checked
from ascribe.errors import InputError, need
from ascribe.kan.augment import augment_input as augment_input
from ascribe.kan.hypotheses.jets import hessian, jacobian
from ascribe.kan.hypotheses.parameters import parameter_derivative, parameter_vector
from ascribe.kan.layer import nearest_links
from ascribe.kan.network import KAN
from ascribe.kan.span import span
from ascribe.kan.symbolic.function import Function
from ascribe.kan.symbolic.library import LIBRARY
from ascribe.maths.affine import fit_affine

Dataset = dict[str, Tensor]
Ranges = Sequence[SupportsFloat] | Sequence[Sequence[SupportsFloat]]


@checked
def create_dataset(
    f: Callable[[Tensor], Tensor],
    n_var: int = 2,
    f_mode: str = "col",
    ranges: Ranges = (-1, 1),
    train_num: int = 1000,
    test_num: int = 1000,
    normalize_input: bool = False,
    normalize_label: bool = False,
    device: torch.device | str = "cpu",
    seed: int = 0,
) -> Dataset:
    """Uniform points in a box, labelled by f: train_input, train_label, test_input, test_label.

    f gets (rows, n_var), or with `f_mode="row"` (n_var, rows). `ranges` is one (low, high), or one a variable. The
    constants of a normalisation, taken from the training part, come as input_mean, input_std, label_mean, label_std.
    Raises InputError for another `f_mode` or ranges that do not fit.

    >>> create_dataset(lambda x: x[:, 0] ** 2, n_var=1, train_num=3)["train_label"].shape
    torch.Size([3, 1])
    """
    if f_mode not in ("col", "row"):
        raise InputError(f"f_mode={f_mode!r} is not known; pass 'col' or 'row'.")
    if n_var < 1 or train_num < 1 or test_num < 1:
        raise InputError(f"n_var={n_var}, train_num={train_num}, test_num={test_num}: pass 1 or more of each.")
    box = np.broadcast_to(np.asarray(ranges, dtype=np.float64), (n_var, 2)) if _fits(ranges, n_var) else None
    if box is None:
        raise InputError(f"ranges={ranges!r} does not fit {n_var} variables; pass (low, high), or one pair a variable.")
    # The order of the draws is pykan's: for each variable the training column, then the test column.
    generator = torch.Generator().manual_seed(seed)
    train, test = torch.zeros(train_num, n_var), torch.zeros(test_num, n_var)
    for i, (low, high) in enumerate(box.tolist()):
        train[:, i] = torch.rand(train_num, generator=generator) * (high - low) + low
        test[:, i] = torch.rand(test_num, generator=generator) * (high - low) + low
    label, test_label = (_column(f(x if f_mode == "col" else x.T)) for x in (train, test))
    made = {"train_input": train, "test_input": test, "train_label": label, "test_label": test_label}
    if normalize_input:
        made |= _normalized(made, "input")
    if normalize_label:
        made |= _normalized(made, "label")
    return {name: t.to(device) for name, t in made.items()}


@checked
def create_dataset_from_data(
    inputs: Float[Tensor, "rows columns"],
    labels: Tensor,
    train_ratio: float | int = 0.8,
    device: torch.device | str = "cpu",
    seed: int = 0,
) -> Dataset:
    """Rows split at random into a training and a test part, each in its old order.

    Raises InputError when a part would be empty.
    """
    rows = len(inputs)
    if len(labels) != rows:
        raise InputError(f"there are {rows} inputs and {len(labels)} labels; pass as many of both.")
    train = int(rows * train_ratio) if math.isfinite(train_ratio) else 0
    if not 0 < train < rows:
        raise InputError(f"train_ratio={train_ratio} leaves {train} of {rows} rows for training; pass a share between.")
    order = torch.randperm(rows, generator=torch.Generator().manual_seed(seed)).to(inputs.device)
    parts = {"train": order[:train].sort().values, "test": order[train:].sort().values}
    label = _column(labels)
    return {
        f"{part}_{name}": values[index.to(values.device)].detach().to(device)
        for part, index in parts.items()
        for name, values in (("input", inputs), ("label", label))
    }


@checked
def batch_jacobian(
    func: Callable[[Tensor], Tensor], x: Float[Tensor, "n d"], create_graph: bool = False, mode: str = "scalar"
) -> Float[Tensor, "n d"] | Float[Tensor, "n outputs d"]:
    """The gradient of the first output at every row or, with `mode="vector"`, those of all outputs.

    Raises InputError for another mode.
    """
    if mode not in ("scalar", "vector"):
        raise InputError(f"mode={mode!r} is not known; pass 'scalar' or 'vector'.")
    found = jacobian(func, x, create_graph)
    return found[:, 0] if mode == "scalar" else found


@checked
def batch_hessian(
    model: Callable[[Tensor], Tensor], x: Float[Tensor, "n d"], create_graph: bool = False
) -> Float[Tensor, "n d d"]:
    """The second derivatives of the only output at every row."""
    return hessian(model, x, create_graph)


@checked
def get_derivative(
    model: nn.Module,
    inputs: Tensor,
    labels: Tensor,
    derivative: str = "hessian",
    loss_mode: str = "pred",
    reg_metric: str = "w",
    lamb: float | int = 0.0,
    lamb_l1: float | int = 1.0,
    lamb_entropy: float | int = 0.0,
) -> Tensor:
    """The derivative of the mean squared error ("pred"), the regulariser ("reg") or their sum ("all"), a row or matrix.

    (1, parameters) or (1, parameters, parameters). `reg_metric` is one of the model's own.
    Raises InputError for another derivative or loss_mode.
    """
    if loss_mode not in ("pred", "reg", "all"):
        raise InputError(f"loss_mode={loss_mode!r} is not known; pass 'pred', 'reg' or 'all'.")

    with torch.no_grad():
        found = model(inputs)
    if found.shape != labels.shape:
        raise InputError(f"labels have shape {tuple(labels.shape)}, the outputs {tuple(found.shape)}; pass the same.")

    def loss() -> Tensor:
        error = (model(inputs) - labels).square().mean()
        if loss_mode == "pred":
            return error
        penalty = _penalty(model, inputs, reg_metric, lamb_l1, lamb_entropy)
        return penalty if loss_mode == "reg" else error + lamb * penalty

    return parameter_derivative(model, loss, derivative)[None]


def _penalty(model: Any, inputs: Tensor, reg_metric: str, lamb_l1: float | int, lamb_entropy: float | int) -> Tensor:
    if isinstance(model, KAN):
        return model.regularization(reg_metric, lamb_l1, lamb_entropy, seen=model.activations(inputs))
    return model.reg(reg_metric, lamb_l1, lamb_entropy)


@checked
def model2param(model: nn.Module) -> Float[Tensor, " parameters"]:
    """All parameters in one vector."""
    return parameter_vector(model)


@checked
def sparse_mask(in_dim: int, out_dim: int) -> Float[Tensor, "inputs outputs"]:
    """1 for the edges from an input to the nearest output and to an output from the nearest input, 0 for the others."""
    if in_dim < 1 or out_dim < 1:
        raise InputError(f"in_dim={in_dim}, out_dim={out_dim}: pass 1 or more of both.")
    return nearest_links(in_dim, out_dim).to(torch.get_default_dtype())


@checked
def ex_round(ex1: Any, n_digit: int) -> Any:
    """A sympy expression with its floats rounded to so many digits after the point.

    >>> from sympy import Symbol
    >>> ex_round(3.14159 * Symbol("x") + 2.71828, 2)
    3.14*x + 2.72
    """
    sympy, formula = need("sympy", extra="pykan"), expression(ex1, "ex1")
    return formula.xreplace({n: sympy.Float(round(float(n), n_digit)) for n in formula.atoms(sympy.Float)})


@checked
def fit_params(
    x: Float[Tensor, " n"],
    y: Float[Tensor, " n"],
    fun: Callable[[Tensor], Tensor],
    a_range: Sequence[float | int] = (-10, 10),
    b_range: Sequence[float | int] = (-10, 10),
    grid_number: int = 101,
    iteration: int = 3,
    verbose: bool = True,
    device: torch.device | str = "cpu",
) -> tuple[Float[Tensor, "4"], Float[Tensor, ""]]:
    r"""The a, b, c, d with the least $\sum (y - c f(a x + b) - d)^2$, and the coefficient of determination.

    Without effect are `grid_number` and `iteration` (the search goes on until nothing improves) and `device` (x says
    it).  Raises InputError where no a and b in range keep x inside the function's domain.
    """
    known = next((f for f in LIBRARY.values() if f.torch is fun), Function("f", fun, fun, 1))
    if x.ndim != 1 or x.shape != y.shape:
        raise InputError(f"x has shape {tuple(x.shape)} and y {tuple(y.shape)}; pass two rows of as many numbers.")
    found = fit_affine(x[None], y[None], [known], span(a_range, "a_range"), span(b_range, "b_range"))
    affine, r2 = found.affine[0, 0].to(x), found.r2[0, 0].to(x)
    if not bool(affine.isfinite().all()):
        raise InputError(f"no a and b in {a_range} and {b_range} keep a x + b where the function has values.")
    if verbose:
        print(f"r2 is {float(r2)}")
        if r2 < 0.9:
            print("r2 is low: it may be another function.")
    return affine, r2


def _fits(ranges: Ranges, n_var: int) -> bool:
    return np.asarray(ranges).shape in ((2,), (n_var, 2))


def _column(label: Tensor) -> Tensor:
    return label[:, None] if label.ndim == 1 else label


def _normalized(made: Dataset, name: str) -> Dataset:
    train, test = made[f"train_{name}"], made[f"test_{name}"]
    mean, std = train.mean(0, keepdim=True), train.std(0, keepdim=True)
    return {
        f"train_{name}": (train - mean) / std,
        f"test_{name}": (test - mean) / std,
        f"{name}_mean": mean,
        f"{name}_std": std,
    }


__getattr__ = names_of(__name__)
