"""kan.feynman: the Feynman problems."""

from ascribe.kan.feynman import get_feynman_dataset as get_feynman_dataset
