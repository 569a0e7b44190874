"""What a notebook shows of an attribution."""

from __future__ import annotations

from html import escape

from ascribe.core.drawing import fitting_page
from ascribe.core.record import Record

_SHOWN = 12


def attribution_html(a: Record) -> str:
    """A picture where one fits (images, texts), else the strongest features; then the figures of trust, all escaped."""
    return f"{fitting_page(a) or _strongest(a)}<p><code>{escape(repr(a))}</code></p>"


def _strongest(a: Record) -> str:
    """The strongest features with a bar each."""
    strength = a.per_feature().abs().flatten(0, -2).double().mean(0)
    top = strength.topk(min(_SHOWN, len(strength)))
    largest = max(float(top.values.max()), 1e-300)
    lines = "".join(
        f"<tr><td style='text-align:left'>{escape(a.columns[int(i)])}</td><td>{value:.4g}</td>"
        "<td style='text-align:left'>"
        f"<div style='background:#4c78a8;height:.8em;width:{200 * value / largest:.0f}px'></div></td></tr>"
        for i, value in zip(top.indices.tolist(), top.values.tolist(), strict=True)
    )
    more = f"<p>and {len(strength) - _SHOWN} more</p>" if len(strength) > _SHOWN else ""
    return (
        "<table><thead><tr><th style='text-align:left'>feature</th><th>mean |value|</th><th></th></tr></thead>"
        f"<tbody>{lines}</tbody></table>{more}"
    )
