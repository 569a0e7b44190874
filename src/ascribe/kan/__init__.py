"""Kolmogorov-Arnold networks."""

from ascribe.kan.layer import KANLayer as KANLayer
from ascribe.kan.network import KAN as KAN
