"""From a formula to the KAN that computes it."""

from ascribe.kan.compile.from_formula import from_formula as from_formula
from ascribe.kan.compile.kanpiler import expr2kan as expr2kan
from ascribe.kan.compile.kanpiler import kanpiler as kanpiler
from ascribe.kan.compile.kanpiler import sf2kan as sf2kan
