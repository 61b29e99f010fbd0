"""Code from the contract: run as `python -m generator`, which `api/generate` does."""
