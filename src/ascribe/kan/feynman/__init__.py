"""The 120 problems of the Feynman set: formulas of physics with variables, ranges and values."""

from ascribe.kan.feynman.dataset import get_feynman_dataset as get_feynman_dataset
from ascribe.kan.feynman.problems import PROBLEMS as PROBLEMS
from ascribe.kan.feynman.problems import Problem as Problem
