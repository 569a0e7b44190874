"""ascribe: what is this prediction due to, and can I read the model itself?

The one public door. Who explains a network needs no KAN, and who trains a KAN needs no method: every name loads what
it needs when it is asked for, so that `import ascribe` costs next to nothing over torch.
"""

from typing import TYPE_CHECKING

from ascribe.doors import on_demand

if TYPE_CHECKING or not on_demand(__name__):
    from ascribe import plots as plots
    from ascribe import rules as rules
    from ascribe.core import groups as groups
    from ascribe.core.attribution import Attribution as Attribution
    from ascribe.core.explain import explain as explain
    from ascribe.core.target import Neuron as Neuron
    from ascribe.errors import AscribeError as AscribeError
    from ascribe.errors import FileError as FileError
    from ascribe.errors import InputError as InputError
    from ascribe.errors import LayerError as LayerError
    from ascribe.errors import MethodError as MethodError
    from ascribe.errors import MissingExtra as MissingExtra
    from ascribe.errors import TargetError as TargetError
    from ascribe.errors import TrainingError as TrainingError
    from ascribe.kan.compile import kanpiler as kanpiler
    from ascribe.kan.conv import KANConv2d as KANConv2d
    from ascribe.kan.layer import KANLayer as KANLayer
    from ascribe.kan.network import KAN as KAN
    from ascribe.kan.symbolic.discovery import Discovery as Discovery
    from ascribe.kan.symbolic.discovery import discover as discover
    from ascribe.maths.paths import Curve as Curve
    from ascribe.maths.paths import Polyline as Polyline
    from ascribe.maths.paths import Straight as Straight
    from ascribe.maths.proximity import Cosine as Cosine
    from ascribe.maths.proximity import Euclidean as Euclidean
    from ascribe.maths.quadrature import Adaptive as Adaptive
    from ascribe.maths.quadrature import GaussLegendre as GaussLegendre
    from ascribe.maths.quadrature import Riemann as Riemann
    from ascribe.maths.regression import Lasso as Lasso
    from ascribe.maths.regression import Ridge as Ridge
    from ascribe.methods import *
    from ascribe.metrics.comparison import Comparison as Comparison
    from ascribe.metrics.comparison import compare as compare
