"""What `captum.attr` gives."""

from ascribe.compat.captum.attr.table import DeepLift as DeepLift
from ascribe.compat.captum.attr.table import DeepLiftShap as DeepLiftShap
from ascribe.compat.captum.attr.table import FeatureAblation as FeatureAblation
from ascribe.compat.captum.attr.table import GradientShap as GradientShap
from ascribe.compat.captum.attr.table import InputXGradient as InputXGradient
from ascribe.compat.captum.attr.table import IntegratedGradients as IntegratedGradients
from ascribe.compat.captum.attr.table import LayerActivation as LayerActivation
from ascribe.compat.captum.attr.table import LayerConductance as LayerConductance
from ascribe.compat.captum.attr.table import LayerIntegratedGradients as LayerIntegratedGradients
from ascribe.compat.captum.attr.table import NoiseTunnel as NoiseTunnel
from ascribe.compat.captum.attr.table import Saliency as Saliency
from ascribe.compat.captum.attr.table import ShapleyValues as ShapleyValues
from ascribe.compat.captum.attr.table import ShapleyValueSampling as ShapleyValueSampling
