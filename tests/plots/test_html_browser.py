"""The network's page as a reader uses it: by pointer, by keyboard, by touch, in light and in dark, offline."""

from __future__ import annotations

import pytest
import torch

from ascribe.kan import KAN

pytestmark = pytest.mark.browser

CONTRAST = """() => {
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((v) => v / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const worst = { ratio: 99 };
  for (const node of document.querySelectorAll("h1, h2, p, td, th, label, svg text, .legend span")) {
    const clear = (part) => (parse(getComputedStyle(part).backgroundColor)[3] ?? 1) === 0;
    let behind = node;
    while (behind !== document.body && clear(behind)) behind = behind.parentElement;
    const paper = luminance(parse(getComputedStyle(behind).backgroundColor).slice(0, 3));
    const style = getComputedStyle(node);
    const ink = luminance(parse(node.closest("svg") ? style.fill : style.color).slice(0, 3));
    const ratio = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
    if (ratio < worst.ratio) Object.assign(worst, { ratio, text: node.textContent.slice(0, 60) });
  }
  return worst;
}"""


@pytest.fixture(scope="module")
def document():
    kan = KAN([2, [1, 1], 1], seed=1, noise_scale=1.0)
    kan.remember(2 * torch.rand(60, 2, generator=torch.Generator().manual_seed(0)) - 1)
    kan.fix(0, 0, 0, "sin", [2.0, 0.5, 1.5, 0.0])
    kan.layers[0].symbolic.put(0, 1, "x^2", torch.tensor([1.0, 0.0, 1.0, 0.0]))
    return kan.plot.html(in_vars=["<img src=x onerror=alert(1)>", "$x_{2}$"])


@pytest.fixture(params=[(400, "light"), (1200, "dark")], ids=lambda p: f"{p[0]}-{p[1]}")
def window(chromium, document, request, tmp_path):
    width, scheme = request.param
    path = document.save(tmp_path / "kan.html")
    context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True)
    window = context.new_page()
    complaints, requests = [], []
    window.on("console", lambda message: complaints.append(message.text))
    window.on("pageerror", lambda error: complaints.append(str(error)))
    window.on("dialog", lambda dialog: complaints.append(dialog.message))
    window.on("request", lambda request: requests.append(request.url))
    window.goto(path.as_uri())
    yield window
    assert complaints == []
    assert requests == [path.as_uri()]
    context.close()


def panel(window):
    return window.locator("#panel").inner_text()


def edge(window, *at):
    """The id of the edge (l, i, j)."""
    data = window.evaluate("JSON.parse(document.getElementById('data').textContent).edges.map((edge) => edge.at)")
    return f"#e{data.index(list(at))}"


def test_pointing_at_an_edge_shows_its_curve_scores_and_formula(window):
    window.locator(edge(window, 0, 0, 0)).hover()
    says = panel(window)
    assert "1.5·sin(2·<img src=x onerror=alert(1)> + 0.5)" in says
    assert "(0, 0, 0)" in says
    assert all(f"{name}\t" in says for name in ("backward", "forward_n", "forward_u"))
    assert window.locator("#panel path.big").get_attribute("d").startswith("M")
    assert window.locator("#panel circle.point").count() > 20
    # on the curve, inside its frame
    assert window.evaluate("""() => [...document.querySelectorAll('#panel circle')].every((point) =>
        point.cx.baseVal.value >= 45 && point.cy.baseVal.value >= 7 && point.cy.baseVal.value <= 179)""")


def test_pointing_at_a_node_shows_what_it_computes(window):
    window.locator("#n3 .sign").last.hover()
    assert "product of 2" in panel(window)
    assert "h1,2 = (" in panel(window)
    assert window.locator(".e.on").count() == 5


def test_a_click_holds_on_and_escape_lets_go(window):
    window.locator(edge(window, 0, 0, 0)).click()
    window.locator(edge(window, 1, 0, 0)).hover()
    assert "(0, 0, 0)" in panel(window)
    window.keyboard.press("Escape")
    assert "Point at an edge" in panel(window)


def test_all_of_it_is_reached_by_keyboard(window):
    window.locator("#beta").focus()
    window.keyboard.press("Tab")
    assert window.evaluate("document.activeElement.id") == "n0"
    assert "Input 1 of 2" in panel(window)
    seen = set()
    for key in ["ArrowUp", "ArrowUp", "ArrowUp", "ArrowUp", "ArrowDown", *["ArrowLeft"] * 2, *["ArrowRight"] * 2]:
        window.keyboard.press(key)
        seen.add(window.evaluate("document.activeElement.id"))
    assert {"n4"} < seen
    assert {place[0] for place in seen} == {"e", "n"}
    window.keyboard.press("ArrowDown")
    for _ in range(9):
        window.keyboard.press("ArrowLeft")
    first = window.evaluate("document.activeElement.id")
    for _ in range(9):
        window.keyboard.press("ArrowRight")
    assert window.evaluate("document.activeElement.id") != first
    assert window.locator("#network [tabindex='0']").count() == 1


def test_opacity_follows_the_chosen_metric_and_beta(window):
    def seen():
        return window.evaluate("""() => {
          const { edges } = JSON.parse(document.getElementById('data').textContent);
          const read = (id) => Number(document.getElementById(id).style.getPropertyValue('--o'));
          return edges.map((edge, n) => [edge.scores, read('e' + n), read('l' + n)]);
        }""")

    for metric, beta in [(0, 3.0), (2, 3.0), (1, 0.5)]:
        window.locator("#metric").select_option(str(metric))
        window.locator("#beta").fill(str(beta))
        for scores, thumbnail, line in seen():
            expected = max(torch.tanh(torch.tensor(beta * scores[metric])).item(), 0.06)
            assert thumbnail == line == pytest.approx(expected, abs=6e-4)


def test_nothing_sticks_out_and_all_can_be_read(window):
    window.locator(edge(window, 0, 0, 1)).hover()
    assert window.evaluate("document.documentElement.scrollWidth") <= window.viewport_size["width"]
    worst = window.evaluate(CONTRAST)
    assert worst["ratio"] >= 4.5, worst


def test_a_notebook_s_frame_works_and_stays_inside(chromium, document):
    window = chromium.new_page(viewport={"width": 1000, "height": 900})
    window.set_content(f"<p>a notebook</p>{document._repr_html_()}")
    frame = window.frames[1]
    frame.locator("#e0").hover()
    assert "edge" in frame.locator("#panel").inner_text()
    # nothing of it has to be scrolled to
    assert frame.evaluate("document.documentElement.scrollHeight") <= document.height + 1
    assert window.evaluate("getComputedStyle(document.querySelector('p')).fontSize") == "16px"
    window.close()
