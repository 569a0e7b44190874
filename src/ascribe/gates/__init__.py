"""Stochastic gates: layers that learn which of their inputs a network needs."""

from ascribe.gates.binary_concrete import BinaryConcreteGates as BinaryConcreteGates
from ascribe.gates.gates import Gates as Gates
from ascribe.gates.gaussian import GaussianGates as GaussianGates
