"""Training of a KAN."""

from ascribe.kan.fit.history import History as History
from ascribe.kan.fit.loop import fit as fit
