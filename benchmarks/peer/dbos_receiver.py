"""A durable callback receiver on DBOS, as its documentation has webhooks: the workflow's id makes it idempotent."""

import sys
from typing import Any

import uvicorn  # type: ignore[import-not-found]
from dbos import DBOS, SetWorkflowID  # type: ignore[import-not-found]
from fastapi import FastAPI  # type: ignore[import-not-found]

app = FastAPI()


@DBOS.step()  # type: ignore[untyped-decorator]
def apply(task_id: str, callback: dict[str, Any]) -> str:
    """What there is to do with a callback: as little as can be."""
    return f"{task_id} is {callback['task_status']}"


@DBOS.workflow()  # type: ignore[untyped-decorator]
def receive(task_id: str, callback: dict[str, Any]) -> str:
    """One callback, run to its end whatever dies in between."""
    return str(apply(task_id, callback))


@app.post("/callbacks/{task_id}/{token}")  # type: ignore[untyped-decorator]
def callback(task_id: str, token: str, body: dict[str, Any]) -> dict[str, str]:  # noqa: ARG001 - the path has one
    """Answered once it is durable."""
    with SetWorkflowID(f"{task_id}:{body['task_status']}"):
        handle = DBOS.start_workflow(receive, task_id, body)
    return {"status": handle.get_workflow_id()}


if __name__ == "__main__":
    database, port = sys.argv[1:]
    DBOS(config={"name": "peer", "system_database_url": database, "run_admin_server": False, "log_level": "ERROR"})
    DBOS.launch()
    uvicorn.run(app, host="127.0.0.1", port=int(port), log_level="error")
