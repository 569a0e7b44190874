"""Where does a ResNet-18 look on the picture of a cat? Four methods, as overlays.

    python examples/image_cat.py --weights resnet18.safetensors --out pictures

The cat is scikit-image's (`pip install scikit-image`). The weights are a .safetensors file, or a state dict that
torch.save wrote; without them the network is random, and so are its reasons: that shows the pictures, not a cat.
Writes a PNG a method, one with all of them, and cat.html, which needs nothing else.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import skimage
import torch
from matplotlib.figure import Figure
from resnet18 import resnet18
from skimage.segmentation import slic
from torch import Tensor, nn

from ascribe import Ablation, Attribution, GradCAM, IntegratedGradients, Occlusion, explain
from ascribe.plots import pages

# What the shared weights were trained with.
MEAN, SPREAD = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])


def cat(side: int) -> np.ndarray:
    """The cat's head as (side, side, 3), from 0 to 1."""
    return skimage.transform.resize(skimage.data.chelsea()[:, 75:375], (side, side), anti_aliasing=True)


def attributions(net: nn.Module, x: Tensor, segments: np.ndarray) -> dict[str, Attribution]:
    """The predicted class, explained by pixels, by a layer, by windows, and by superpixels."""
    window = x.shape[-1] // 8
    # all are compared with 0, the mean colour
    return {
        "pixels": explain(net, x, IntegratedGradients(), target="predicted"),
        "layer": explain(net, x, GradCAM(), target="predicted", at="layer4"),
        "windows": explain(net, x, Occlusion((window, window), window // 2), target="predicted"),
        "superpixels": explain(net, x, Ablation(), target="predicted", groups=segments),
    }


def draw(found: dict[str, Attribution], image: np.ndarray, segments: np.ndarray, out: Path) -> None:
    """Every overlay by itself, and all in one picture with the image in front."""
    whole = Figure((3.1 * (len(found) + 1), 3.6), layout="constrained")
    first, *others = whole.subplots(1, len(found) + 1)
    first.imshow(image)
    first.set_axis_off()
    for ax, (name, attribution) in zip(others, found.items(), strict=True):
        # single pixels are thin: more of them than usual get the full colour
        outliers = 20 if name == "pixels" else 2
        knobs = {"original": image, "segments": segments if name == "superpixels" else None, "outliers": outliers}
        attribution.plot.image(ax=ax, **knobs)
        attribution.plot.image(**knobs).figure.savefig(out / f"cat_{name}.png", dpi=150)
    whole.savefig(out / "cat.png", dpi=110)
    page = pages.image(found["pixels"]).document("Why is it a cat?")
    (out / "cat.html").write_text(page, encoding="utf-8")


def main(weights: Path | None, out: Path, quick: bool) -> dict[str, Attribution]:
    torch.manual_seed(0)
    side = 96 if quick else 224
    net = resnet18(weights, width=16 if quick and weights is None else 64)
    image = cat(side)
    x = ((torch.from_numpy(image).float() - MEAN) / SPREAD).permute(2, 0, 1)[None]
    segments = slic(image, n_segments=24 if quick else 60, compactness=12, start_label=0)
    found = attributions(net, x, segments)
    out.mkdir(parents=True, exist_ok=True)
    draw(found, image, segments, out)
    predicted = int(net(x).argmax())
    print(f"class {predicted}: {out}/cat.png, cat.html and a picture for each of {', '.join(found)}")
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Where does a ResNet-18 look on the picture of a cat?")
    parser.add_argument("--weights", type=Path, help="a .safetensors file or a state dict; random without")
    parser.add_argument("--out", type=Path, default=Path("pictures"), help="the folder that is written")
    parser.add_argument("--quick", action="store_true", help="a small image, and a narrow network where it is random")
    chosen = parser.parse_args()
    main(chosen.weights, chosen.out, chosen.quick)
