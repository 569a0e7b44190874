"""What `captum.attr.visualization` gives, drawn by the pictures of ascribe.

Equal arrays give equal pictures, with Captum's colours, except where Captum's fail or mislead: attributions that are
all zero are drawn as nothing; an image that was normalised (negative pixels) is stretched instead of cut off; grey
images are grey; series keep their range, whatever its sign, need not be equidistant, and leave pyplot's other figures
alone; texts are escaped.
"""

from ascribe.compat.captum.attr.visualization.image import ImageVisualizationMethod as ImageVisualizationMethod
from ascribe.compat.captum.attr.visualization.image import visualize_image_attr as visualize_image_attr
from ascribe.compat.captum.attr.visualization.image import (
    visualize_image_attr_multiple as visualize_image_attr_multiple,
)
from ascribe.compat.captum.attr.visualization.mask import draw_mask_border as draw_mask_border
from ascribe.compat.captum.attr.visualization.mask import draw_mask_legend as draw_mask_legend
from ascribe.compat.captum.attr.visualization.series import (
    TimeseriesVisualizationMethod as TimeseriesVisualizationMethod,
)
from ascribe.compat.captum.attr.visualization.series import visualize_timeseries_attr as visualize_timeseries_attr
from ascribe.compat.captum.attr.visualization.settings import VisualizeSign as VisualizeSign
from ascribe.compat.captum.attr.visualization.text import VisualizationDataRecord as VisualizationDataRecord
from ascribe.compat.captum.attr.visualization.text import format_classname as format_classname
from ascribe.compat.captum.attr.visualization.text import format_special_tokens as format_special_tokens
from ascribe.compat.captum.attr.visualization.text import format_tooltip as format_tooltip
from ascribe.compat.captum.attr.visualization.text import format_word_importances as format_word_importances
from ascribe.compat.captum.attr.visualization.text import visualize_text as visualize_text
