"""Lime and the functions that it is made of, where Captum has them."""

from ascribe.compat.captum.attr.lime import Lime as Lime
from ascribe.compat.captum.attr.lime import LimeBase as LimeBase
from ascribe.compat.captum.attr.lime import default_from_interp_rep_transform as default_from_interp_rep_transform
from ascribe.compat.captum.attr.lime import default_perturb_func as default_perturb_func
from ascribe.compat.captum.attr.lime import get_exp_kernel_similarity_function as get_exp_kernel_similarity_function
