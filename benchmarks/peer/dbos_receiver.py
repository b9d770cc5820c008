"""A durable callback receiver on DBOS, as in its documentation for webhooks. The workflow id makes it idempotent."""

import sys
from typing import Any

import uvicorn  # type: ignore[import-not-found]
from dbos import DBOS, SetWorkflowID  # type: ignore[import-not-found]
from fastapi import FastAPI  # type: ignore[import-not-found]

app = FastAPI()


@DBOS.step()  # type: ignore[untyped-decorator]
def apply(task_id: str, callback: dict[str, Any]) -> str:
    """Does as little as possible with a callback."""
    return f"{task_id} is {callback['task_status']}"


@DBOS.workflow()  # type: ignore[untyped-decorator]
def receive(task_id: str, callback: dict[str, Any]) -> str:
    """Handles one callback and is continued after a crash."""
    return str(apply(task_id, callback))


@app.post("/callbacks/{task_id}/{token}")  # type: ignore[untyped-decorator]
def callback(task_id: str, token: str, body: dict[str, Any]) -> dict[str, str]:  # noqa: ARG001 - the path has one
    """Answers as soon as the workflow is durable."""
    with SetWorkflowID(f"{task_id}:{body['task_status']}"):
        handle = DBOS.start_workflow(receive, task_id, body)
    return {"status": handle.get_workflow_id()}


if __name__ == "__main__":
    database, port = sys.argv[1:]
    DBOS(config={"name": "peer", "system_database_url": database, "run_admin_server": False, "log_level": "ERROR"})
    DBOS.launch()
    uvicorn.run(app, host="127.0.0.1", port=int(port), log_level="error")
