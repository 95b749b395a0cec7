"""What results mean: metrics, resampling and checks against self-deception."""
