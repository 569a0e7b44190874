"""What `captum.module` gives."""

from ascribe.compat.captum.module.binary_concrete_stochastic_gates import (
    BinaryConcreteStochasticGates as BinaryConcreteStochasticGates,
)
from ascribe.compat.captum.module.gaussian_stochastic_gates import GaussianStochasticGates as GaussianStochasticGates
from ascribe.compat.captum.module.stochastic_gates_base import StochasticGatesBase as StochasticGatesBase
