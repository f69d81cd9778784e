#!/bin/sh
# The Lambda Web Adapter runs this in place of Lambda's own Python runtime.
export PYTHONPATH="$LAMBDA_TASK_ROOT:$LAMBDA_RUNTIME_DIR${PYTHONPATH:+:$PYTHONPATH}"
exec python3 -m proxy.server
