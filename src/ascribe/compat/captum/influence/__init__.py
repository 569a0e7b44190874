"""What `captum.influence` gives, over `ascribe.influence`; and `ArnoldiInfluenceFunction`, which Captum hides."""

from ascribe.compat.captum.influence._core.arnoldi_influence_function import (
    ArnoldiInfluenceFunction as ArnoldiInfluenceFunction,
)
from ascribe.compat.captum.influence._core.influence import DataInfluence as DataInfluence
from ascribe.compat.captum.influence._core.influence_function import NaiveInfluenceFunction as NaiveInfluenceFunction
from ascribe.compat.captum.influence._core.similarity_influence import SimilarityInfluence as SimilarityInfluence
from ascribe.compat.captum.influence._core.tracincp import TracInCP as TracInCP
from ascribe.compat.captum.influence._core.tracincp import TracInCPBase as TracInCPBase
from ascribe.compat.captum.influence._core.tracincp_fast_rand_proj import TracInCPFast as TracInCPFast
from ascribe.compat.captum.influence._core.tracincp_fast_rand_proj import TracInCPFastRandProj as TracInCPFastRandProj
