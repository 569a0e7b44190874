"""What `captum.robust` gives, over `ascribe.robust`."""

from ascribe.compat.captum.robust.attack_comparator import AttackComparator as AttackComparator
from ascribe.compat.captum.robust.attacks import FGSM as FGSM
from ascribe.compat.captum.robust.attacks import PGD as PGD
from ascribe.compat.captum.robust.min_param_perturbation import MinParamPerturbation as MinParamPerturbation
from ascribe.compat.captum.robust.perturbation import Perturbation as Perturbation
