"""Language models, where Captum has them."""

from ascribe.compat.captum.attr.llm import LLMAttribution as LLMAttribution
from ascribe.compat.captum.attr.llm import LLMGradientAttribution as LLMGradientAttribution
from ascribe.compat.captum.attr.llm import RemoteLLMAttribution as RemoteLLMAttribution
from ascribe.compat.captum.attr.llm_result import LLMAttributionResult as LLMAttributionResult
