"""Kolmogorov-Arnold networks."""

from ascribe.kan.conv import KANConv2d as KANConv2d
from ascribe.kan.fit.stop import StopTraining as StopTraining
from ascribe.kan.layer import KANLayer as KANLayer
from ascribe.kan.network import KAN as KAN
