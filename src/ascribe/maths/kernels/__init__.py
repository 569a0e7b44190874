"""The spline operation of a KAN layer."""

from ascribe.maths.kernels.base import BASES as BASES
from ascribe.maths.kernels.base import base_function as base_function
from ascribe.maths.kernels.basis import Basis as Basis
from ascribe.maths.kernels.basis import Extrapolate as Extrapolate
from ascribe.maths.kernels.design import design as design
from ascribe.maths.kernels.edge_sum import edge_sum as edge_sum
from ascribe.maths.kernels.form import Form as Form
from ascribe.maths.kernels.form import Moments as Moments
from ascribe.maths.kernels.forms import form_for as form_for
from ascribe.maths.kernels.weights import Weights as Weights
