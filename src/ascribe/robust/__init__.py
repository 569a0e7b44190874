"""Attacks on a network's inputs, how little is enough, and how several compare."""

from ascribe.robust.attack import Attack as Attack
from ascribe.robust.comparison import AttackComparison as AttackComparison
from ascribe.robust.fgsm import FGSM as FGSM
from ascribe.robust.loss import negative_log as negative_log
from ascribe.robust.pgd import PGD as PGD
from ascribe.robust.smallest import SmallestParameter as SmallestParameter
from ascribe.robust.smallest import smallest_parameter as smallest_parameter
