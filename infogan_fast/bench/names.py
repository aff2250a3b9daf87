"""What the contenders of the training step are called, in tables and in JSON."""

OURS, OURS_COMPILED = "infogan_fast", "infogan_fast, compiled"
PLAIN_JOB = "infogan_fast, plain job"
FORM_A, FORM_B = "form A", "form B"
FORM_A_COMPILED, FORM_B_COMPILED = "form A, compiled", "form B, compiled"
#: Form A on networks that are written with convolutions in the place of fully connected layers.
CONVOLUTIONS = "form A, convolutions only"
