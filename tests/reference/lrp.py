"""The LRP rules of one dense layer, pair by pair as the papers write them, in float64."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Share = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]  # x, weight (out, in), bias, relevance of outputs


def _by_pairs(numerator: Callable[[int, int], float], denominator: Callable[[int], float], relevance: Tensor, n: int):
    inputs = torch.zeros(n, dtype=torch.float64)
    for j, part in enumerate(relevance.tolist()):
        below = denominator(j)
        for i in range(n):
            inputs[i] += numerator(i, j) / below * part if below != 0 else 0.0
    return inputs


def _sign(value: float) -> float:
    return -1.0 if value < 0 else 1.0


def epsilon(eps: float, how: str = "absorbs") -> Share:
    """Bach et al. (2015), eq. 58; with "shared" Arras et al. (2017): bias and eps are split over the inputs."""

    def share(x: Tensor, w: Tensor, b: Tensor, relevance: Tensor) -> Tensor:
        def total(j: int) -> float:
            z = float((x * w[j]).sum()) + (0.0 if how == "ignored" else float(b[j]))
            return z + eps * _sign(z)

        def part(i: int, j: int) -> float:
            own = float(x[i] * w[j, i])
            if how != "shared":
                return own
            return own + (total(j) - float((x * w[j]).sum())) / len(x)

        return _by_pairs(part, total, relevance, len(x))

    return share


def gamma(g: float, how: str = "absorbs") -> Share:
    """Montavon et al. (2019), the gamma rule, the bias as the weight of an input that is 1."""

    def share(x: Tensor, w: Tensor, b: Tensor, relevance: Tensor) -> Tensor:
        raised, bias = w + g * w.clamp(min=0), b if how == "kept" else b + g * b.clamp(min=0)
        return epsilon(0.0)(x, raised, bias, relevance)

    return share


def alpha_beta(alpha: float, beta: float) -> Share:
    """Bach et al. (2015), eq. 60: what is positive and what is negative of every product, each with its sum."""

    def share(x: Tensor, w: Tensor, b: Tensor, relevance: Tensor) -> Tensor:
        def part(sign: int) -> Tensor:
            def own(i: int, j: int) -> float:
                product = float(x[i] * w[j, i])
                return product if product * sign > 0 else 0.0

            def total(j: int) -> float:
                bias = float(b[j]) if float(b[j]) * sign > 0 else 0.0
                return sum(own(i, j) for i in range(len(x))) + bias

            return _by_pairs(own, total, relevance, len(x))

        return alpha * part(1) - beta * part(-1)

    return share


def z_plus() -> Share:
    """Montavon et al. (2017), the z-plus rule."""
    return lambda x, w, b, relevance: epsilon(0.0)(x, w.clamp(min=0), torch.zeros_like(b), relevance)


def z_box(low: float, high: float) -> Share:
    """Montavon et al. (2017), the z-B rule."""

    def share(x: Tensor, w: Tensor, b: Tensor, relevance: Tensor) -> Tensor:
        def part(i: int, j: int) -> float:
            weight = float(w[j, i])
            return float(x[i]) * weight - low * max(weight, 0.0) - high * min(weight, 0.0)

        return _by_pairs(part, lambda j: sum(part(i, j) for i in range(len(x))), relevance, len(x))

    return share


def w_square() -> Share:
    """Montavon et al. (2017), the w-square rule."""

    def share(x: Tensor, w: Tensor, b: Tensor, relevance: Tensor) -> Tensor:
        return _by_pairs(lambda i, j: float(w[j, i] ** 2), lambda j: float((w[j] ** 2).sum()), relevance, len(x))

    return share


def flat() -> Share:
    """Lapuschkin et al. (2019): all inputs alike."""
    return lambda x, w, b, relevance: _by_pairs(lambda i, j: 1.0, lambda j: float(len(x)), relevance, len(x))


def lrp(weights: Sequence[Tensor], biases: Sequence[Tensor], shares: Sequence[Share], x: Tensor) -> Tensor:
    """Relevance of one input vector for the single output of `W_n relu(... relu(W_1 x + b_1) ...) + b_n`."""
    values = [x.double()]
    for weight, bias in zip(weights, biases, strict=True):
        values.append(weight.double() @ values[-1].clamp(min=0 if len(values) > 1 else -torch.inf) + bias.double())
    relevance = values[-1]
    for k in reversed(range(len(weights))):
        entered = values[k].clamp(min=0) if k else values[0]
        relevance = shares[k](entered, weights[k].double(), biases[k].double(), relevance)
    return relevance


def softmax_relevance(x: Tensor, relevance: Tensor) -> Tensor:
    """Achtibat et al. (2024), proposition 3.1: x_i (R_i - s_i sum_j R_j), from the Jacobian entry by entry."""
    s = torch.softmax(x.double(), 0)
    jacobian = torch.diag(s) - torch.outer(s, s)
    return torch.stack([sum(jacobian[j, i] * x[i] / s[j] * relevance[j] for j in range(len(x))) for i in range(len(x))])


def attention_relevance(query: Tensor, key: Tensor, value: Tensor, relevance: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Achtibat et al. (2024), section 3.3: one head, (tokens, width) each; entry by entry."""
    query, key, value = query.double(), key.double(), value.double()
    logits = query @ key.T / query.shape[1] ** 0.5
    weights = logits.softmax(1)
    mixed = weights @ value
    to_weights, to_value = torch.zeros_like(weights), torch.zeros_like(value)
    for j in range(len(query)):
        for p in range(value.shape[1]):
            for i in range(len(key)):
                half = weights[j, i] * value[i, p] * relevance[j, p] / (2 * mixed[j, p])
                to_weights[j, i] += half
                to_value[i, p] += half
    to_logits = torch.stack([softmax_relevance(row, part) for row, part in zip(logits, to_weights, strict=True)])
    to_query, to_key = torch.zeros_like(query), torch.zeros_like(key)
    for j in range(len(query)):
        for i in range(len(key)):
            for d in range(query.shape[1]):
                product = query[j, d] * key[i, d] / query.shape[1] ** 0.5
                half = product * to_logits[j, i] / (2 * logits[j, i])
                to_query[j, d] += half
                to_key[i, d] += half
    return to_query, to_key, to_value


