"""A KAN convolution is nn.Conv2d with functions for numbers, in memory that is bounded."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from ascribe.errors import InputError
from ascribe.kan import KANConv2d, conv
from ascribe.maths.families import FAMILIES

float64 = torch.float64


@st.composite
def geometries(draw):
    """Arguments of nn.Conv2d that fit an image of 7 x 8."""
    groups = draw(st.sampled_from([1, 1, 2]))
    stride = draw(st.sampled_from([1, 2, (2, 1), (1, 3)]))
    padding = draw(st.sampled_from([0, 1, (2, 0), "valid"] + ["same"] * (stride == 1)))
    return {
        "in_channels": groups * draw(st.integers(1, 2)),
        "out_channels": groups * draw(st.integers(1, 3)),
        "kernel_size": draw(st.sampled_from([1, 2, 3, (3, 2), (1, 3)])),
        "stride": stride,
        "padding": padding,
        "dilation": draw(st.sampled_from([1, 2, (1, 2)])),
        "groups": groups,
        "padding_mode": draw(st.sampled_from(["zeros", "reflect", "replicate", "circular"])),
    }


def images(n: int, channels: int, dtype=float64) -> torch.Tensor:
    return torch.randn(n, channels, 7, 8, dtype=dtype, generator=torch.Generator().manual_seed(0))


@given(geometry=geometries(), n=st.integers(0, 3))
def test_with_straight_edges_it_is_torchs(geometry, n):
    layer = KANConv2d(**geometry, base_fun="identity", noise_scale=0.0, dtype=float64)
    twin = nn.Conv2d(**geometry, bias=False, dtype=float64)
    with torch.no_grad():
        weights = [group.scale_base.T.reshape(-1, *twin.weight.shape[1:]) for group in layer.layers]
        twin.weight.copy_(torch.cat(weights))
    x = images(n, geometry["in_channels"])
    torch.testing.assert_close(layer(x), twin(x))


@given(geometry=geometries(), edge=st.sampled_from(["bspline", *FAMILIES]))
def test_every_output_is_its_layer_at_its_patch(geometry, edge):
    layer = KANConv2d(**geometry, noise_scale=2.0, edge=edge, dtype=float64)
    twin = nn.Conv2d(**geometry, dtype=float64)
    x = images(2, geometry["in_channels"])
    y = layer(x)
    assert y.shape == twin(x).shape
    mode = "constant" if geometry["padding_mode"] == "zeros" else geometry["padding_mode"]
    padded = nn.functional.pad(x, twin._reversed_padding_repeated_twice, mode=mode)
    channels, outputs = geometry["in_channels"] // layer.groups, geometry["out_channels"] // layer.groups
    for g, group in enumerate(layer.layers):
        for high, wide in ((0, 0), (y.shape[2] - 1, y.shape[3] - 1)):
            patch = [
                padded[:, c, high * twin.stride[0] + p * twin.dilation[0], wide * twin.stride[1] + q * twin.dilation[1]]
                for c in range(g * channels, (g + 1) * channels)
                for p in range(twin.kernel_size[0])
                for q in range(twin.kernel_size[1])
            ]
            expected = group(torch.stack(patch, 1))
            torch.testing.assert_close(y[:, g * outputs : (g + 1) * outputs, high, wide], expected)


@pytest.mark.parametrize("most", [1, 60, 500, 3000])
def test_pieces_change_nothing_and_hold_what_they_may(most, monkeypatch):
    layer = KANConv2d(4, 6, (3, 2), stride=(2, 1), padding=1, groups=2, noise_scale=2.0, dtype=float64)
    x = images(5, 4).requires_grad_()
    whole = layer(x)
    expected = torch.autograd.grad(whole.square().sum(), [x, *layer.parameters()])
    laid: list[int] = []

    def counting(*arguments, **settings):
        patches = nn.functional.unfold(*arguments, **settings)
        laid.append(patches.numel())
        return patches

    monkeypatch.setattr(conv, "unfold", counting)
    monkeypatch.setattr(conv, "_PATCHES", most)
    y = layer(x)
    found = torch.autograd.grad(y.square().sum(), [x, *layer.parameters()])
    with torch.no_grad():
        torch.testing.assert_close(layer(x), whole)
    torch.testing.assert_close(y, whole)
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b)
    a_row = 4 * 3 * 2 * whole.shape[3]
    assert max(laid) <= max(most, a_row)


def test_derivatives_of_derivatives_also_by_pieces(monkeypatch):
    layer = KANConv2d(1, 1, 2, noise_scale=2.0, dtype=float64)
    x = torch.randn(1, 1, 3, 3, dtype=float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    assert torch.autograd.gradcheck(layer, [x])
    assert torch.autograd.gradgradcheck(layer, [x])
    monkeypatch.setattr(conv, "_PATCHES", 1)
    assert torch.autograd.gradcheck(layer, [x])


def test_one_image_maps_and_low_precision():
    layer = KANConv2d(2, 3, 3)
    x = images(4, 2, torch.float32)
    y = layer(x)
    torch.testing.assert_close(layer(x[1]), y[1])
    torch.testing.assert_close(torch.func.vmap(layer)(x), y)
    half = layer.to(torch.bfloat16)(x.to(torch.bfloat16))
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), y, atol=0.1, rtol=0.1)


def test_patches_are_what_the_layers_are_given():
    layer = KANConv2d(4, 2, 3, padding=1, groups=2, noise_scale=2.0)
    x = images(3, 4, torch.float32)
    parts = layer.patches(x)
    assert [p.shape for p in parts] == [(3, 56, 18)] * 2
    y = torch.cat([group(p) for group, p in zip(layer.layers, parts, strict=True)], 2)
    torch.testing.assert_close(layer(x), y.mT.reshape(3, 2, 7, 8))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"groups": 3}, "4 channels in and 6 out do not divide into groups=3"),
        ({"groups": 0}, "groups=0"),
        ({"kernel_size": (3, 3, 3)}, r"kernel_size=\(3, 3, 3\) is no size"),
        ({"stride": 0}, "stride=0 is no size"),
        ({"padding": "full"}, "padding='full' is not known"),
        ({"padding": "same", "stride": 2}, "stride of 1"),
        ({"padding_mode": "mirror"}, "padding_mode='mirror'"),
        ({"edge": "spline"}, "edge='spline'"),
        ({"kernel_size": "3"}, "kernel_size='3', but KANConv2d takes a whole number or a list of whole numbers"),
        ({"groups": True}, "groups=True, but KANConv2d takes a whole number"),
        ({"device": "cuda:99"}, "device='cuda:99', but KANConv2d takes a device that is here"),
        ({"dtype": "float32"}, "dtype='float32', but KANConv2d takes a dtype"),
    ],
)
def test_wrong_settings_are_sentences(settings, message):
    with pytest.raises(InputError, match=message):
        KANConv2d(**({"in_channels": 4, "out_channels": 6, "kernel_size": 3} | settings))


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.zeros(2, 3, 7, 8), r"shape \(2, 3, 7, 8\).*\(N, 2, height, width\)"),
        (torch.zeros(2, 8), r"shape \(2, 8\)"),
        (torch.zeros(2, 7, 8, dtype=torch.int64), "torch.int64"),
        (torch.zeros(2, 2, 2, 8), "reaches over 3 x 3 does not fit into 2 x 8"),
    ],
)
def test_wrong_inputs_are_sentences(x, message):
    with pytest.raises(InputError, match=message):
        KANConv2d(2, 3, 3)(x)


@pytest.mark.parametrize(("mode", "most"), [("reflect", 6), ("circular", 7)])
def test_padding_wider_than_the_image_is_a_sentence(mode, most):
    x = torch.zeros(1, 2, 7, 9)
    assert KANConv2d(2, 1, 1, padding=most, padding_mode=mode)(x).shape == (1, 1, 7 + 2 * most, 9 + 2 * most)
    with pytest.raises(InputError, match="wider than what padding_mode"):
        KANConv2d(2, 1, 1, padding=(most + 1, 0), padding_mode=mode)(x)


# What checks shapes in tests is no graph: the compiler sees the package as users have it.
_COMPILED = """
import torch
from ascribe.kan import KANConv2d

