"""Scores and the regulariser of a KAN from their definitions, edge by edge: slow, and plain to see."""

from __future__ import annotations

import math

import torch


def edge_values(kan, x):
    """For every layer: the nodes below it (n, inputs), its edges (n, inputs, subnodes), their sums (n, subnodes)."""
    found = []
    h = x[:, kan.input_id]
    for l, layer in enumerate(kan.layers):
        edges = torch.zeros(len(x), layer.in_dim, layer.out_dim, dtype=x.dtype)
        for i in range(layer.in_dim):
            for j in range(layer.out_dim):
                alone = torch.zeros_like(layer.mask)
                alone[i, j] = layer.mask[i, j]
                kept = layer.mask.clone()
                layer.mask.copy_(alone)
                edges[:, i, j] = layer(h)[:, j].detach()
                layer.mask.copy_(kept)
        sums = edges.sum(1)
        found.append((h, edges, sums))
        h = kan.to_nodes(l, sums).detach()
    return found


def scores(kan, x):
    """Means over outputs of what every output hands back: nodes, subnodes and edges of every layer."""
    outputs = kan.nodes(kan.depth)
    at_nodes = [[1.0 if a == b else 0.0 for b in range(outputs)] for a in range(outputs)]
    nodes, subnodes, edges = [_mean(at_nodes)], [], []
    for l in reversed(range(kan.depth)):
        _, phi, z = edge_values(kan, x)[l]
        owner = kan.owners(l + 1)
        at_subnodes = [[row[o] for o in owner] for row in at_nodes]
        inputs = phi.shape[1]
        passed = [
            [
                [row[j] * float(phi[:, i, j].std()) / (float(z[:, j].std()) + 1e-4) for j in range(len(owner))]
                for i in range(inputs)
            ]
            for row in at_subnodes
        ]
        at_nodes = [[sum(edge) for edge in one] for one in passed]
        subnodes.insert(0, _mean(at_subnodes))
        edges.insert(0, torch.tensor(passed, dtype=x.dtype).mean(0))
        nodes.insert(0, _mean(at_nodes))
    return nodes, subnodes, edges


def attribution(kan, x, layer, node):
    """What one node hands back to every input."""
    at_nodes = [1.0 if n == node else 0.0 for n in range(kan.nodes(layer))]
    seen = edge_values(kan, x)
    for l in reversed(range(layer)):
        _, phi, z = seen[l]
        at_subnodes = [at_nodes[o] for o in kan.owners(l + 1)]
        at_nodes = [
            sum(s * float(phi[:, i, j].std()) / (float(z[:, j].std()) + 1e-4) for j, s in enumerate(at_subnodes))
            for i in range(phi.shape[1])
        ]
    return torch.tensor(at_nodes, dtype=x.dtype)


def _mean(rows):
    return torch.tensor(rows, dtype=torch.float64).mean(0)


def sparsity(v, l1, entropy):
    """l1 * sum(v) + entropy * (entropy of rows + entropy of columns), v as (rows, columns)."""
    rows, columns = v.shape
    total = sum(float(v[r, c]) for r in range(rows) for c in range(columns))
    by_row = by_column = 0.0
    for r in range(rows):
        for c in range(columns):
            p = float(v[r, c]) / (sum(float(v[r, o]) for o in range(columns)) + 1)
            by_row -= p * math.log2(p + 1e-4) / rows
            q = float(v[r, c]) / (sum(float(v[o, c]) for o in range(rows)) + 1)
            by_column -= q * math.log2(q + 1e-4) / columns
    return l1 * total + entropy * (by_row + by_column)
