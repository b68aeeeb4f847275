"""MongoDB: fills collections from files. Connect reads the changes."""

from __future__ import annotations

from pathlib import Path

from bson import json_util
from bson.errors import BSONError
from pymongo import MongoClient
from pymongo.errors import ConnectionFailure, PyMongoError

from bifrost.errors import DeclarationError, Refused, Unreachable
from bifrost.redaction import redact_text

SYSTEM = "MongoDB"
TIMEOUT_S = 10.0


def seed(connection: str, folder: Path) -> tuple[str, ...]:
    """Fill each empty collection from its file `<folder>/<database>.<collection>.json`.

    A file is an array of documents in MongoDB's extended JSON, as for `mongoimport --jsonArray`.

    Returns:
        The collections that were filled, as `database.collection`.

    Raises:
        DeclarationError: a file is not such an array.
        Unreachable, Refused: the server does not answer, or refuses a document.
    """
    filled = []
    client = _connect(connection, folder)
    try:
        for path in sorted(folder.glob("*.*.json")):
            database, _, collection = path.stem.partition(".")
            documents = _documents(path)
            target = client[database][collection]
            if documents and target.find_one() is None:
                target.insert_many(documents)
                filled.append(path.stem)
    except ConnectionFailure as error:
        raise Unreachable(SYSTEM, f"fill from {folder}", "does not answer") from error
    except PyMongoError as error:
        raise Refused(SYSTEM, f"fill from {folder}", status=0, body=redact_text(str(error))) from error
    finally:
        client.close()
    return tuple(filled)


def _connect(connection: str, folder: Path) -> MongoClient[dict[str, object]]:
    timeout_ms = int(TIMEOUT_S * 1000)
    try:
        return MongoClient(connection, serverSelectionTimeoutMS=timeout_ms, timeoutMS=timeout_ms)
    except (PyMongoError, ValueError) as error:
        problem = f"the connection string is invalid: {redact_text(str(error))}"
        raise Refused(SYSTEM, f"fill from {folder}", status=0, body=problem) from error


def _documents(path: Path) -> list[dict[str, object]]:
    try:
        found = json_util.loads(path.read_text(encoding="utf-8"))
    except (TypeError, ValueError, KeyError, RecursionError, BSONError) as error:
        raise DeclarationError(path, f"is not extended JSON: {error}") from error
    except OSError as error:
        raise DeclarationError(path, f"cannot be read: {error.strerror}") from error
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise DeclarationError(path, "must be an array of documents")
    return found
