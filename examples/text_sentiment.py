"""Which words made a small LSTM call a review good or bad?

    python examples/text_sentiment.py --out pictures

Trains for some seconds on sentences made from templates, then explains sentences it has not seen by integrated
gradients (of the embedding, which is found by itself) and by Shapley values over the words. Writes sentiment.png and
sentiment.html, which needs nothing else.
"""

from __future__ import annotations

import argparse
import itertools
import random
from pathlib import Path

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from ascribe import Attribution, IntegratedGradients, Shapley, explain
from ascribe.plots import pages

GOOD = ("wonderful", "moving", "brilliant", "charming", "funny")
BAD = ("dull", "awful", "clumsy", "boring", "shallow")
THINGS = ("film", "plot", "cast", "music", "ending")
TEMPLATES = (
    "the {thing} was {word}",
    "i found the {thing} rather {word}",
    "what a {word} {thing} it was",
    "the {other} aside the {thing} is {word}",
)
UNSEEN = (
    "the plot was not boring and the music is wonderful",
    "i found the cast charming but the ending awful",
    "what a clumsy film it was not funny",
)
PAD = "<pad>"
LENGTH = 12


def corpus() -> list[tuple[str, int]]:
    """Sentences with 1 for a good review and 0 for a bad one; "not" turns a word round."""
    sentences: list[tuple[str, int]] = []
    for template, thing, word in itertools.product(TEMPLATES, THINGS, GOOD + BAD):
        other = THINGS[THINGS.index(thing) - 1]
        for negation in ("", "not "):
            text = template.format(thing=thing, other=other, word=negation + word)
            sentences.append((text, int((word in GOOD) != bool(negation))))
    shuffled = random.Random(0)
    # two clauses, of which the one after "but" decides
    for _ in range(400):
        (first, label), (second, other_label) = shuffled.sample(sentences[:400], 2)
        sentences.append((f"{first} {'and' if label == other_label else 'but'} {second}", other_label))
    return [(text, label) for text, label in sentences if len(text.split()) <= LENGTH]


class Reader(nn.Module):
    """Token ids (rows, tokens) to one number a row: above 0 for a good review."""

    def __init__(self, words: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words, 16)
        self.lstm = nn.LSTM(16, 32, batch_first=True)
        self.judge = nn.Linear(32, 1)

    def forward(self, ids: Tensor) -> Tensor:
        return self.judge(self.lstm(self.embedding(ids))[0][:, -1])


def encode(texts: list[str], vocabulary: dict[str, int]) -> Tensor:
    """Ids (rows, LENGTH); what comes before a short sentence is padding."""
    rows = [[PAD] * (LENGTH - len(text.split())) + text.split() for text in texts]
    return torch.tensor([[vocabulary.get(word, 0) for word in row] for row in rows])


def train(steps: int) -> tuple[Reader, dict[str, int], float]:
    """A trained reader, its vocabulary, and its accuracy on a fifth of the sentences that it was not trained on."""
    torch.manual_seed(0)
    sentences = corpus()
    random.Random(1).shuffle(sentences)
    texts, labels = [text for text, _ in sentences], torch.tensor([float(label) for _, label in sentences])
    words = sorted({word for text in (*texts, *UNSEEN) for word in text.split()})
    vocabulary = {word: number for number, word in enumerate([PAD, *words])}
    ids, split = encode(texts, vocabulary), len(texts) // 5
    reader = Reader(len(vocabulary))
    optimiser = torch.optim.Adam(reader.parameters(), 1e-2)
    for _ in range(steps):
        optimiser.zero_grad()
        loss = nn.functional.binary_cross_entropy_with_logits(reader(ids[split:])[:, 0], labels[split:])
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        right = (reader(ids[:split])[:, 0] > 0) == (labels[:split] > 0)
    return reader.eval(), vocabulary, float(right.float().mean())


def draw(found: list[Attribution], tokens: list[list[str]], out: Path) -> None:
    """A line a sentence and method; and a page with both methods."""
    figure = Figure((7.2, 0.72 * len(found) * len(tokens)), layout="constrained")
    panels = iter(figure.subplots(len(tokens) * len(found)))
    for row, words in enumerate(tokens):
        for attribution in found:
            attribution.plot.tokens(row, tokens=words, ax=next(panels))
    figure.savefig(out / "sentiment.png", dpi=120)
    body = "".join(pages.tokens(attribution, tokens).data for attribution in found)
    (out / "sentiment.html").write_text(pages.Page(body).document("Good or bad?"), encoding="utf-8")


def main(out: Path, quick: bool) -> dict[str, object]:
    reader, vocabulary, accuracy = train(60 if quick else 200)
    print(f"accuracy on sentences it was not trained on: {accuracy:.3f}")
    ids = encode(list(UNSEEN), vocabulary)
    tokens = [["·"] * (LENGTH - len(text.split())) + text.split() for text in UNSEEN]
    # both compare with a sentence of nothing but padding, id 0
    found = [explain(reader, ids, IntegratedGradients()), explain(reader, ids, Shapley())]
    out.mkdir(parents=True, exist_ok=True)
    draw(found, tokens, out)
    print(f"{out}/sentiment.png and sentiment.html")
    return {"accuracy": accuracy, "attributions": found, "tokens": tokens}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Which words made a small LSTM call a review good or bad?")
    parser.add_argument("--out", type=Path, default=Path("pictures"), help="the folder that is written")
    parser.add_argument("--quick", action="store_true", help="train for fewer steps")
    chosen = parser.parse_args()
    main(chosen.out, chosen.quick)
