"""The training loop and what it needs: losses, optimizers, checkpoints, devices."""
