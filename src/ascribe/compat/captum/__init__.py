"""Captum's names over the methods of ascribe: change the import, keep the program."""

from ascribe.compat.captum.attr import DeepLift as DeepLift
from ascribe.compat.captum.attr import DeepLiftShap as DeepLiftShap
from ascribe.compat.captum.attr import FeatureAblation as FeatureAblation
from ascribe.compat.captum.attr import GradientShap as GradientShap
from ascribe.compat.captum.attr import InputXGradient as InputXGradient
from ascribe.compat.captum.attr import IntegratedGradients as IntegratedGradients
from ascribe.compat.captum.attr import LayerActivation as LayerActivation
from ascribe.compat.captum.attr import LayerConductance as LayerConductance
from ascribe.compat.captum.attr import LayerIntegratedGradients as LayerIntegratedGradients
from ascribe.compat.captum.attr import NoiseTunnel as NoiseTunnel
from ascribe.compat.captum.attr import Saliency as Saliency
from ascribe.compat.captum.attr import ShapleyValues as ShapleyValues
from ascribe.compat.captum.attr import ShapleyValueSampling as ShapleyValueSampling
