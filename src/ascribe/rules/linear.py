"""Functions that autograd carries exactly, and those that are so only while the network does not train."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import final

from ascribe.rules.calls import Call, operation
from ascribe.rules.parts import centred
from ascribe.rules.rule import LINEAR, Rule

SUMS = "add sub subtract radd rsub neg negative positive sum mean cumsum trace diff"
SHAPES = """
    view reshape view_as reshape_as flatten unflatten ravel permute transpose swapaxes swapdims movedim moveaxis t T mT
    H mH adjoint squeeze unsqueeze expand expand_as broadcast_to broadcast_tensors atleast_1d atleast_2d atleast_3d
    contiguous clone alias to to_copy lift_fresh_copy type type_as float double half bfloat16 cpu cuda
    real imag view_as_real view_as_complex
"""
PLACES = """
    cat concat concatenate stack hstack vstack dstack column_stack row_stack split split_with_sizes unsafe_split chunk
    tensor_split hsplit vsplit dsplit unbind getitem setitem select slice narrow index index_select gather take
    take_along_dim masked_select masked_fill masked_scatter where repeat repeat_interleave tile flip fliplr flipud roll
    rot90 diagonal diag diag_embed tril triu unfold fold as_strided pad constant_pad_nd pixel_shuffle pixel_unshuffle
    channel_shuffle index_add index_copy index_fill index_put scatter_add select_scatter slice_scatter
    diagonal_scatter copy fill zero meshgrid embedding im2col col2im
"""
FILTERS = """
    avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d interpolate upsample
    upsample_nearest upsample_bilinear fft_fft fft_ifft fft_rfft fft_irfft fft_fft2 fft_ifft2 fft_rfft2 fft_irfft2
    fft_fftn fft_ifftn fft_rfftn fft_irfftn fft_fftshift fft_ifftshift
"""
DROPOUTS = "dropout dropout1d dropout2d dropout3d alpha_dropout feature_alpha_dropout"


@final
@dataclass(frozen=True)
class OnlyFirst(Rule):
    """A function that is affine in its first argument, the others constant."""

    rule: Rule = LINEAR

    def at(self, call: Call) -> Rule:
        if len(call.inputs) > 1 or not call.depends[0]:
            raise call.refuse("more than its first argument depends on the input", "write it with sums and products")
        return self.rule


@final
@dataclass(frozen=True)
class Unless(Rule):
    """A function that is affine unless an argument is set: batch norm with stored statistics, dropout that is off."""

    name: str
    position: int
    why: str
    instead: str
    default: bool = False
    rule: Rule = field(default_factory=OnlyFirst)

    def at(self, call: Call) -> Rule:
        if call.argument(self.position, self.name, self.default):
            raise call.refuse(self.why, self.instead)
        return self.rule.at(call)


_RANDOM = ("it is in training mode, so its values are random", "call model.eval() first")
_COUPLED = ("it is in training mode, so each row depends on the others", "call model.eval() first")

RULES: dict[str, Rule] = {
    operation(centred).name: LINEAR,
    **{name: LINEAR for names in (SUMS, SHAPES, PLACES, FILTERS) for name in names.split()},
    **{name: Unless("training", 2, *_RANDOM, default=True) for name in DROPOUTS.split()},
    "feature_dropout": Unless("train", 2, *_RANDOM, default=True),
    "batch_norm": Unless("training", 5, *_COUPLED),
    "native_batch_norm_legit_no_training": OnlyFirst(),
    "grid_sample": OnlyFirst(),
    "grid_sampler": OnlyFirst(),
    "scatter": Unless("reduce", 4, "it multiplies or adds", "use scatter_add or a product", rule=LINEAR),
}
