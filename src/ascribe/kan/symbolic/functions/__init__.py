"""The library of functions, one small file each: what an edge may be."""

from ascribe.kan.symbolic.functions.absolute import ABSOLUTE as ABSOLUTE
from ascribe.kan.symbolic.functions.arccosine import ARCCOSINE as ARCCOSINE
from ascribe.kan.symbolic.functions.arcsine import ARCSINE as ARCSINE
from ascribe.kan.symbolic.functions.arctangent import ARCTANGENT as ARCTANGENT
from ascribe.kan.symbolic.functions.constant import ONE as ONE
from ascribe.kan.symbolic.functions.constant import ZERO as ZERO
from ascribe.kan.symbolic.functions.cosecant import COSECANT as COSECANT
from ascribe.kan.symbolic.functions.cosine import COSINE as COSINE
from ascribe.kan.symbolic.functions.cotangent import COTANGENT as COTANGENT
from ascribe.kan.symbolic.functions.error_function import ERROR_FUNCTION as ERROR_FUNCTION
from ascribe.kan.symbolic.functions.exponential import EXPONENTIAL as EXPONENTIAL
from ascribe.kan.symbolic.functions.exponential_minus_one import EXPONENTIAL_MINUS_ONE as EXPONENTIAL_MINUS_ONE
from ascribe.kan.symbolic.functions.gaussian import GAUSSIAN as GAUSSIAN
from ascribe.kan.symbolic.functions.hyperbolic_cosine import HYPERBOLIC_COSINE as HYPERBOLIC_COSINE
from ascribe.kan.symbolic.functions.hyperbolic_sine import HYPERBOLIC_SINE as HYPERBOLIC_SINE
from ascribe.kan.symbolic.functions.hyperbolic_tangent import HYPERBOLIC_TANGENT as HYPERBOLIC_TANGENT
from ascribe.kan.symbolic.functions.identity import IDENTITY as IDENTITY
from ascribe.kan.symbolic.functions.inverse_hyperbolic_cosine import (
    INVERSE_HYPERBOLIC_COSINE as INVERSE_HYPERBOLIC_COSINE,
)
from ascribe.kan.symbolic.functions.inverse_hyperbolic_sine import INVERSE_HYPERBOLIC_SINE as INVERSE_HYPERBOLIC_SINE
from ascribe.kan.symbolic.functions.inverse_hyperbolic_tangent import (
    INVERSE_HYPERBOLIC_TANGENT as INVERSE_HYPERBOLIC_TANGENT,
)
from ascribe.kan.symbolic.functions.logarithm import LOGARITHM as LOGARITHM
from ascribe.kan.symbolic.functions.power import POWERS as POWERS
from ascribe.kan.symbolic.functions.relu import RELU as RELU
from ascribe.kan.symbolic.functions.secant import SECANT as SECANT
from ascribe.kan.symbolic.functions.sigmoid import SIGMOID as SIGMOID
from ascribe.kan.symbolic.functions.sign import SIGN as SIGN
from ascribe.kan.symbolic.functions.sine import SINE as SINE
from ascribe.kan.symbolic.functions.step import STEP as STEP
from ascribe.kan.symbolic.functions.tangent import TANGENT as TANGENT
