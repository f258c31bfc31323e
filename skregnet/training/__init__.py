"""Training: batches, optimizers, schedules, callbacks and the loop that joins them."""
