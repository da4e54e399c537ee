"""How good the model is: pure functions of outcomes and predictions, and plots of their results."""
