"""Where each sequence of the library belongs."""

#: Where a sequence belongs; the dipolar pair otherwise.
NATURAL = dict.fromkeys(
    (
        "ax-diagonal",
        "ax-gibbs",
        "bb1-180",
        "bb1-90",
        "corpse-180",
        "corpse-90",
        "inept",
        "inversion-recovery",
        "pseudo-pure",
        "saturation-recovery",
        "spin-echo",
        "star-charge",
        "star-recharge",
        "star-xy",
    ),
    "chloroform",
) | {"star-load": "methyl-fluoride"}
