"""A practice gateway that speaks the broker's wire protocol over the simulated exchange."""
