"""Propagation rules: what users of `LRP` choose from, one a file. (The rules of DeepLift are not chosen.)"""

from typing import TYPE_CHECKING

from ascribe.doors import on_demand

if TYPE_CHECKING or not on_demand(__name__):
    from ascribe.rules.relevance.alpha_beta import AlphaBeta as AlphaBeta
    from ascribe.rules.relevance.composite import Composite as Composite
    from ascribe.rules.relevance.composite import epsilon_alpha2_beta1_flat as epsilon_alpha2_beta1_flat
    from ascribe.rules.relevance.composite import epsilon_gamma_box as epsilon_gamma_box
    from ascribe.rules.relevance.composite import epsilon_plus as epsilon_plus
    from ascribe.rules.relevance.epsilon import Epsilon as Epsilon
    from ascribe.rules.relevance.flat import Flat as Flat
    from ascribe.rules.relevance.gamma import Gamma as Gamma
    from ascribe.rules.relevance.identity import Identity as Identity
    from ascribe.rules.relevance.w_square import WSquare as WSquare
    from ascribe.rules.relevance.z_box import ZBox as ZBox
    from ascribe.rules.relevance.z_plus import ZPlus as ZPlus
