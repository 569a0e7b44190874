"""What `captum.robust` gives, over `ascribe.robust`."""

from ascribe.compat.captum.robust._core.fgsm import FGSM as FGSM
from ascribe.compat.captum.robust._core.metrics.attack_comparator import AttackComparator as AttackComparator
from ascribe.compat.captum.robust._core.metrics.min_param_perturbation import (
    MinParamPerturbation as MinParamPerturbation,
)
from ascribe.compat.captum.robust._core.perturbation import Perturbation as Perturbation
from ascribe.compat.captum.robust._core.pgd import PGD as PGD
