"""The spline operation of a KAN layer."""

from ascribe.maths.kernels.base import BASES as BASES
from ascribe.maths.kernels.base import base_function as base_function
from ascribe.maths.kernels.design import Design as Design
from ascribe.maths.kernels.design import design as design
from ascribe.maths.kernels.design import prepare as prepare
from ascribe.maths.kernels.edge_sum import contract as contract
from ascribe.maths.kernels.edge_sum import edge_sum as edge_sum
from ascribe.maths.kernels.recursion import Extrapolate as Extrapolate
