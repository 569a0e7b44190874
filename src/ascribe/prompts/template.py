"""A text with fields: each field is a player."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from string import Formatter
from typing import Any, final

from jaxtyping import Int
from torch import Tensor

from ascribe.errors import InputError
from ascribe.prompts.prompt import Prompt

Fields = Mapping[str, Any] | Sequence[Any]  # of texts, which is checked


@final
@dataclass(frozen=True)
class Template(Prompt):
    """`template` with its `fields` filled in; a field that is absent holds its baseline.

    `template`: a format string, "{name} lives in {city}", or a function that takes the fields and gives the text.
    `fields`: a dict of texts, or a list for places without a name, "{} lives in {}". `baseline`: as `fields` (nothing:
    empty texts), or a list of these: then an attribution is the mean over them. A field that a dict of baselines leaves
    out has the empty text.

    Raises InputError for a field that the template or the fields do not have, for no fields, and for what is no text.

    >>> import torch
    >>> prompt = Template("{name} lives in {city}", {"name": "Anna", "city": "Rome"}, {"name": "He", "city": "it"})
    >>> prompt.names, prompt.filled(torch.tensor([1, 0]))
    (('name', 'city'), 'Anna lives in it')
    """

    template: str | Callable[..., str]
    fields: Fields
    baseline: Fields | Sequence[Fields] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.template, str) and not callable(self.template):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InputError(f"template={self.template!r:.40}; pass a text with {{fields}}, or a function of them")
        if isinstance(self.fields, str) or len(self.fields) == 0:
            raise InputError(f"fields={self.fields!r:.40}; pass a dict or a list of at least one text")
        for fields in (self.fields, *self.absences):
            self._check(fields)
        if isinstance(self.template, str):
            self._fit(self.template)

    @property
    def absences(self) -> tuple[Fields, ...]:
        """The baselines, one after the other."""
        given = self.baseline
        if given is None:
            return ([""] * len(self.fields),) if not isinstance(self.fields, Mapping) else ({},)
        if isinstance(given, Mapping) or (len(given) > 0 and isinstance(given[0], str)):
            return (given,)  # pyright: ignore[reportReturnType] - a sequence that begins with a text is one of texts
        return tuple(given)  # pyright: ignore[reportReturnType]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.fields)

    @property
    def baselines(self) -> int:
        return len(self.absences)

    def filled(self, codes: Int[Tensor, " players"]) -> str:
        contents = [self.fields if code == 1 else self.absences[-code] for code in codes.tolist()]
        write: Any = self.template.format if isinstance(self.template, str) else self.template
        if isinstance(self.fields, Mapping):
            text = write(**{name: _text(content, name) for name, content in zip(self.fields, contents, strict=True)})
        else:
            text = write(*[content[place] for place, content in enumerate(contents)])  # pyright: ignore[reportArgumentType, reportCallIssue]
        if not isinstance(text, str):
            raise InputError(f"the template function gave {text!r:.40}; it must give a text")
        return text

    def _check(self, fields: Any) -> None:
        """Every content is a text, in the form and under the names of the fields."""
        named = isinstance(self.fields, Mapping)
        if isinstance(fields, str) or named != isinstance(fields, Mapping) or not hasattr(fields, "__len__"):
            form = f"a dict with keys {', '.join(self.fields)}" if named else f"a list of {len(self.fields)} texts"
            raise InputError(f"baseline={fields!r:.40} is not as the fields are; pass {form}")
        if named and (unknown := [name for name in fields if name not in self.fields]):
            raise InputError(f"baseline names {unknown[0]!r}, which is no field; there are {', '.join(self.fields)}")
        if not named and len(fields) != len(self.fields):
            raise InputError(f"baseline has {len(fields)} entries for {len(self.fields)} fields; pass one for each")
        contents = list(fields.values() if named else fields)
        if wrong := [content for content in contents if not isinstance(content, str)]:
            raise InputError(
                f"{wrong[0]!r:.40} is no text; the contents of fields are texts, such as {str(wrong[0])!r}"
            )

    def _fit(self, template: str) -> None:
        """The format string and the fields name the same places."""
        try:
            places = [place for _, place, _, _ in Formatter().parse(template) if place is not None]
        except ValueError as error:
            raise InputError(f"template={template!r:.60} cannot be read ({error}); write {{{{ for a brace") from error
        heads = [re.split(r"[.\[]", place)[0] for place in places]
        if isinstance(self.fields, Mapping):
            asked, there = set(heads), set(self.fields)
        else:
            asked = {int(head) if head.isdecimal() else head or place for place, head in enumerate(heads)}
            there = set(range(len(self.fields)))
        if missing := [head for head in asked if head not in there]:
            raise InputError(f"the template asks for {missing[0]!r}, which is no field; there are {sorted(there)!s}")
        if unused := [field for field in there if field not in asked]:
            raise InputError(
                f"field {unused[0]!r} has no place in the template; write {{{unused[0]}}} where it belongs"
            )


def _text(content: Any, name: str) -> str:
    return content.get(name, "")
