"""Where a model comes from: AWS Marketplace packages, their catalogue, and the GPU types they run on."""
