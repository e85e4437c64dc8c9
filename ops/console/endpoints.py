"""What the page asks for and asks to be done, once it is known who is asking."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from models.records.errors import PatrolError
from ops.console.access.gate import Gate
from ops.console.acting import ActionRequest, Desk, RefusedError
from ops.console.feeding import Feeding
from ops.console.json_http import answer, body
from ops.console.live import MOST_OF_ONE, MOST_STREAMS, events
from ops.console.plant import lost_messages
from ops.console.views import BatchViews

Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(slots=True)
class Endpoints:
    """Answers from what has been read."""

    gate: Gate
    feeding: Feeding
    views: BatchViews
    desk: Desk
    ending: Callable[[], bool]
    pages: Counter[str] = field(default_factory=Counter)  # streams open now, by person

    async def livez(self, _: Request) -> Response:
        """For a supervisor: whether the process answers and still reads. Says nothing else, to anybody."""
        return PlainTextResponse("ok\n") if self.feeding.failed is None else PlainTextResponse("failed\n", 503)

    async def live(self, request: Request) -> Response:
        """The stream of events."""
        person = self.gate.reader(request)
        if self.pages.total() >= MOST_STREAMS or self.pages[person.name] >= MOST_OF_ONE:
            raise HTTPException(503, "too many pages are open already; close one")
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        stream = events(self.feeding, lambda: self.gate.person(request) == person, self.ending)
        return StreamingResponse(self._counted(stream, person.name), media_type="text/event-stream", headers=headers)

    def about(self, query_view: Callable[[Mapping[str, str]], Any]) -> Endpoint:
        """Answers what ``query_view`` makes of the query; 404 where that is None."""

        async def endpoint(request: Request) -> Response:
            self.gate.reader(request)
            content = await run_in_threadpool(query_view, request.query_params)
            if content is None:
                raise HTTPException(404, "nothing is known of it yet, or no longer")
            return answer(content)

        return endpoint

    def batch(self, query: Mapping[str, str]) -> Any:
        """One batch's courses, with its deviations, and how many of its messages nobody judged."""
        unit, batch_id = query.get("unit", ""), query.get("batch") or None
        content = self.views.batch(unit, batch_id)
        if content is None:
            return None
        deviations = self.feeding.plant.of_batch(content["unit"], content["batch"])
        return content | {"deviations": deviations, "lost_messages": lost_messages(deviations)}

    def contributions(self, query: Mapping[str, str]) -> Any:
        """What was responsible at a moment of a batch, its age in hours."""
        try:
            age_h = float(query.get("age_h", ""))
        except ValueError as exc:
            raise HTTPException(422, "age_h is no number") from exc
        return self.views.contributions(query.get("unit", ""), query.get("batch") or None, age_h)

    def deviation(self, query: Mapping[str, str]) -> Any:
        """All revisions of a deviation."""
        return self.feeding.plant.history(query.get("id", "")) or None

    def alarms(self, query: Mapping[str, str]) -> Any:
        """The alarm system's own figures."""
        return self.feeding.auditing.content(query.get("batch") or None)

    async def act(self, request: Request) -> Response:
        """What a person does about a deviation."""
        person = self.gate.actor(request, "operator")
        requested = await body(request, ActionRequest)
        try:
            action = await run_in_threadpool(self.desk.act, requested, person)
        except RefusedError as exc:
            raise HTTPException(409, str(exc)) from exc
        except PatrolError as exc:
            raise HTTPException(503, f"not done: {exc}") from exc
        return answer(action)

    async def _counted(self, stream: AsyncIterator[bytes], name: str) -> AsyncIterator[bytes]:
        self.pages[name] += 1
        try:
            async for each in stream:
                yield each
        finally:
            self.pages[name] -= 1
