"""The base classes, where Captum has them."""

from ascribe.compat.captum.attr.attribution import Attribution as Attribution
from ascribe.compat.captum.attr.attribution import GradientAttribution as GradientAttribution
from ascribe.compat.captum.attr.attribution import InternalAttribution as InternalAttribution
from ascribe.compat.captum.attr.attribution import LayerAttribution as LayerAttribution
from ascribe.compat.captum.attr.attribution import NeuronAttribution as NeuronAttribution
from ascribe.compat.captum.attr.attribution import PerturbationAttribution as PerturbationAttribution
