"""The descriptions of our APIs, and requests made of them with Schemathesis: valid ones, and ones that break them."""

from __future__ import annotations

import json
import random
import re
from collections import deque
from collections.abc import Mapping
from typing import Any
from unittest import SkipTest
from urllib.parse import quote

import requests
import schemathesis
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as hypothesis_seed
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.errors import SerializationNotPossible
from schemathesis.core.failures import Failure, FailureGroup

from benchmarks.fuzz.corpus import Input
from benchmarks.fuzz.http_samples import ANSWER_S, DOCUMENTED
from benchmarks.fuzz.trial import Finding
from bifrost.settings import PROJECT

FOLDER = PROJECT / "docs" / "reference" / "openapi"
_BATCH = 20
"""Requests that Schemathesis makes of one operation at a time: the first of them takes long."""
_ENDLESS = ("/events", "/live", "/query", "/rows")
"""How paths end whose answers end when the client does."""
_TEXTS = frozenset({"ksql", "sql", "text", "statement"})
_WAITS = ("timeout", "commandSequenceNumber")


class DescribedApi:
    """An API with a file in `docs/reference/openapi`.

    Args:
        known: values of path parameters that exist; a random name mostly ends in 404.
        statements: what takes the place of some random texts in bodies.
    """

    def __init__(self, name: str, known: Mapping[str, str], statements: tuple[str, ...] = ()) -> None:
        content = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
        schema = schemathesis.openapi.from_dict(content)
        self._operations = {found.ok().label: found.ok() for found in schema.get_all_operations()}
        self._known = known
        self._statements = statements
        self._made: deque[Any] = deque()
        self._session = requests.Session()
        self._session.trust_env = False

    def make(self, rng: random.Random) -> Input:
        """A request for any operation."""
        if not self._made:
            label, mode = rng.choice(sorted(self._operations)), rng.choice(list(GenerationMode))
            self._made.extend(_cases(self._operations[label], mode, rng.randrange(2**32)))
        case = self._made.popleft()
        case.path_parameters = self._path_parameters(rng, case)
        arguments = case.as_transport_kwargs(base_url="http://api")
        taken = {name: arguments.get(name) for name in ("method", "url", "params", "data", "json", "headers")}
        prepared = requests.Request(**taken).prepare()
        body = prepared.body.encode() if isinstance(prepared.body, str) else prepared.body or b""
        headers = {name: value for name, value in prepared.headers.items() if name in ("Content-Type", "Accept")}
        return Input(case.operation.label, [prepared.path_url, headers, self._with_statement(rng, body)])

    def _path_parameters(self, rng: random.Random, case: Any) -> dict[str, Any]:
        """Those of a case, some of them replaced by ones that exist; some may be missing."""
        made = case.path_parameters or {}
        names = re.findall(r"{(\w+)}", case.operation.path)
        return {
            name: self._known[name] if name in self._known and rng.random() < 0.7 else made.get(name, "x")
            for name in names
        }

    def _with_statement(self, rng: random.Random, body: bytes) -> bytes:
        """The body with a statement in place of a random text, most times."""
        try:
            content = json.loads(body)
        except ValueError:
            return body
        names = sorted(_TEXTS & content.keys()) if isinstance(content, dict) else []
        if not names or not self._statements or rng.random() < 0.2:
            return body
        return json.dumps({**content, names[0]: rng.choice(self._statements)}).encode()

    def send(self, url: str, found: Input) -> None:
        """Send a request.

        Raises:
            Finding: there is no answer, or it is not as the API is described.
        """
        operation = self._operations[found.target]
        path, headers, body = found.given
        request = requests.Request(operation.method.upper(), url, {**headers}, data=body).prepare()
        request.url = url + quote(str(path), safe="/?&=%:,;@!$'()*+~[]#")
        try:
            with self._session.send(request, stream=True, timeout=ANSWER_S, allow_redirects=False) as answer:
                if answer.ok and (operation.path.endswith(_ENDLESS) or _follows(body)):
                    return
                self._check(operation, answer)
        except requests.Timeout as error:
            if not any(name.encode() in body or name in str(path) for name in _WAITS):
                raise Finding(f"no answer within {ANSWER_S:.0f} s") from error
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
            raise Finding(f"the connection was closed: {error}") from error

    def _check(self, operation: Any, answer: requests.Response) -> None:
        content = answer.content
        if answer.status_code >= 500 and answer.status_code != 503:
            if not any(text in content for text in DOCUMENTED):
                raise Finding(f"status {answer.status_code}: {answer.text[:1000]}")
            return
        described = {str(status) for status, _ in operation.responses.items()}
        if str(answer.status_code) not in described and "default" not in described and answer.status_code != 405:
            raise Finding(f"status {answer.status_code} is not described: {answer.text[:500]}")
        try:
            if answer.headers.get("Content-Type", "").partition(";")[0].endswith("json"):
                operation.validate_response(answer)
        except (Failure, FailureGroup) as error:
            raise Finding(f"the answer is not as described: {error}") from error


def _follows(body: object) -> bool:
    """Whether a statement in a request follows its topic: its answer never ends, or only with a limit."""
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body)
    return any(word in text.upper() for word in ("PRINT", "EMIT CHANGES"))


def _cases(operation: Any, mode: GenerationMode, seed: int) -> list[Any]:
    found: list[Any] = []

    @hypothesis_seed(seed)
    @settings(
        max_examples=_BATCH,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode))
    def collect(case: Any) -> None:
        found.append(case)

    try:
        collect()
    except (Unsatisfiable, SerializationNotPossible, SkipTest):
        pass  # nothing about the operation can be broken, or its body is none that can be made
    return found or [operation.Case()]
