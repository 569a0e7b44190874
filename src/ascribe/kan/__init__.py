"""Kolmogorov-Arnold networks."""

from typing import TYPE_CHECKING

from ascribe.doors import on_demand

if TYPE_CHECKING or not on_demand(__name__):
    from ascribe.kan.augment import augment_input as augment_input
    from ascribe.kan.conv import KANConv2d as KANConv2d
    from ascribe.kan.fit.stop import StopTraining as StopTraining
    from ascribe.kan.layer import KANLayer as KANLayer
    from ascribe.kan.network import KAN as KAN
    from ascribe.kan.runner import Run as Run
