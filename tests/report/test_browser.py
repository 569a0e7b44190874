"""The report as a reader opens it: quiet, offline, without sideways scrolling, in light and in dark."""

from __future__ import annotations

import pytest

from ascribe.report.page import page

pytestmark = pytest.mark.browser

CONTRAST = """() => {
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((v) => v / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const parse = (text) => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const paper = luminance(parse(getComputedStyle(document.body).backgroundColor));
  const worst = { ratio: 99 };
  for (const node of document.querySelectorAll("p, h1, h2, h3, td, th, li, dt, dd, figcaption, summary, svg text")) {
    const style = getComputedStyle(node);
    if (!node.getClientRects().length) continue;
    const ink = luminance(parse(node.closest("svg") ? style.fill : style.color));
    const ratio = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
    if (ratio < worst.ratio) Object.assign(worst, { ratio, text: node.textContent.slice(0, 60) });
  }
  return worst;
}"""

OVERFLOWING = """() => [...document.querySelectorAll("body *")]
  .filter((n) => !n.closest(".scroll") && !n.closest("svg") && n.getBoundingClientRect().right > innerWidth + 1)
  .map((n) => n.tagName + ": " + n.textContent.slice(0, 40))"""


@pytest.fixture(scope="module")
def address(regression, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(page(regression), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(params=[(400, "light"), (400, "dark"), (1200, "light"), (1200, "dark")], ids=lambda p: f"{p[0]}-{p[1]}")
def opened(chromium, address, request):
    """The page in a window, with what it complained of and what it asked for."""
    width, scheme = request.param
    context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True)
    window = context.new_page()
    complaints, requests = [], []
    window.on("console", lambda message: complaints.append(message.text))
    window.on("pageerror", lambda error: complaints.append(str(error)))
    window.on("request", lambda request: requests.append(request.url))
    window.goto(address)
    yield window, complaints, [url for url in requests if url != address and not url.startswith("data:")]
    context.close()


def test_it_is_quiet_and_asks_for_nothing(opened):
    _, complaints, requests = opened
    assert complaints == []
    assert requests == []


def test_nothing_sticks_out_sideways(opened):
    window, _, _ = opened
    assert window.evaluate("document.documentElement.scrollWidth") <= window.viewport_size["width"]
    assert window.evaluate(OVERFLOWING) == []


def test_all_text_can_be_read_on_the_paper(opened):
    window, _, _ = opened
    worst = window.evaluate(CONTRAST)
    assert worst["ratio"] >= 4.5, worst


def test_one_variant_of_every_picture_is_shown(opened):
    window, _, _ = opened
    shown = {kind: window.locator(f"svg.{kind}:visible").count() for kind in ("wide", "narrow")}
    assert sorted(shown.values()) == [0, window.locator("svg.wide").count()]


def test_it_prints(chromium, address):
    window = chromium.new_page(color_scheme="dark")
    window.goto(address)
    assert window.pdf(format="A4")[:4] == b"%PDF"
    window.emulate_media(media="print")
    assert window.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    window.close()
