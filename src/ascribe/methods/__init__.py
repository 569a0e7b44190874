"""Attribution methods, one a file."""

from typing import TYPE_CHECKING

from ascribe.doors import on_demand

if TYPE_CHECKING or not on_demand(__name__):
    from ascribe.methods.ablation import Ablation as Ablation
    from ascribe.methods.banzhaf import Banzhaf as Banzhaf
    from ascribe.methods.conductance import Conductance as Conductance
    from ascribe.methods.deconvolution import Deconvolution as Deconvolution
    from ascribe.methods.deep_lift import DeepLift as DeepLift
    from ascribe.methods.exact_shapley import ExactShapley as ExactShapley
    from ascribe.methods.expected import Expected as Expected
    from ascribe.methods.expected_gradients import ExpectedGradients as ExpectedGradients
    from ascribe.methods.grad_cam import GradCAM as GradCAM
    from ascribe.methods.guided_backprop import GuidedBackprop as GuidedBackprop
    from ascribe.methods.guided_grad_cam import GuidedGradCAM as GuidedGradCAM
    from ascribe.methods.input_x_gradient import InputXGradient as InputXGradient
    from ascribe.methods.integrated_gradients import IntegratedGradients as IntegratedGradients
    from ascribe.methods.integrated_hessians import IntegratedHessians as IntegratedHessians
    from ascribe.methods.internal_influence import InternalInfluence as InternalInfluence
    from ascribe.methods.kernel_shap import KernelShap as KernelShap
    from ascribe.methods.lime import Lime as Lime
    from ascribe.methods.lrp import LRP as LRP
    from ascribe.methods.neuron_conductance import NeuronConductance as NeuronConductance
    from ascribe.methods.occlusion import Occlusion as Occlusion
    from ascribe.methods.permutation import Permutation as Permutation
    from ascribe.methods.saliency import Saliency as Saliency
    from ascribe.methods.shapley import Shapley as Shapley
    from ascribe.methods.shapley_interactions import ShapleyInteractions as ShapleyInteractions
    from ascribe.methods.smooth_grad import SmoothGrad as SmoothGrad
    from ascribe.methods.smooth_grad_squared import SmoothGradSquared as SmoothGradSquared
    from ascribe.methods.var_grad import VarGrad as VarGrad
