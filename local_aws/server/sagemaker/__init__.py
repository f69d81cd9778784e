"""SageMaker's real-time endpoints: the control plane, its CloudFormation types and the runtime."""
