"""Random baselines, where Captum has them."""

from ascribe.compat.captum.attr.interpretable_input import ProductBaselines as ProductBaselines
