"""The paper itself (arXiv 2409.05000): the curves of its figures, and every equation and claim checked by computation."""
