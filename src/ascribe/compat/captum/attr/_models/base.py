"""Embeddings, where Captum has them."""

from ascribe.compat.captum.attr.embedding import InterpretableEmbeddingBase as InterpretableEmbeddingBase
from ascribe.compat.captum.attr.embedding import TokenReferenceBase as TokenReferenceBase
from ascribe.compat.captum.attr.embedding import (
    configure_interpretable_embedding_layer as configure_interpretable_embedding_layer,
)
from ascribe.compat.captum.attr.embedding import (
    remove_interpretable_embedding_layer as remove_interpretable_embedding_layer,
)
