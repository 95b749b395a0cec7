"""An account at Interactive Brokers that trades options."""
