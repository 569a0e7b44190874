"""Interpretable inputs, where Captum has them."""

from ascribe.compat.captum.attr.interpretable_input import ImageMaskInput as ImageMaskInput
from ascribe.compat.captum.attr.interpretable_input import InterpretableInput as InterpretableInput
from ascribe.compat.captum.attr.interpretable_input import TextTemplateInput as TextTemplateInput
from ascribe.compat.captum.attr.interpretable_input import TextTokenInput as TextTokenInput
