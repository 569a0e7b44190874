"""kan.MultKAN: pykan's network. The native one does the work; the arguments are pykan's."""  # noqa: N999

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import jaxtyping  # whole, for the Float of this module is sympy's
import numpy as np
import torch
from jaxtyping import Shaped
from torch import Tensor

from ascribe.compat.pykan._names import names_of
from ascribe.compat.pykan._protected import protected_values
from ascribe.compat.pykan._recorded import recorded
from ascribe.compat.pykan._restructuring import Restructuring
from ascribe.compat.pykan._symbolic import SymbolicReading
from ascribe.core.arguments import checked
from ascribe.kan import network as native
from ascribe.kan.fit.history import History
from ascribe.kan.span import span
from ascribe.kan.state import files
from ascribe.kan.state.history import Versioned

Net = TypeVar("Net", bound="MultKAN")
Metrics = Sequence[Callable[[], Any]]


@checked
class MultKAN(SymbolicReading, Restructuring):
    """What pykan's programs call KAN or MultKAN.

    Versions are kept in memory; with a `ckpt_path`, and without `auto_save=False`, each is a file there too.
    Without effect are `symbolic_enabled`, `save_act` (what is not there or not asked for costs nothing), `first_init`,
    `state_id` and `round` (versions number themselves). What the native network has beside is taken by name: dtype,
    extrapolate, edge.

    >>> KAN(width=[2, 3, 1], auto_save=False).n_edge
    9
    """

    def __init__(
        self,
        width: Sequence[int | Sequence[int]],
        grid: Any = 3,
        k: Any = 3,
        mult_arity: int | Sequence[Sequence[int]] = 2,
        noise_scale: float | int = 0.3,
        scale_base_mu: float | int = 0.0,
        scale_base_sigma: float | int = 1.0,
        base_fun: str = "silu",
        symbolic_enabled: bool = True,
        affine_trainable: bool = False,
        grid_eps: float | int = 0.02,
        grid_range: Sequence[float | int] | np.ndarray = (-1, 1),
        sp_trainable: bool = True,
        sb_trainable: bool = True,
        seed: int = 1,
        save_act: bool = True,
        sparse_init: bool = False,
        auto_save: bool = True,
        first_init: bool = True,
        ckpt_path: str | os.PathLike[str] | None = None,
        state_id: int = 0,
        round: int = 0,
        device: torch.device | str = "cpu",
        **more: Any,
    ) -> None:
        super().__init__(
            width,
            grid,
            k,
            mult_arity,
            noise_scale,
            scale_base_mu,
            scale_base_sigma,
            base_fun,
            affine_trainable,
            grid_eps,
            span(grid_range, "grid_range"),
            sp_trainable,
            sb_trainable,
            seed,
            sparse_init=sparse_init,
            ckpt_path=ckpt_path if auto_save else None,
            device=device,
            **more,
        )
        self.save_act, self.symbolic_enabled = save_act, symbolic_enabled

    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        x: Shaped[Tensor, "*batch columns"],
        singularity_avoiding: bool = False,
        y_th: float | int = 10.0,
    ) -> jaxtyping.Float[Tensor, "*batch outputs"]:
        """The outputs; with `singularity_avoiding` functions are bounded by y_th near their poles."""
        if not singularity_avoiding:
            return super().forward(x)
        values = self.rows(x)
        for l, layer in enumerate(self.layers):
            held = layer.symbolic.gather(protected_values(layer.symbolic, values, y_th))
            values = self.to_nodes(l, layer.splines(values)[0] + held)
        return values.reshape(*x.shape[:-1], values.shape[1])

    def fit(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        dataset: Any,
        opt: str = "LBFGS",
        steps: int = 100,
        log: int = 1,
        lamb: float | int = 0.0,
        lamb_l1: float | int = 1.0,
        lamb_entropy: float | int = 2.0,
        lamb_coef: float | int = 0.0,
        lamb_coefdiff: float | int = 0.0,
        update_grid: bool = True,
        grid_update_num: int = 10,
        loss_fn: str | Callable[[Tensor, Tensor], Tensor] | None = None,
        lr: float | None = None,
        start_grid_update_step: int = -1,
        stop_grid_update_step: int = 50,
        batch: int = -1,
        metrics: Metrics | None = None,
        save_fig: bool = False,
        in_vars: Sequence[Any] | None = None,
        out_vars: Sequence[Any] | None = None,
        beta: float | int = 3,
        save_fig_freq: int = 1,
        img_folder: str = "./video",
        singularity_avoiding: bool = False,
        y_th: float | int = 1000.0,
        reg_metric: str = "edge_forward_spline_n",
        display_metrics: Sequence[str] | None = None,
        **more: Any,
    ) -> History:
        """Train; `results["train_loss"]` and the others are as in pykan. `lr` of None is the optimiser's own.

        With `save_fig` the network is drawn every `save_fig_freq` steps, into `img_folder`. Without effect are `log`
        and `display_metrics` (the progress bar shows all figures of every step), `singularity_avoiding` and `y_th` (a
        step that leaves a function's domain is not taken). What the native `fit` has beside is taken by name.
        """
        test = dataset.get("test_input") if isinstance(dataset, Mapping) else None
        # Before training: the version that it makes takes them along.
        self._held_out = None if test is None else torch.as_tensor(test).detach().to(next(self.parameters()))
        film = self._film(save_fig_freq, in_vars, out_vars, beta) if save_fig else None
        history = native.KAN.fit(
            self,
            dataset,
            opt,
            steps,
            lamb,
            lamb_l1,
            lamb_entropy,
            lamb_coef,
            lamb_coefdiff,
            update_grid,
            grid_update_num,
            loss_fn,
            lr,
            start_grid_update_step,
            stop_grid_update_step,
            batch,
            metrics,
            reg_metric=reg_metric,
            **({} if film is None else {"callback": film}),
            **more,
        )
        if film is not None:
            film.save_frames(img_folder)
        return replace(history, results=recorded(history.results))

    def _film(
        self, every: int, in_vars: Sequence[Any] | None, out_vars: Sequence[Any] | None, beta: float | int
    ) -> Any:
        from ascribe.plots.film import Film

        return Film(self, every=every, in_vars=in_vars, out_vars=out_vars, beta=beta)

    def reg(
        self,
        reg_metric: str,
        lamb_l1: float | int,
        lamb_entropy: float | int,
        lamb_coef: float | int = 0.0,
        lamb_coefdiff: float | int = 0.0,
    ) -> jaxtyping.Float[Tensor, ""]:
        """The penalty of `fit` on `cache_data`."""
        seen = self.activations(self.cache_data)
        return self.regularization(reg_metric, lamb_l1, lamb_entropy, lamb_coef, lamb_coefdiff, seen)

    get_reg = reg

    def speed(self, compile: bool = False) -> Any:
        """The network itself, or compiled by torch: what is not asked for costs nothing already."""
        return torch.compile(self) if compile else self

    def tree(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        x: Tensor | None = None,
        in_var: Sequence[Any] | None = None,
        style: str = "tree",
        sym_th: float | int = 1e-3,
        sep_th: float | int = 1e-1,
        skip_sep_test: bool = False,
        verbose: bool = False,
    ) -> Any:
        """The picture of how the inputs come together, as a figure."""
        from ascribe.compat.pykan.hypothesis import plot_tree

        rows = self.cache_data if x is None else x
        return plot_tree(self, rows, in_var, style, sym_th, sep_th, skip_sep_test, verbose)

    @property
    def history(self) -> Lines:
        """One line a version, oldest first; called, it prints the last k of them (or "all")."""
        return Lines(Versioned.history.fget(self))  # pyright: ignore[reportOptionalCall]

    def saveckpt(self, path: str | os.PathLike[str] = "model") -> None:
        """Write the network to `path`.safetensors: no data, and nothing that could run."""
        self.save(f"{os.fspath(path)}.safetensors")

    @staticmethod
    def loadckpt(path: str | os.PathLike[str] = "model") -> MultKAN:
        """Read what `saveckpt` wrote."""
        return files.load(MultKAN, f"{os.fspath(path)}.safetensors")

    @staticmethod
    def load(path: str | os.PathLike[str], device: torch.device | str = "cpu") -> MultKAN:
        """Read what `save` wrote."""
        return files.load(MultKAN, path, device)

    def __getstate__(self) -> dict[str, Any]:
        # A file or another process gets no data; a copy in this one does.
        return {**super().__getstate__(), "_held_out": None}

    def __deepcopy__(self: Net, memo: dict[int, Any]) -> Net:
        new = super().__deepcopy__(memo)
        new._held_out = self._held_out
        return new


@checked
class Lines(list[str]):
    """Lines that print when they are called."""

    def __call__(self, k: int | str = "all") -> None:
        print(*(self if isinstance(k, str) else self[-k:]), sep="\n")


KAN = MultKAN

__getattr__ = names_of(__name__)
