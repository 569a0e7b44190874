"""The library of functions, one file each; exported in the order in which equally good ones are preferred."""

from ascribe.kan.symbolic.functions.constant import ONE as ONE
from ascribe.kan.symbolic.functions.constant import ZERO as ZERO
from ascribe.kan.symbolic.functions.exponential import EXPONENTIAL as EXPONENTIAL
from ascribe.kan.symbolic.functions.identity import IDENTITY as IDENTITY
from ascribe.kan.symbolic.functions.logarithm import LOGARITHM as LOGARITHM
from ascribe.kan.symbolic.functions.power import POWERS as POWERS
from ascribe.kan.symbolic.functions.sine import SINE as SINE
