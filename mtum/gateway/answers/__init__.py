"""What the practice gateway answers, one file per subject."""
