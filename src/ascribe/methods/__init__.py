"""Attribution methods, one a file."""

from ascribe.methods.ablation import Ablation as Ablation
from ascribe.methods.deep_lift import DeepLift as DeepLift
from ascribe.methods.input_x_gradient import InputXGradient as InputXGradient
from ascribe.methods.saliency import Saliency as Saliency
from ascribe.methods.shapley import Shapley as Shapley
