"""What `captum.attr` gives."""

from ascribe.compat.captum.attr import visualization as visualization
from ascribe.compat.captum.attr._utils.class_summarizer import ClassSummarizer as ClassSummarizer
from ascribe.compat.captum.attr._utils.stat import MSE as MSE
from ascribe.compat.captum.attr._utils.stat import CommonStats as CommonStats
from ascribe.compat.captum.attr._utils.stat import Count as Count
from ascribe.compat.captum.attr._utils.stat import Max as Max
from ascribe.compat.captum.attr._utils.stat import Mean as Mean
from ascribe.compat.captum.attr._utils.stat import Min as Min
from ascribe.compat.captum.attr._utils.stat import StatValue as StatValue
from ascribe.compat.captum.attr._utils.stat import StdDev as StdDev
from ascribe.compat.captum.attr._utils.stat import Sum as Sum
from ascribe.compat.captum.attr._utils.stat import Var as Var
from ascribe.compat.captum.attr._utils.summarizer import Summarizer as Summarizer
from ascribe.compat.captum.attr._utils.summarizer import SummarizerSingleTensor as SummarizerSingleTensor
from ascribe.compat.captum.attr.activation import LayerActivation as LayerActivation
from ascribe.compat.captum.attr.attribution import Attribution as Attribution
from ascribe.compat.captum.attr.attribution import GradientAttribution as GradientAttribution
from ascribe.compat.captum.attr.attribution import LayerAttribution as LayerAttribution
from ascribe.compat.captum.attr.attribution import NeuronAttribution as NeuronAttribution
from ascribe.compat.captum.attr.attribution import PerturbationAttribution as PerturbationAttribution
from ascribe.compat.captum.attr.cams import GuidedGradCam as GuidedGradCam
from ascribe.compat.captum.attr.cams import LayerGradCam as LayerGradCam
from ascribe.compat.captum.attr.embedding import InterpretableEmbeddingBase as InterpretableEmbeddingBase
from ascribe.compat.captum.attr.embedding import TokenReferenceBase as TokenReferenceBase
from ascribe.compat.captum.attr.embedding import (
    configure_interpretable_embedding_layer as configure_interpretable_embedding_layer,
)
from ascribe.compat.captum.attr.embedding import (
    remove_interpretable_embedding_layer as remove_interpretable_embedding_layer,
)
from ascribe.compat.captum.attr.games import ShapleyValues as ShapleyValues
from ascribe.compat.captum.attr.games import ShapleyValueSampling as ShapleyValueSampling
from ascribe.compat.captum.attr.gradients import Deconvolution as Deconvolution
from ascribe.compat.captum.attr.gradients import GuidedBackprop as GuidedBackprop
from ascribe.compat.captum.attr.gradients import InputXGradient as InputXGradient
from ascribe.compat.captum.attr.gradients import LayerGradientXActivation as LayerGradientXActivation
from ascribe.compat.captum.attr.gradients import NeuronDeconvolution as NeuronDeconvolution
from ascribe.compat.captum.attr.gradients import NeuronGradient as NeuronGradient
from ascribe.compat.captum.attr.gradients import NeuronGuidedBackprop as NeuronGuidedBackprop
from ascribe.compat.captum.attr.gradients import Saliency as Saliency
from ascribe.compat.captum.attr.interpretable_input import ImageMaskInput as ImageMaskInput
from ascribe.compat.captum.attr.interpretable_input import InterpretableInput as InterpretableInput
from ascribe.compat.captum.attr.interpretable_input import ProductBaselines as ProductBaselines
from ascribe.compat.captum.attr.interpretable_input import TextTemplateInput as TextTemplateInput
from ascribe.compat.captum.attr.interpretable_input import TextTokenInput as TextTokenInput
from ascribe.compat.captum.attr.lime import KernelShap as KernelShap
from ascribe.compat.captum.attr.lime import Lime as Lime
from ascribe.compat.captum.attr.lime import LimeBase as LimeBase
from ascribe.compat.captum.attr.llm import LLMAttribution as LLMAttribution
from ascribe.compat.captum.attr.llm import LLMGradientAttribution as LLMGradientAttribution
from ascribe.compat.captum.attr.llm import RemoteLLMAttribution as RemoteLLMAttribution
from ascribe.compat.captum.attr.llm import RemoteLLMProvider as RemoteLLMProvider
from ascribe.compat.captum.attr.llm import VLLMProvider as VLLMProvider
from ascribe.compat.captum.attr.llm_result import LLMAttributionResult as LLMAttributionResult
from ascribe.compat.captum.attr.loader import DataLoaderAttribution as DataLoaderAttribution
from ascribe.compat.captum.attr.lrp import LRP as LRP
from ascribe.compat.captum.attr.lrp import LayerLRP as LayerLRP
from ascribe.compat.captum.attr.noise import NoiseTunnel as NoiseTunnel
from ascribe.compat.captum.attr.paths import GradientShap as GradientShap
from ascribe.compat.captum.attr.paths import IntegratedGradients as IntegratedGradients
from ascribe.compat.captum.attr.paths import InternalInfluence as InternalInfluence
from ascribe.compat.captum.attr.paths import LayerConductance as LayerConductance
from ascribe.compat.captum.attr.paths import LayerGradientShap as LayerGradientShap
from ascribe.compat.captum.attr.paths import LayerIntegratedGradients as LayerIntegratedGradients
from ascribe.compat.captum.attr.paths import NeuronConductance as NeuronConductance
from ascribe.compat.captum.attr.paths import NeuronGradientShap as NeuronGradientShap
from ascribe.compat.captum.attr.paths import NeuronIntegratedGradients as NeuronIntegratedGradients
from ascribe.compat.captum.attr.propagation import DeepLift as DeepLift
from ascribe.compat.captum.attr.propagation import DeepLiftShap as DeepLiftShap
from ascribe.compat.captum.attr.propagation import LayerDeepLift as LayerDeepLift
from ascribe.compat.captum.attr.propagation import LayerDeepLiftShap as LayerDeepLiftShap
from ascribe.compat.captum.attr.propagation import NeuronDeepLift as NeuronDeepLift
from ascribe.compat.captum.attr.propagation import NeuronDeepLiftShap as NeuronDeepLiftShap
from ascribe.compat.captum.attr.removal import FeatureAblation as FeatureAblation
from ascribe.compat.captum.attr.removal import FeaturePermutation as FeaturePermutation
from ascribe.compat.captum.attr.removal import LayerFeatureAblation as LayerFeatureAblation
from ascribe.compat.captum.attr.removal import LayerFeaturePermutation as LayerFeaturePermutation
from ascribe.compat.captum.attr.removal import NeuronFeatureAblation as NeuronFeatureAblation
from ascribe.compat.captum.attr.removal import Occlusion as Occlusion

# What the door above hands on: every name, and no module.
__all__ = [name for name, value in globals().items() if name[0] != "_" and type(value).__name__ != "module"]  # pyright: ignore[reportUnsupportedDunderAll]
