"""What `captum.metrics` gives, over `ascribe.metrics`."""

from ascribe.compat.captum.metrics._core.infidelity import infidelity as infidelity
from ascribe.compat.captum.metrics._core.infidelity import (
    infidelity_perturb_func_decorator as infidelity_perturb_func_decorator,
)
from ascribe.compat.captum.metrics._core.sensitivity import sensitivity_max as sensitivity_max
