"""The call to SageMaker, and what its errors mean."""
