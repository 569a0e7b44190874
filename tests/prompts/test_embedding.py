"""An embedding opened and closed again."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ascribe import explain
from ascribe.errors import LayerError
from ascribe.methods.integrated_gradients import IntegratedGradients
from ascribe.prompts import vectors_instead
from ascribe.prompts.embedding import close_embedding, open_embedding
from networks.language_model import tiny_language_model


def classifier() -> nn.Module:
    torch.manual_seed(0)
    words = nn.ModuleDict({"words": nn.Embedding(9, 4)})
    return nn.Sequential(words["words"], nn.Flatten(), nn.Linear(12, 2)).double()


def test_the_network_takes_vectors_and_then_ids_again():
    network, ids = classifier(), torch.tensor([[1, 2, 3], [4, 5, 6]])
    before, layer, keys = network(ids), network[0], list(network.state_dict())
    with vectors_instead(network, "0") as opened:
        vectors = opened.indices_to_embeddings(ids)
        assert torch.equal(network(vectors), before)
        assert (opened.num_embeddings, opened.embedding_dim) == (9, 4)
        found = explain(network, vectors.detach(), IntegratedGradients(), target=1)
    assert network[0] is layer
    assert list(network.state_dict()) == keys
    by_id = explain(network, ids, IntegratedGradients(), target=1, at="0", baseline=ids * 0)
    assert found.values.shape == by_id.values.shape == (2, 3, 4)
    assert torch.equal(network(ids), before)


def test_an_exception_puts_it_back():
    model, _ = tiny_language_model()
    layer = model.embed
    with pytest.raises(ZeroDivisionError), vectors_instead(model, "embed"):
        1 / 0  # noqa: B018
    assert model.embed is layer


def test_it_opens_and_closes_once():
    network = nn.ModuleDict({"inner": classifier()})
    opened = open_embedding(network, "inner.0")
    with pytest.raises(LayerError, match="open already"):
        open_embedding(network, "inner.0")
    with pytest.raises(LayerError, match="given no tensor"):
        opened()
    close_embedding(network, opened)
    with pytest.raises(LayerError, match="close each once"):
        close_embedding(network, opened)
    with pytest.raises(LayerError, match="no layer 'nowhere'"):
        open_embedding(network, "nowhere")
