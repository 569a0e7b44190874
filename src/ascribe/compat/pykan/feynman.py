"""kan.feynman: the Feynman problems."""

from ascribe.compat.pykan._names import names_of
from ascribe.kan.feynman import get_feynman_dataset as get_feynman_dataset

__getattr__ = names_of(__name__)
