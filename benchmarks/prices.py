"""AWS prices per unit in dollars: us-east-1, on demand, arm64, without the free tier, with the date of the price list."""

AS_OF = "2026-11"

HTTP_API_REQUEST = 1.00e-6
"""A request of an HTTP API, up to 512 KB, below 300 million a month."""
LAMBDA_REQUEST = 0.20e-6
LAMBDA_GB_SECOND = 13.3334e-6
WRITE_UNIT = 0.625e-6
READ_UNIT = 0.125e-6
EVENT = 1.00e-6
"""A custom event of up to 64 KB. Its delivery to a queue in the same account is free."""
SQS_REQUEST = 0.40e-6
S3_PUT = 5.0e-6
"""Also for POST and the requests of a multipart upload."""
S3_GET = 0.4e-6
SECRET_READ = 5.0e-6
LOG_BYTE = 0.50e-9
LOG_EVENT_OVERHEAD = 26
"""Bytes that CloudWatch Logs adds to each line."""

SECRET = 0.40
"""A secret, for a month."""
ALARM = 0.10
"""An alarm on one metric, for a month."""
DASHBOARD = 3.00
METRIC = 0.30
"""A custom metric, for a month in which it is written in every hour."""
METRICS_OF_A_ROUTE = 6
"""With detailed metrics: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html."""
SECONDS_PER_MONTH = 30 * 86_400
POLLERS = 5
"""Requests to an empty queue that Lambda has open: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html."""
LONG_POLL_SECONDS = 20
"""How long such a request waits for a message at most. Lambda's own value is not documented."""
IDLE_RUN_SECONDS = 0.1
"""Assumed duration of a run of the reconciler that finds nothing due."""

FULL_CORE_MB = 1769
"""MB at which a function has one processor. A smaller function has a proportional share."""
WAIT_SECONDS = {"dynamodb": 0.005, "s3": 0.025, "events": 0.015, "sqs": 0.008, "secretsmanager": 0.010, "provider": 0.300}
"""Seconds that a function waits for a response. Assumed, rounded figures: no local run can measure them."""
NETWORK_BYTES_PER_SECOND = 78e6
"""Assumed network speed of a function, independent of its memory."""
