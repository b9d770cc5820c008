"""Lambda's filter of application logs by level, for functions that log in JSON.

Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html: "If the "level" value field is
invalid or missing, Lambda will assign the log output the level INFO. […] If you don't supply a valid timestamp, Lambda will
assign the log the level INFO". A timestamp is valid in the format of RFC 3339.
"""

import json
import re

LEVELS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


def level_of(line: str) -> str:
    """The level that Lambda assigns to a line of a function's output."""
    try:
        log = json.loads(line)
    except ValueError:
        return "INFO"
    if not isinstance(log, dict) or not _RFC_3339.fullmatch(str(log.get("timestamp"))):
        return "INFO"
    level = str(log.get("level")).upper()
    return level if level in LEVELS else "INFO"


def kept(output: str, application_log_level: str) -> list[str]:
    """The lines of a function's output that reach CloudWatch Logs."""
    lowest = LEVELS.index(application_log_level)
    return [line for line in output.splitlines() if LEVELS.index(level_of(line)) >= lowest]
