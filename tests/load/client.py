"""The client's side: makes the calls, checks how each ends, counts."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, closing
from typing import Any

from langchain_aimlapi import ChatAIMLAPI
from langchain_aimlapi.errors import AIMLAPIError
from tests.conftest import acollect, collect
from tests.load.fates import fate, prompt, text, uses_responses, way

# On a busy machine one turn of a loop with a thousand calls may take longer than connecting should,
# and then a call would be retried of which only the first request is expected.
_PATIENCE = 600

Crowd = Mapping[str, int]
"""How many calls run at once, by way."""


class Client:
    """Makes calls with one model for each endpoint."""

    def __init__(self, base_url: str, crowd: Crowd) -> None:
        self._models = {
            responses: ChatAIMLAPI(
                api_key="emulator-key",
                base_url=base_url,
                use_responses_api=responses,
                timeout=_PATIENCE,
            )
            for responses in (False, True)
        }
        self._crowd = crowd
        self._threads = ThreadPoolExecutor(crowd["invoke"] + crowd["stream"])
        self.right: Counter[str] = Counter()
        self.wrong: list[str] = []

    async def run(self, numbers: Iterable[int]) -> None:
        """Make these calls, as many at once as the crowd is large."""
        by_way: dict[str, list[int]] = {each: [] for each in self._crowd}
        for number in numbers:
            by_way[way(number)].append(number)
        await asyncio.gather(
            *(
                self._work(shared)
                for each, size in self._crowd.items()
                for shared in [iter(by_way[each])]
                for _ in range(size)
            )
        )

    async def close(self) -> None:
        """Close the connections that are kept."""
        for llm in self._models.values():
            await llm.aclose()

    async def _work(self, numbers: Iterator[int]) -> None:
        for number in numbers:
            complaint = await self._complaint(number)
            if complaint:
                self.wrong.append(f"call {number} ({way(number)}, {fate(number).name}) {complaint}")
            else:
                self.right[fate(number).name] += 1

    async def _complaint(self, number: int) -> str | None:
        """Make a call and say what is wrong with how it ended."""
        is_stream = "stream" in way(number)
        expected = fate(number).stream_error if is_stream else fate(number).error
        try:
            answer = await self._call(number)
        except Exception as error:  # noqa: BLE001 - whatever it is, the table has to say so
            if not isinstance(error, AIMLAPIError) or type(error) is not expected:
                return f"ended in {error!r}"
            return _complaint_about_error(error, number)
        if expected:
            return f"did not end in {expected.__name__}"
        return _complaint_about_answer(answer, number)

    async def _call(self, number: int) -> Any:
        llm = self._models[uses_responses(number)]
        keywords = {"client_request_id": f"load-{number}"}
        match way(number):
            case "ainvoke":
                return await llm.ainvoke(prompt(number), **keywords)
            case "astream":
                async with aclosing(llm.astream(prompt(number), **keywords)) as stream:
                    return await (anext(stream) if fate(number).is_left else acollect(stream))
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, self._sync_call, number, llm, keywords
        )

    def _sync_call(self, number: int, llm: ChatAIMLAPI, keywords: dict[str, str]) -> Any:
        if way(number) == "invoke":
            return llm.invoke(prompt(number), **keywords)
        with closing(llm.stream(prompt(number), **keywords)) as stream:
            return next(stream) if fate(number).is_left else collect(stream)


def _complaint_about_error(error: AIMLAPIError, number: int) -> str | None:
    """Say whether an error of the right kind is another call's."""
    if error.client_request_id != f"load-{number}":
        return f"ended in the error of {error.client_request_id}"
    if error.attempts != fate(number).requests:
        return f"failed after {error.attempts} requests"
    partial = getattr(error, "partial_message", None)
    if partial is not None and not text(number).startswith(partial.text):
        return f"was interrupted after {partial.text!r}"
    return None


def _complaint_about_answer(answer: Any, number: int) -> str | None:
    """Say whether an answer is another call's, or took other requests than it should."""
    if fate(number).is_left and "stream" in way(number):
        return None if text(number).startswith(answer.text) else f"began {answer.text!r}"
    if answer.text != text(number):
        return f"was answered {answer.text!r}"
    if answer.response_metadata["attempts"] != fate(number).requests:
        return f"took {answer.response_metadata['attempts']} requests"
    return None
