"""Option orders, lots and what they pin: the part of the portfolio that is not shares."""