torch.manual_seed(0)
layer = KANConv2d(2, 4, 3, stride=2, padding=1, groups=2)
compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
x = torch.randn(3, 2, 9, 8)
gradients = []
for function in (layer, compiled):
    y = function(x)
    layer.zero_grad()
    y.square().sum().backward()
    gradients.append((y.detach(), *(p.grad.clone() for p in layer.parameters())))
for found, expected in zip(*gradients, strict=True):
    torch.testing.assert_close(found, expected)
print("compiled")
"""


def test_compiles_into_one_graph():
    ran = subprocess.run([sys.executable, "-c", _COMPILED], capture_output=True, text=True, timeout=250)
    assert ran.stdout == "compiled\n", ran.stderr


@pytest.mark.filterwarnings("ignore:.isinstance.treespec, LeafSpec:FutureWarning")  # torch's own
def test_exports_and_onnx_gives_the_same():
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    layer = KANConv2d(2, 4, 3, stride=2, padding=1, groups=2, edge="chebyshev").eval()
    x = images(3, 2, torch.float32)
    n = torch.export.Dim("n", min=1)
    program = torch.export.export(layer, (x,), dynamic_shapes=({0: n},))
    torch.testing.assert_close(program.module()(x[:2]), layer(x[:2]))
    program = torch.onnx.export(layer, (x,), dynamo=True, dynamic_shapes=({0: n},), verbose=False)
    session = onnxruntime.InferenceSession(program.model_proto.SerializeToString(), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {session.get_inputs()[0].name: x[:2].numpy()})
    torch.testing.assert_close(torch.from_numpy(found), layer(x[:2]).detach(), atol=1e-5, rtol=1e-5)