def layer_norm_relevance(x: Tensor, weight: Tensor, bias: Tensor, relevance: Tensor) -> Tensor:
    """Achtibat et al. (2024), section 3.3.3: the shift absorbs a part, the spread is constant, centring is linear."""
    x = x.double()
    centred = x - x.mean()
    normal = centred / (centred.square().mean() + 1e-5).sqrt()
    scaled = normal * weight
    to_centred = scaled / (scaled + bias) * relevance
    n = len(x)
    found = torch.zeros_like(x)
    for i in range(n):
        for j in range(n):
            found[i] += x[i] * ((1.0 if i == j else 0.0) - 1 / n) / centred[j] * to_centred[j]
    return found


def lstm_relevance(
    w_ih: Tensor, w_hh: Tensor, b_ih: Tensor, b_hh: Tensor, x: Tensor, relevance: Tensor, eps: float
) -> Tensor:
    """Arras et al. (2017): relevance of the last hidden state of one LSTM layer, back to its inputs (steps, features).

    Gates get nothing. Of the candidate's sum, input and former state get their shares; biases absorb theirs.
    """
    size = w_hh.shape[1]
    h, c = torch.zeros(size, dtype=torch.float64), torch.zeros(size, dtype=torch.float64)
    steps: list[dict[str, Tensor]] = []
    for entry in x.double():
        drive, back = w_ih @ entry + b_ih, w_hh @ h + b_hh
        i, f, g, o = (drive + back).chunk(4)
        i, f, o = i.sigmoid(), f.sigmoid(), o.sigmoid()
        g_drive, g_back = drive[2 * size : 3 * size], back[2 * size : 3 * size]
        now = f * c + i * g.tanh()
        steps.append({"h": h, "c": c, "kept": f * c, "new": i * g.tanh(), "now": now, "drive": g_drive, "back": g_back})
        h, c = o * now.tanh(), now
    found = torch.zeros_like(x, dtype=torch.float64)
    to_h, to_c = relevance.double(), torch.zeros(size, dtype=torch.float64)
    rows = slice(2 * size, 3 * size)
    for t in reversed(range(len(x))):
        step = steps[t]
        to_c = to_c + to_h

        def stable(z: Tensor) -> Tensor:
            return z + eps * torch.where(z < 0, -1.0, 1.0)

        to_new = step["new"] / stable(step["now"]) * to_c
        to_c = step["kept"] / stable(step["now"]) * to_c
        total = stable(step["drive"] + step["back"])
        to_drive, to_back = step["drive"] / total * to_new, step["back"] / total * to_new
        zeros = torch.zeros(size, dtype=torch.float64)
        found[t] = epsilon(eps)(x[t].double(), w_ih[rows], b_ih[rows], to_drive)
        to_h = epsilon(eps)(step["h"], w_hh[rows], b_hh[rows] if t else zeros, to_back) if t else zeros
    return found
