"""Linear models of scikit-learn, as Captum names them."""

from ascribe.compat.captum._utils.models.linear_model.model import LinearModel as LinearModel
from ascribe.compat.captum._utils.models.linear_model.model import SkLearnLasso as SkLearnLasso
from ascribe.compat.captum._utils.models.linear_model.model import SkLearnLinearModel as SkLearnLinearModel
from ascribe.compat.captum._utils.models.linear_model.model import SkLearnLinearRegression as SkLearnLinearRegression
from ascribe.compat.captum._utils.models.linear_model.model import SkLearnRidge as SkLearnRidge
