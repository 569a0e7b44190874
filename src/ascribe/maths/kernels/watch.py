"""Who looks on while an operation runs: then it must be an operation of torch's, not a function on plain memory."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd import forward_ad

_PLAIN = (Tensor, torch.nn.Parameter, torch.nn.Buffer)


def watched(*tensors: Tensor) -> bool:
    """Whether torch compiles, exports, traces or records operations, or the tensors hold no numbers to look at."""
    if torch.compiler.is_compiling() or torch._C._is_tracing():
        return True
    return torch._C._len_torch_dispatch_stack() > 0 or any(type(t) not in _PLAIN for t in tensors)


def transformed(*tensors: Tensor) -> bool:
    """Whether derivatives forward, or maps over tensors, are under way; `is_grads_batched` maps tensors unseen."""
    if torch._C._are_functorch_transforms_active() or forward_ad._current_level >= 0:
        return True
    return any(torch._C._functorch.is_legacy_batchedtensor(t) for t in tensors)  # pyright: ignore[reportAttributeAccessIssue]


def to_onnx() -> bool:
    """Whether torch is exporting to ONNX, which knows torch's own operations alone."""
    return torch.compiler.is_exporting() and torch.onnx.is_in_onnx_export()
