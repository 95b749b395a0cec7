"""The parts of daily reports and reviews, one file each: the value, how it is printed, and what it comes down to.

`section` lays a part out, `findings` says in sentences what a review concludes from it.
"""
