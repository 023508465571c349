"""Writes `cookbook/parameters.md` from the fields of the model and the table of parameters.

Run `python -m tests.parameters_page` after a change of either.
"""

from __future__ import annotations

import ast
import inspect
import itertools
from pathlib import Path

import langchain_aimlapi._model.fields as settings_module
from langchain_aimlapi import ChatAIMLAPI
from langchain_aimlapi._model.parameters import ALIASES, CALL_OPTIONS, PARAMETERS

PAGE = Path(__file__).parents[1] / "cookbook" / "parameters.md"

HEAD = """# Every parameter, and where it goes

Made from the package's own table by `python -m tests.parameters_page`. A parameter of the API may
be given when the model is made, bound to it, or passed with a call; one without a field is kept in
`model_kwargs`. A dash means that the endpoint has no place for it. "Documented" names the models
whose published schemas (August 2026) list it; others are sent as they are.

## Parameters of the API

| Parameter | Type | Default | Chat completions | Responses | Documented |
| --- | --- | --- | --- | --- | --- |
"""
MIDDLE = """
`max_tokens` is sent as `max_tokens` to other models on chat completions.

## What is for this package

| Field | Type | Default | What it does |
| --- | --- | --- | --- |
"""


def words_of_fields() -> dict[str, str]:
    """Return what the source says of each field, in one line."""
    tree = ast.parse(inspect.getsource(settings_module))
    [body] = [
        node.body
        for node in tree.body
        if isinstance(node, ast.ClassDef) and node.name == "AIMLAPISettings"
    ]
    words = {}
    for field, said in itertools.pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            text = ast.literal_eval(said.value) if isinstance(said, ast.Expr) else ""
            words[field.target.id] = " ".join(text.split())
    return {name: text for name, text in words.items() if not name.startswith("_")}


def page() -> str:
    """Return the page as it should be."""
    annotations = {
        node.target.id: ast.unparse(node.annotation)
        for node in ast.walk(ast.parse(inspect.getsource(settings_module)))
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    fields = ChatAIMLAPI.model_fields

    def kind(name: str) -> str:
        return f"`{annotations[name]}`".replace("|", "\\|") if name in annotations else "as the API"

    def default(name: str) -> str:
        return (
            f"`{fields[name].get_default(call_default_factory=True)!r}`" if name in fields else ""
        )

    def place(given: str | None) -> str:
        return f"`{given}`" if given else "-"

    rows = [
        f"| `{name}` | {kind(name)} | {default(name)} | {place(where.chat_completions)} | "
        f"{place(where.responses)} | {documented(where.documented)} |"
        for name, where in PARAMETERS.items()
    ]
    others = [
        f"| `{name}` | {kind(name)} | {default(name)} | {text} |".replace("``", "")
        for name, text in words_of_fields().items()
        if name not in PARAMETERS
    ]
    options = ", ".join(f"`{name}`" for name in sorted(CALL_OPTIONS))
    aliases = ", ".join(f"`{alias}` for `{name}`" for alias, name in sorted(ALIASES.items()))
    return (
        HEAD
        + "\n".join(rows)
        + "\n"
        + MIDDLE
        + "\n".join(others)
        + f"\n\nA call takes, beside the API's parameters: {options}.\n\nAliases: {aliases}.\n"
    )


def documented(models: tuple[str, ...]) -> str:
    """Return the names of models without what is common to them."""
    if len(models) == len(PARAMETERS["model"].documented):
        return "all four"
    return ", ".join(model.removeprefix("openai/") for model in models) or "none"


if __name__ == "__main__":
    PAGE.write_text(page())
