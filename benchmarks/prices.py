"""What AWS asks for each unit, in dollars: us-east-1, on demand, arm64, without the free tier; one table, with its date."""

AS_OF = "2026-11"

HTTP_API_REQUEST = 1.00e-6
"""A request of an HTTP API, up to 512 KB, below 300 million a month."""
LAMBDA_REQUEST = 0.20e-6
LAMBDA_GB_SECOND = 13.3334e-6
WRITE_UNIT = 0.625e-6
READ_UNIT = 0.125e-6
EVENT = 1.00e-6
"""A custom event of up to 64 KB; its delivery to a queue of the account is free."""
SQS_REQUEST = 0.40e-6
S3_PUT = 5.0e-6
"""PUT, POST and the requests of a multipart upload."""
S3_GET = 0.4e-6
SECRET_READ = 5.0e-6
LOG_BYTE = 0.50e-9
LOG_EVENT_OVERHEAD = 26
"""Bytes that CloudWatch Logs counts for a line, besides its own."""

FULL_CORE_MB = 1769
"""A function of this size has one processor; a smaller one its share of it."""
WAIT_SECONDS = {"dynamodb": 0.005, "s3": 0.025, "events": 0.015, "sqs": 0.008, "secretsmanager": 0.010, "provider": 0.300}
"""How long a function waits for an answer, which no local run can tell: rounded figures of one region."""
NETWORK_BYTES_PER_SECOND = 78e6
"""What a function's network carries, whatever its size."""
