"""What a notebook shows of an attribution."""

from __future__ import annotations

from html import escape

from ascribe.core.record import Record

_SHOWN = 12


def attribution_html(a: Record) -> str:
    """The strongest features with a bar each, and the figures of trust; text is escaped."""
    strength = a.per_feature().abs().flatten(0, -2).double().mean(0)
    top = strength.topk(min(_SHOWN, len(strength)))
    largest = max(float(top.values.max()), 1e-300)
    lines = "".join(
        f"<tr><td style='text-align:left'>{escape(a.columns[i])}</td><td>{value:.4g}</td><td style='text-align:left'>"
        f"<div style='background:#4c78a8;height:.8em;width:{200 * value / largest:.0f}px'></div></td></tr>"
        for i, value in zip(top.indices.tolist(), top.values.tolist(), strict=True)
    )
    more = f"<p>and {len(strength) - _SHOWN} more</p>" if len(strength) > _SHOWN else ""
    return (
        "<table><thead><tr><th style='text-align:left'>feature</th><th>mean |value|</th><th></th></tr></thead>"
        f"<tbody>{lines}</tbody></table>{more}<p><code>{escape(repr(a))}</code></p>"
    )
